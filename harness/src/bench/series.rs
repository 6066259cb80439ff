//! Two ways of frames, measured in turns, in verbs.

use serde::Serialize;

use super::{Bench, Course, End, Far, Streamed};
use crate::finding::Problem;
use crate::judge::{Pair, Ratio, Side, TooFewPairs, median, order};

/// What came of two ways that were measured in turns.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// The size of the frames in bytes, without the check sequence.
    pub size: u16,
    /// What the order was made from, and what the interval of the ratio is made from.
    pub seed: u64,
    /// In the order they were measured in; each has the first way first.
    pub pairs: Vec<[Streamed; 2]>,
}

impl Series {
    /// How many times as much the first way has of something as the second.
    pub fn ratio(&self, of: fn(&Streamed) -> f64) -> Result<Ratio, TooFewPairs> {
        let pair = |[a, b]: &[Streamed; 2]| Pair { a: of(a), b: of(b) };
        let pairs: Vec<Pair> = self.pairs.iter().map(pair).collect();
        Ratio::of(&pairs, self.seed)
    }

    /// The median of something of one of the ways. There must be a pair.
    pub fn median(&self, way: usize, of: fn(&Streamed) -> f64) -> f64 {
        median(self.of(way).map(of).collect())
    }

    /// All of one of the ways.
    pub fn of(&self, way: usize) -> impl Iterator<Item = &Streamed> {
        self.pairs.iter().map(move |pair| &pair[way])
    }
}

impl Bench {
    /// Measures two ways to the same end in turns and in random order, so many pairs, after one of each that does not count.
    /// Both send by the same backend.
    pub async fn in_turns(
        &mut self,
        ways: [&End; 2],
        to: &Far,
        size: u16,
        pairs: usize,
    ) -> Result<Series, Problem> {
        let mut course = Course {
            size,
            seconds: self.settings.stream_seconds,
            rate: None,
            backend: None,
        };
        // They are warm then. The best backend that works on both.
        let [a, b] = self.pair(ways, Side::A, to, &course).await?;
        course.backend = Some(a.sent.backend.min(b.sent.backend));
        let mut series = Series {
            size,
            seed: fastrand::u64(..),
            pairs: Vec::with_capacity(pairs),
        };
        for first in order(pairs, series.seed) {
            let pair = self.pair(ways, first, to, &course).await?;
            series.pairs.push(pair);
        }
        Ok(series)
    }

    /// One sample of each way.
    async fn pair(
        &mut self,
        ways: [&End; 2],
        first: Side,
        to: &Far,
        course: &Course,
    ) -> Result<[Streamed; 2], Problem> {
        let [a, b] = ways;
        Ok(match first {
            Side::A => {
                let a = self.stream(a, &to.end, course).await?;
                [a, self.stream(b, &to.end, course).await?]
            }
            Side::B => {
                let b = self.stream(b, &to.end, course).await?;
                [self.stream(a, &to.end, course).await?, b]
            }
        })
    }
}
