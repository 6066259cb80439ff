//! How long frames took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest time that is told from longer ones, in nanoseconds, and to how many digits each is kept.
const HOUR: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

/// How long frames took from one side to the other, in nanoseconds, by the clocks of both sides, which must be one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub median_ns: u64,
    /// What 99 of 100 took no longer than.
    pub most_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// How many frames came before they were sent: then the clocks are two, and the times say nothing.
    pub impossible: u64,
}

/// Times, of which as many as there may be take no more room.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    all: Histogram<u64>,
    longest: Duration,
    impossible: u64,
}

impl Times {
    pub(crate) fn new() -> Self {
        Self {
            all: Histogram::new_with_max(HOUR, DIGITS).expect("a histogram of an hour"),
            longest: Duration::ZERO,
            impossible: 0,
        }
    }

    pub(crate) fn take(&mut self, time: Duration) {
        self.all.saturating_record(nanoseconds(time));
        self.longest = self.longest.max(time);
    }

    /// From when a frame was sent to when it came.
    pub(crate) fn between(&mut self, sent: Duration, came: Duration) {
        match came.checked_sub(sent) {
            Some(time) => self.take(time),
            None => self.impossible += 1,
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.all.len()
    }

    pub(crate) fn latency(&self) -> Latency {
        // Each is kept as one of some that are told as the longest of them.
        let longest = nanoseconds(self.longest);
        let share = |share| self.all.value_at_quantile(share).min(longest);
        Latency {
            median_ns: share(0.5),
            most_ns: share(0.99),
            max_ns: longest,
            impossible: self.impossible,
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_their_order_and_none_is_negative() {
        let mut times = Times::new();
        assert_eq!(times.latency(), Latency::default());
        for micros in [30, 10, 20] {
            times.between(Duration::from_micros(5), Duration::from_micros(5 + micros));
        }
        times.between(Duration::from_micros(5), Duration::from_micros(4));
        let expected = Latency {
            median_ns: 20_015,
            most_ns: 30_000,
            max_ns: 30_000,
            impossible: 1,
        };
        assert_eq!((times.latency(), times.count()), (expected, 3));
    }
}
