//! Whether one way is as much better than another as somebody claims: measured in pairs, judged by an interval.
//!
//! A single ratio of two rates says nothing of how far it can be trusted. Here each side is measured several times, the two in
//! turns and in random order ([`order()`]), so that what changes meanwhile meets both; the interval in which the ratio lies
//! ([`Ratio`]) then decides, and where it does not, nobody is blamed ([`Judgement`]).

mod fairness;
mod interval;
mod order;
mod throughput;
#[cfg(test)]
mod trials;
mod verdict;

pub use fairness::fairness;
pub use interval::{CONFIDENCE, PAIRS, Pair, RESAMPLES, Ratio, TooFewPairs, median};
pub use order::{Side, order};
pub use throughput::Search;
pub use verdict::Judgement;
