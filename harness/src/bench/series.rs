//! Two ways, measured in turns: in verbs those of frames.

use serde::Serialize;

use super::{Bench, Course, End, Far, Streamed};
use crate::finding::Problem;
use crate::judge::{Pair, Ratio, Side, TooFewPairs, median, order};

/// What came of two ways that were measured in turns.
#[derive(Clone, Debug, Serialize)]
pub struct Series<T> {
    /// What the order was made from, and what the interval of the ratio is made from.
    pub seed: u64,
    /// In the order they were measured in; each has the first way first.
    pub pairs: Vec<[T; 2]>,
}

impl<T> Series<T> {
    /// Measures so many pairs, each way first in half of them. `sample` measures the way of that number.
    pub(super) async fn measure(
        pairs: usize,
        mut sample: impl AsyncFnMut(usize) -> Result<T, Problem>,
    ) -> Result<Self, Problem> {
        let mut series = Self {
            seed: fastrand::u64(..),
            pairs: Vec::with_capacity(pairs),
        };
        for first in order(pairs, series.seed) {
            series.pairs.push(match first {
                Side::A => {
                    let a = sample(0).await?;
                    [a, sample(1).await?]
                }
                Side::B => {
                    let b = sample(1).await?;
                    [sample(0).await?, b]
                }
            });
        }
        Ok(series)
    }

    /// How many times as much the first way has of something as the second.
    pub fn ratio(&self, of: fn(&T) -> f64) -> Result<Ratio, TooFewPairs> {
        let pair = |[a, b]: &[T; 2]| Pair { a: of(a), b: of(b) };
        let pairs: Vec<Pair> = self.pairs.iter().map(pair).collect();
        Ratio::of(&pairs, self.seed)
    }

    /// The median of something of one of the ways. There must be a pair.
    pub fn median(&self, way: usize, of: fn(&T) -> f64) -> f64 {
        median(self.of(way).map(of).collect())
    }

    /// All of one of the ways.
    pub fn of(&self, way: usize) -> impl Iterator<Item = &T> {
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
    ) -> Result<Series<Streamed>, Problem> {
        let mut course = Course {
            size,
            seconds: self.settings.stream_seconds,
            rate: None,
            backend: None,
        };
        // They are warm then. The best backend that works on both.
        let mut backends = Vec::new();
        for way in ways {
            let streamed = self.stream(way, &to.end, &course).await?;
            backends.push(streamed.sent.backend);
        }
        course.backend = backends.into_iter().min();
        Series::measure(pairs, async |way| {
            self.stream(ways[way], &to.end, &course).await
        })
        .await
    }
}
