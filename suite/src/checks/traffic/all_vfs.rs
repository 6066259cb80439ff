//! All virtual functions of a guest send at once: each to the end, unharmed, and on real hardware together about as much as one of
//! them alone, evenly, and none next to nothing.
//!
//! They are as many as the adapter and a guest's ports allow. Where no cable leads to another port, the frames arrive at the PF. A part
//! of them that the receiver loses blames neither the VFs nor the guest.
//!
//! Source: RHEL 9, 14.7.1 (VFs share the hardware of their PF, and several can be used at once).

use harness::bench::{Bench, Crowd, End, Far, Load, PORTS};
use harness::check::{Answer, Check, Finding, Problem};
use harness::judge::{Pair, Side, fairness, median, order};
use harness::require;
use reports::Measured;
use serde::Serialize;

use super::carries::{DAMAGED, STALLS, carries};
use super::compare::RECEIVER_SLOW;
use super::line::{SLACK, line_rate, within_line};
use super::ready::{LARGE, LIMIT, NEEDS, course};
use crate::checks::guest::echo::passes;
use crate::checks::guest::plugged::{cards_of, vfs};
use crate::checks::measured::{is_judged, judge_pairs, keep, measured, pairs};
use crate::stream_findings;

const LESS: Finding = Finding::bench(
    "vfs-carry-less-together",
    "All VFs of a guest together carry clearly less than one of them alone: the guest's one processor, which sends by all of them in turn, or the adapter.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`), with what the processors did meanwhile. Where the guest's was not busy all the time, it is the adapter: its scheduler, or a queue that the VFs share.",
);
const UNFAIR: Finding = Finding::device(
    "vfs-share-unfairly",
    "Of the VFs that send at once, some carry several times as much as others.",
    "Read the shares in the report. See the rates that the PF's driver has set for each (`ip link show` of the PF), and how its scheduler shares the wire (its documentation, `devlink rate`).",
);
const STARVES: Finding = Finding::device(
    "vf-starves-among-vfs",
    "One of the VFs that send at once carries less than a tenth of what it would get if all got the same.",
    "Read the shares in the report: it says which. See the rate that the PF's driver has set for it (`ip link show` of the PF), and its queue (`ethtool -S` in the guest).",
);

/// What all of them carry of what one carries alone, at least.
const TOGETHER: f64 = 0.8;
/// The fairness index, at least: 0.8 where one of five gets nothing.
const FAIR: f64 = 0.8;
/// What each carries of what it would get if all got the same, at least.
const LEAST: f64 = 0.1;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::all_vfs",
    proves: "all virtual functions of a guest send at once: together about as much as one alone, evenly, and none next to nothing",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: stream_findings![LESS, UNFAIR, STARVES, RECEIVER_SLOW],
    parts: &[|bench| Box::pin(run(bench))],
};

/// One alone, and each of all of them, in frames a second.
#[derive(Serialize)]
struct Round {
    alone: f64,
    all: Vec<f64>,
    /// What part of the frames of all the receiver lost.
    dropped: f64,
    /// By the processors of this machine while all sent.
    load: Load,
}

async fn run(bench: &mut Bench) -> Answer {
    let (ends, far) = ready(bench).await?;
    let line = line_rate(bench, &far, LARGE).await?;
    let judged = is_judged(bench);
    let (pairs, seed) = (pairs(bench, judged), fastrand::u64(..));
    let mut rounds = Vec::with_capacity(pairs);
    for first in order(pairs, seed) {
        let round = measure(bench, &ends, &far, first).await?;
        within_line(bench, line, round.alone)?;
        within_line(bench, line, round.all.iter().sum())?;
        rounds.push(round);
    }
    let shares = shares(&rounds);
    bench.log.note(told(&rounds, &shares, &far.way))?;
    keep(bench, kept(&rounds, &far.way)?).await?;
    if judged {
        none_starves(bench, &rounds, seed)?;
        are_even(bench, &rounds, seed)?;
        carry_as_much(bench, &rounds, seed)
    } else {
        Ok(())
    }
}

/// A guest with all VFs, by each of which frames pass.
async fn ready(bench: &mut Bench) -> Result<(Vec<End>, Far), Problem> {
    let most = bench.limit().min(PORTS.into());
    let vfs = vfs(bench, most).await?;
    // First, so that a far port without a link is not taken for a VF without one.
    let far = bench.far_end(bench.pf()).await?;
    let guest = bench.guest('a').await?;
    let mut ends = Vec::with_capacity(vfs.len());
    for card in cards_of(bench, &guest, &vfs).await? {
        let end = bench.end_in(&guest, card).await?;
        passes(bench, &end, &far.end, &far.way).await?;
        ends.push(end);
    }
    Ok((ends, far))
}

async fn measure(
    bench: &mut Bench,
    ends: &[End],
    far: &Far,
    first: Side,
) -> Result<Round, Problem> {
    Ok(match first {
        Side::A => {
            let alone = alone(bench, &ends[0], far).await?;
            let (all, dropped, load) = all(bench, ends, far).await?;
            Round {
                alone,
                all,
                dropped,
                load,
            }
        }
        Side::B => {
            let (all, dropped, load) = all(bench, ends, far).await?;
            let alone = alone(bench, &ends[0], far).await?;
            Round {
                alone,
                all,
                dropped,
                load,
            }
        }
    })
}

async fn alone(bench: &mut Bench, end: &End, far: &Far) -> Result<f64, Problem> {
    let course = course(bench);
    let streamed = bench.stream(end, &far.end, &course).await?;
    carries(bench, "a VF alone", &streamed)?;
    Ok(streamed.frames_per_second())
}

async fn all(bench: &mut Bench, ends: &[End], far: &Far) -> Result<(Vec<f64>, f64, Load), Problem> {
    let course = course(bench);
    let crowd: Crowd = bench.crowd(ends, &far.end, &course).await?;
    let dropped = crowd.lost_by_receiver();
    let halts = if crowd.each.iter().any(|(sent, _)| sent.stalled) || dropped == 0.0 {
        &STALLS
    } else {
        // Even the ends of the streams, which are told several times.
        &RECEIVER_SLOW
    };
    bench.assert(!crowd.stalls(), halts, format!("all VFs at once: {crowd}"))?;
    require!(bench, !crowd.harms(), DAMAGED, "all VFs at once: {crowd}");
    Ok((crowd.frames_per_second(), dropped, crowd.load))
}

/// What is to blame, unless the receiver lost more than a few of the frames.
fn blamed(rounds: &[Round], finding: &'static Finding) -> &'static Finding {
    let lossy = rounds.iter().any(|round| round.dropped > SLACK);
    if lossy { &RECEIVER_SLOW } else { finding }
}

/// What each carries, the medians of all rounds.
fn shares(rounds: &[Round]) -> Vec<f64> {
    let count = rounds.first().map_or(0, |round| round.all.len());
    let share = |vf| median(rounds.iter().map(|round| round.all[vf]).collect());
    (0..count).map(share).collect()
}

/// The same for machines, with a picture.
fn kept(rounds: &[Round], way: &str) -> anyhow::Result<Measured> {
    let all = rounds.iter().map(|round| round.all.iter().sum());
    let alone = rounds.iter().map(|round| round.alone);
    let ways = [("all VFs", all.collect()), ("one alone", alone.collect())];
    let title = format!("{LARGE} bytes to {way}, by all VFs of a guest at once");
    measured(title, "frames/s", &ways, &rounds)
}

fn told(rounds: &[Round], shares: &[f64], way: &str) -> String {
    let alone = median(rounds.iter().map(|round| round.alone).collect());
    let all = median(rounds.iter().map(|round| round.all.iter().sum()).collect());
    let each: Vec<String> = shares.iter().map(|share| format!("{share:.0}")).collect();
    let (count, rounds, each) = (shares.len(), rounds.len(), each.join(", "));
    let index = fairness(shares);
    format!(
        "{LARGE} bytes to {way}, medians of {rounds}: one VF alone {alone:.0} frames/s, all {count} at once {all:.0}; \
         each of them {each}, a fairness index of {index:.2}"
    )
}

/// Each carries at least a part of what it would if all carried the same.
#[expect(clippy::cast_precision_loss, reason = "a count of VFs")]
fn none_starves(bench: &mut Bench, rounds: &[Round], seed: u64) -> Answer {
    let count = rounds.first().map_or(0, |round| round.all.len());
    for vf in 0..count {
        let pair = |round: &Round| Pair {
            // There is no ratio of nothing.
            a: round.all[vf].max(1.0),
            b: round.all.iter().sum::<f64>() / count as f64,
        };
        let pairs: Vec<Pair> = rounds.iter().map(pair).collect();
        let what = format!("card {} of the guest to an even share", vf + 1);
        let starves = blamed(rounds, &STARVES);
        judge_pairs(bench, &what, (&pairs, seed), LEAST, starves)?;
    }
    Ok(())
}

fn are_even(bench: &mut Bench, rounds: &[Round], seed: u64) -> Answer {
    let pair = |round: &Round| Pair {
        a: fairness(&round.all),
        b: 1.0,
    };
    let pairs: Vec<Pair> = rounds.iter().map(pair).collect();
    let unfair = blamed(rounds, &UNFAIR);
    judge_pairs(
        bench,
        "the fairness index to 1",
        (&pairs, seed),
        FAIR,
        unfair,
    )
}

fn carry_as_much(bench: &mut Bench, rounds: &[Round], seed: u64) -> Answer {
    let pair = |round: &Round| Pair {
        a: round.all.iter().sum(),
        b: round.alone,
    };
    let pairs: Vec<Pair> = rounds.iter().map(pair).collect();
    let less = blamed(rounds, &LESS);
    judge_pairs(
        bench,
        "all VFs to one alone",
        (&pairs, seed),
        TOGETHER,
        less,
    )
}
