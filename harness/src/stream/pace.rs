//! How many frames may go now.

use std::time::Duration;

/// So many frames a second. What was not sent when it could have been may be sent later, but not more than that of a moment: a
/// burst of any length would be no rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Frames in a second; none for as many as go.
    rate: Option<f64>,
    /// Frames that are allowed, of which some were sent.
    allowed: f64,
    /// Up to when that was counted, since the beginning.
    counted: Duration,
}

/// How long a sender may be held up without losing what it could have sent.
const MOMENT: Duration = Duration::from_millis(10);

impl Pace {
    pub(super) fn new(rate: Option<f64>) -> Self {
        Self {
            rate,
            allowed: 1.0,
            counted: Duration::ZERO,
        }
    }

    /// How many frames may go that long after the beginning, at most that many.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few frames, and never less than none"
    )]
    pub(super) fn allowed(&mut self, since: Duration, most: usize) -> usize {
        let Some(rate) = self.rate else {
            return most;
        };
        let more = since.saturating_sub(self.counted).as_secs_f64() * rate;
        let burst = (MOMENT.as_secs_f64() * rate).max(1.0);
        self.allowed = (self.allowed + more).min(burst);
        self.counted = since;
        (self.allowed as usize).min(most)
    }

    /// How long it takes until one may go.
    pub(super) fn wait(&self) -> Duration {
        let missing = (1.0 - self.allowed).max(0.0);
        self.rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(missing / rate)
        })
    }

    /// So many of them went.
    #[expect(clippy::cast_precision_loss, reason = "a few frames")]
    pub(super) fn went(&mut self, frames: usize) {
        self.allowed -= frames as f64;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{MOMENT, Pace};

    /// How many frames go within a second, if it is asked at these times, in microseconds.
    fn sent(rate: f64, times: &[u64], batch: usize) -> f64 {
        let mut pace = Pace::new(Some(rate));
        let mut sent = 0;
        for time in times {
            let allowed = pace.allowed(Duration::from_micros(*time), batch);
            pace.went(allowed);
            sent += allowed;
        }
        f64::from(u32::try_from(sent).unwrap())
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate(rate in 1.0..1e6, mut times in prop::collection::vec(0_u64..1_000_000, 1..200), batch in 1_usize..64) {
            times.sort_unstable();
            let sent = sent(rate, &times, batch);
            prop_assert!(sent <= rate + 1.0, "{sent} at {rate}");
        }

        #[test]
        fn whoever_asks_often_enough_gets_all_of_it(rate in 100.0..10_000.0) {
            let times: Vec<u64> = (0..1_000_000).step_by(20).collect();
            let sent = sent(rate, &times, 64);
            prop_assert!((sent - rate).abs() <= 2.0, "{sent} at {rate}");
        }
    }

    #[test]
    fn one_may_go_after_the_wait_and_none_before() {
        let mut pace = Pace::new(Some(10.0));
        assert_eq!(pace.allowed(Duration::ZERO, 64), 1);
        pace.went(1);
        let wait = pace.wait();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(pace.allowed(wait / 2, 64), 0);
        assert_eq!(pace.allowed(wait, 64), 1);
    }

    #[test]
    fn without_a_rate_all_may_go() {
        assert_eq!(Pace::new(None).allowed(Duration::ZERO, 64), 64);
    }

    #[test]
    fn what_was_missed_for_long_is_not_sent_all_at_once() {
        let mut pace = Pace::new(Some(100_000.0));
        let allowed: usize = (0..100)
            .map(|_| {
                let allowed = pace.allowed(Duration::from_mins(1), 64);
                pace.went(allowed);
                allowed
            })
            .sum();
        let moment = MOMENT.as_secs_f64() * 100_000.0;
        let allowed = f64::from(u32::try_from(allowed).unwrap());
        assert!(allowed <= moment, "{allowed} of {moment}");
    }
}
