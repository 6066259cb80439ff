//! A virtual function in a guest carries frames for minutes on end: all of them unharmed, and on real hardware in the end nearly as
//! many as in the beginning, where there are samples enough to tell (27, for an interval takes nine pairs).
//!
//! Source: RHEL 9, 14.7.1 (a VF is the guest's network card, which it has for as long as it runs).

use std::time::Duration;

use harness::bench::{Bench, Streamed};
use harness::check::{Answer, Check, Finding};
use harness::judge::{Pair, Ratio, median};

use super::carries::carries;
use super::line::{fits_the_wire, line_rate};
use super::ready::{LARGE, LIMIT, NEEDS, Ready, course, ready};
use crate::checks::measured::{is_judged, judge, keep, measured};
use crate::stream_findings;

const TIRES: Finding = Finding::device(
    "vf-tires",
    "After minutes of as many frames as go, the VF carries clearly fewer than in the beginning.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`). See whether the card is hot (`sensors`, `ethtool -m`), whether the processors were slowed down (`dmesg`, `turbostat`), and what else the machine began to do meanwhile.",
);

/// Enough for a beginning and an end.
const STREAMS: usize = 3;
/// What the end keeps of the beginning, at least.
const LEAST: f64 = 0.8;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::soak",
    proves: "a virtual function in a guest carries frames for minutes, unharmed, and in the end nearly as many as in the beginning",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: stream_findings![TIRES],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let Ready { vf, far, .. } = ready(bench).await?;
    let course = course(bench);
    let line = line_rate(bench, &far, LARGE).await?;
    let time = Duration::from_mins(bench.settings.soak_minutes.into());
    let (mut all, mut sent) = (Vec::new(), Duration::ZERO);
    while sent < time || all.len() < STREAMS {
        let streamed = bench.stream(&vf, &far.end, &course).await?;
        carries(bench, "the VF", &streamed)?;
        fits_the_wire(bench, line, [&streamed])?;
        sent += Duration::from_secs(course.seconds.into());
        all.push(streamed);
    }
    let rates: Vec<f64> = all.iter().map(Streamed::frames_per_second).collect();
    let title = format!("{LARGE} bytes to {}, one after the other", far.way);
    let ways = [("the VF", rates.clone())];
    keep(bench, measured(title, "frames/s", &ways, &all)?).await?;
    lasts(bench, &rates)
}

/// Whether the last third of the rates is not far below the first.
fn lasts(bench: &mut Bench, rates: &[f64]) -> Answer {
    let third = rates.len() / 3;
    let [first, last] = [&rates[..third], &rates[rates.len() - third..]];
    let seconds = bench.settings.stream_seconds;
    bench.log.note(format!(
        "frames/s of {LARGE} bytes, {} times {seconds} s: {:.0} in the first third, {:.0} in the last",
        rates.len(),
        median(first.to_vec()),
        median(last.to_vec())
    ))?;
    let pairs = last.iter().zip(first).map(|(a, b)| Pair { a: *a, b: *b });
    match Ratio::of(&pairs.collect::<Vec<_>>(), fastrand::u64(..)) {
        Ok(ratio) if is_judged(bench) => {
            judge(bench, "the last third to the first", &ratio, LEAST, &TIRES)
        }
        _ => Ok(()),
    }
}
