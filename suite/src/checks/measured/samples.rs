//! What a check has measured, as it is kept beside its transcript.

use harness::bench::Bench;
use harness::check::Answer;
use harness::judge::Ratio;
use reports::{Interval, Measured, Samples};
use serde::Serialize;

/// Keeps it, with the conditions in which it was measured.
pub(in crate::checks) async fn keep(bench: &mut Bench, measured: Measured) -> Answer {
    let conditions = bench.conditions().await;
    Ok(bench.log.measured(Measured {
        conditions,
        ..measured
    })?)
}

/// Samples of several ways, and all that they were made from. The caller adds the ratio, where there is one.
pub(in crate::checks) fn measured<T: Serialize>(
    title: String,
    unit: &str,
    series: &[(&str, Vec<f64>)],
    raw: &T,
) -> anyhow::Result<Measured> {
    let samples = |(name, values): &(&str, Vec<f64>)| Samples {
        name: (*name).to_owned(),
        values: values
            .iter()
            .map(|value| Some(*value).filter(|it| it.is_finite()))
            .collect(),
    };
    Ok(Measured {
        title,
        conditions: String::new(),
        unit: unit.to_owned(),
        series: series.iter().map(samples).collect(),
        ratio: None,
        wanted: None,
        raw: serde_json::to_value(raw)?,
    })
}

/// `None` where it has no end: then there is nothing to be drawn.
pub(in crate::checks) fn interval(ratio: &Ratio) -> Option<Interval> {
    let &Ratio {
        middle, low, high, ..
    } = ratio;
    let is_finite = [middle, low, high].into_iter().all(f64::is_finite);
    is_finite.then_some(Interval { middle, low, high })
}
