//! A virtual function in a guest carries frames both ways at once: to the end, unharmed, and on real hardware neither way starves
//! for the other. How much each way loses by the other is reported.
//!
//! Source: IEEE 802.3, 1.4 (full duplex: both stations of a link send at the same time).

use harness::bench::{Bench, End, Streamed};
use harness::check::{Answer, Check, Finding, Problem};
use harness::judge::{Pair, Side, median, order};
use reports::Measured;
use serde::Serialize;

use super::carries::carries;
use super::line::{fits_the_wire, line_rate};
use super::ready::{LARGE, LIMIT, NEEDS, Ready, course, ready};
use crate::checks::measured::{is_judged, judge_pairs, keep, measured, pairs};
use crate::stream_findings;

const STARVES: Finding = Finding::device(
    "vf-starves-both-ways",
    "While frames go both ways, one way of the VF carries less than a tenth of what it carries alone.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`). A guest with one processor may be busy with what it receives (give it more); else a queue or an interrupt that both ways share holds one up.",
);

/// What a way keeps of what it carries alone, at least.
const LEAST: f64 = 0.1;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::bidirectional",
    proves: "a virtual function in a guest carries frames both ways at once, unharmed, and neither way starves",
    source: "IEEE 802.3, 1.4",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: stream_findings![STARVES],
    parts: &[|bench| Box::pin(run(bench))],
};

/// What the VF sends, and what it receives.
type Ways = [Streamed; 2];

/// Each way alone, and both at once.
#[derive(Serialize)]
struct Round {
    alone: Ways,
    both: Ways,
}

async fn run(bench: &mut Bench) -> Answer {
    let Ready { vf, far, .. } = ready(bench).await?;
    let line = line_rate(bench, &far, LARGE).await?;
    let judged = is_judged(bench);
    let (pairs, seed) = (pairs(bench, judged), fastrand::u64(..));
    let mut rounds = Vec::with_capacity(pairs);
    for first in order(pairs, seed) {
        let round = measure(bench, [&vf, &far.end], first).await?;
        fits_the_wire(bench, line, round.alone.iter().chain(&round.both))?;
        rounds.push(round);
    }
    bench.log.note(told(&rounds, &far.way))?;
    keep(bench, kept(&rounds, &far.way)?).await?;
    if judged {
        shares(bench, &rounds, seed)
    } else {
        Ok(())
    }
}

async fn measure(bench: &mut Bench, ends: [&End; 2], first: Side) -> Result<Round, Problem> {
    Ok(match first {
        Side::A => {
            let alone = alone(bench, ends).await?;
            let both = both(bench, ends).await?;
            Round { alone, both }
        }
        Side::B => {
            let both = both(bench, ends).await?;
            let alone = alone(bench, ends).await?;
            Round { alone, both }
        }
    })
}

async fn alone(bench: &mut Bench, [vf, far]: [&End; 2]) -> Result<Ways, Problem> {
    let course = course(bench);
    let sends = bench.stream(vf, far, &course).await?;
    carries(bench, "the VF sends", &sends)?;
    let receives = bench.stream(far, vf, &course).await?;
    carries(bench, "the VF receives", &receives)?;
    Ok([sends, receives])
}

async fn both(bench: &mut Bench, ends: [&End; 2]) -> Result<Ways, Problem> {
    let course = course(bench);
    let both = bench.both_ways(ends, &course).await?;
    for (streamed, what) in both.iter().zip(["sends", "receives"]) {
        carries(
            bench,
            &format!("the VF {what} while it does the other too"),
            streamed,
        )?;
    }
    Ok(both)
}

fn shares(bench: &mut Bench, rounds: &[Round], seed: u64) -> Answer {
    for (way, what) in ["what the VF sends", "what the VF receives"]
        .into_iter()
        .enumerate()
    {
        let what = format!("{what} while it does both to what it does alone");
        let pair = |round: &Round| Pair {
            a: round.both[way].frames_per_second(),
            b: round.alone[way].frames_per_second(),
        };
        let pairs: Vec<Pair> = rounds.iter().map(pair).collect();
        judge_pairs(bench, &what, (&pairs, seed), LEAST, &STARVES)?;
    }
    Ok(())
}

/// The same for machines, with a picture.
fn kept(rounds: &[Round], way: &str) -> anyhow::Result<Measured> {
    let rates = |ways: fn(&Round) -> &Ways, index: usize| {
        let each = rounds.iter().map(|round| &ways(round)[index]);
        each.map(Streamed::frames_per_second).collect()
    };
    let ways = [
        ("sends", rates(|round| &round.both, 0)),
        ("sends alone", rates(|round| &round.alone, 0)),
        ("receives", rates(|round| &round.both, 1)),
        ("receives alone", rates(|round| &round.alone, 1)),
    ];
    let title = format!("{LARGE} bytes both ways at once, to and from {way}");
    measured(title, "frames/s", &ways, &rounds)
}

fn told(rounds: &[Round], way: &str) -> String {
    let middle = |ways: fn(&Round) -> &Ways, index: usize| {
        let rates = rounds
            .iter()
            .map(|round| ways(round)[index].frames_per_second());
        median(rates.collect())
    };
    let [sends, receives] = [0, 1].map(|index| {
        let alone = middle(|round| &round.alone, index);
        let both = middle(|round| &round.both, index);
        format!("{both:.0} frames/s, alone {alone:.0}")
    });
    let rounds = rounds.len();
    format!(
        "{LARGE} bytes both ways at once, to and from {way}, medians of {rounds}: the VF sends {sends}, and receives {receives}"
    )
}
