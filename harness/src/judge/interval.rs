//! A ratio, and the interval in which it lies.

use std::fmt;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// How many pairs there must be. That all of n pairs lie on the wrong side of the true ratio has the probability 2 to the power of
/// -n, which is 3 % for five: no interval can be trusted that was made from so few.
pub const PAIRS: usize = 9;

/// How probable it is that the ratio lies in its interval.
///
/// Higher than usual, since the percentile bootstrap of a median is too narrow for few samples. With this one a false pass and
/// a false fail stay below 1 % each from [`PAIRS`] pairs on: `trials.rs` shows it.
pub const CONFIDENCE: f64 = 0.999;

/// How often the pairs are drawn anew for the interval.
pub const RESAMPLES: usize = 2000;

/// What was measured on both sides one right after the other, in any unit of which more is better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Of the side that is claimed to be better.
    pub a: f64,
    /// Of what it is compared with.
    pub b: f64,
}

/// How many times better the side A is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The median of A by the median of B.
    pub middle: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
    /// How many pairs it was made from.
    pub pairs: usize,
}

/// Too little was measured for an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFewPairs {
    /// How many pairs can be used: both of their samples are numbers above zero.
    pub usable: usize,
}

impl Ratio {
    /// The ratio of pairs, with its interval by the percentile bootstrap (Efron, Tibshirani: An Introduction to the Bootstrap,
    /// 1993, section 13.3): whole pairs are drawn, so that what drifts on both sides alike does not widen it.
    pub fn of(pairs: &[Pair], seed: u64) -> Result<Self, TooFewPairs> {
        let usable = pairs.iter().filter(|pair| pair.a > 0.0 && pair.b > 0.0);
        let usable: Vec<Pair> = usable
            .copied()
            .filter(|pair| (pair.a / pair.b).is_finite())
            .collect();
        if usable.len() < PAIRS || usable.len() < pairs.len() {
            return Err(TooFewPairs {
                usable: usable.len(),
            });
        }
        let mut drawn = resampled(&usable, seed);
        drawn.sort_by(f64::total_cmp);
        Ok(Self {
            middle: of_medians(&usable),
            low: quantile(&drawn, (1.0 - CONFIDENCE) / 2.0),
            high: quantile(&drawn, f64::midpoint(1.0, CONFIDENCE)),
            pairs: usable.len(),
        })
    }
}

/// The ratio of medians of as many pairs, drawn from them with replacement, again and again.
fn resampled(pairs: &[Pair], seed: u64) -> Vec<f64> {
    let mut rng = Rng::with_seed(seed);
    let mut drawn = pairs.to_vec();
    let mut draw = || {
        for pair in &mut drawn {
            *pair = pairs[rng.usize(..pairs.len())];
        }
        of_medians(&drawn)
    };
    (0..RESAMPLES).map(|_| draw()).collect()
}

fn of_medians(pairs: &[Pair]) -> f64 {
    let side = |of: fn(&Pair) -> f64| median(pairs.iter().map(of).collect());
    side(|pair| pair.a) / side(|pair| pair.b)
}

/// The middle of the samples, of which there is at least one.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let half = samples.len() / 2;
    if samples.len().is_multiple_of(2) {
        f64::midpoint(samples[half - 1], samples[half])
    } else {
        samples[half]
    }
}

/// The sample below which that share of the sorted ones lies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an index into a few thousand samples"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    sorted[((share * last as f64).round() as usize).min(last)]
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            middle,
            low,
            high,
            pairs,
        } = self;
        write!(
            f,
            "{middle:.2} times ({low:.2} to {high:.2}, {pairs} pairs)"
        )
    }
}

impl fmt::Display for TooFewPairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} usable pairs of samples, and a ratio needs {PAIRS}, all of them usable",
            self.usable
        )
    }
}

impl std::error::Error for TooFewPairs {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PAIRS, Pair, Ratio, TooFewPairs};

    fn pairs(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Pair>> {
        let pair = (1.0..1e6, 1.0..1e6).prop_map(|(a, b)| Pair { a, b });
        prop::collection::vec(pair, count)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_interval_holds_the_ratio_and_lies_between_the_extremes(pairs in pairs(PAIRS..20), seed: u64) {
            let ratio = Ratio::of(&pairs, seed).unwrap();
            let a = || pairs.iter().map(|pair| pair.a);
            let b = || pairs.iter().map(|pair| pair.b);
            prop_assert!(ratio.low <= ratio.middle && ratio.middle <= ratio.high);
            prop_assert!(ratio.low >= a().fold(f64::MAX, f64::min) / b().fold(0.0, f64::max));
            prop_assert!(ratio.high <= a().fold(0.0, f64::max) / b().fold(f64::MAX, f64::min));
        }

        #[test]
        fn the_unit_does_not_matter(pairs in pairs(PAIRS..12), seed: u64) {
            let scaled: Vec<Pair> = pairs.iter().map(|pair| Pair { a: pair.a * 1024.0, b: pair.b * 1024.0 }).collect();
            prop_assert_eq!(Ratio::of(&scaled, seed), Ratio::of(&pairs, seed));
        }

        #[test]
        fn one_that_is_better_by_a_factor_has_its_ratio_by_that_factor(pairs in pairs(PAIRS..12), seed: u64) {
            let better: Vec<Pair> = pairs.iter().map(|pair| Pair { a: pair.a * 2.0, b: pair.b }).collect();
            let (ratio, better) = (Ratio::of(&pairs, seed).unwrap(), Ratio::of(&better, seed).unwrap());
            prop_assert_eq!(better.low.to_bits(), (ratio.low * 2.0).to_bits());
            prop_assert_eq!(better.high.to_bits(), (ratio.high * 2.0).to_bits());
        }

        #[test]
        fn too_few_pairs_have_no_ratio(pairs in pairs(0..PAIRS), seed: u64) {
            prop_assert_eq!(Ratio::of(&pairs, seed), Err(TooFewPairs { usable: pairs.len() }));
        }
    }

    #[test]
    fn a_sample_that_is_no_rate_spoils_the_comparison() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut pairs = vec![Pair { a: 2.0, b: 1.0 }; PAIRS];
            pairs.push(Pair { a: bad, b: 1.0 });
            let result = Ratio::of(&pairs, 1);
            assert_eq!(result, Err(TooFewPairs { usable: PAIRS }), "{bad}");
        }
    }

    #[test]
    fn a_ratio_reads_as_a_sentence_has_it() {
        let ratio = Ratio::of(&[Pair { a: 2.5, b: 1.0 }; 9], 1).unwrap();
        assert_eq!(ratio.to_string(), "2.50 times (2.50 to 2.50, 9 pairs)");
    }
}
