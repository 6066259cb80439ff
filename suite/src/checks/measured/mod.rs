//! What is measured: how it is kept, and how it is judged.

mod samples;
mod verdict;

pub(super) use samples::{interval, keep, measured};
pub(super) use verdict::{TOO_NOISY, is_judged, judge, judge_pairs, pairs, shown};
