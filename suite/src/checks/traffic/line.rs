//! What the wire carries, and that no more has arrived by it.

use harness::bench::{Bench, Far, Streamed};
use harness::check::{Answer, Finding, Problem};
use harness::stream::line_rate as carries;

pub(super) const TOO_FAST: Finding = Finding::bench(
    "faster-than-the-wire",
    "More frames arrived in a second than the wire carries: a clock of the machine is wrong, or the frames did not come by the wire.",
    "See that the machine keeps its time, and what the bench file says of cables.",
);

/// By how much a count of a moment may be off.
pub(super) const SLACK: f64 = 0.02;

/// How many frames of that size the wire carries in a second; `None` where there is none, or its speed is not known. The adapter's own
/// switch may be faster than the port's wire, or slower.
pub(super) async fn line_rate(
    bench: &mut Bench,
    far: &Far,
    size: u16,
) -> Result<Option<f64>, Problem> {
    if !far.by_cable {
        return Ok(None);
    }
    let speed = bench.net().await?.speed;
    Ok(speed.map(|megabits| carries(megabits, size)))
}

pub(super) fn fits_the_wire<'a>(
    bench: &mut Bench,
    line: Option<f64>,
    streams: impl IntoIterator<Item = &'a Streamed>,
) -> Answer {
    for streamed in streams {
        within_line(bench, line, streamed.frames_per_second())?;
    }
    Ok(())
}

/// The same of so many frames a second.
pub(super) fn within_line(bench: &mut Bench, line: Option<f64>, rate: f64) -> Answer {
    if let Some(line) = line {
        let text = format!("the wire carries {line:.0} frames/s, and {rate:.0} have arrived");
        bench.assert(rate <= line * (1.0 + SLACK), &TOO_FAST, text)?;
    }
    Ok(())
}
