//! A virtual function sends no more than the PF's driver was told to let it send, and no far less. Where the profile does not claim
//! that there is such a limit, and where the machine is no real hardware, what it sends is measured and nothing is judged.
//!
//! Source: man 8 ip-link (`vf NUM max_tx_rate`, in Mbit/s); Linux 6.12 include/linux/netdevice.h, `ndo_set_vf_rate`.

use harness::bench::{Bench, End, Streamed};
use harness::check::{Answer, Check, Finding, Problem};
use harness::judge::{Pair, median};
use harness::profile::VfAttribute;
use harness::require;

use super::carries::carries;
use super::compare::{RECEIVER_SLOW, receiver_loses};
use super::ready::{LARGE, LIMIT, NEEDS, Ready, course, ready};
use crate::checks::measured::{is_judged, judge_pairs, keep, measured, pairs};
use crate::stream_findings;

const REFUSED: Finding = Finding::device(
    "rate-limit-refused",
    "The PF's driver refused to limit the rate of a VF, which the profile claims that it can.",
    "Read the reason in the report and the kernel log of this check; some drivers take no limit while the PF has no link, below 10 Mbit/s, or (ixgbe) unless the link is at 10 Gbit/s.",
);
const EXCEEDED: Finding = Finding::device(
    "rate-limit-exceeded",
    "The VF sends more than the limit that the PF's driver accepted for it.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`). See whether the limit stands (`ip link show` of the PF), and whether it is reset when the speed of the link changes.",
);
const HARSH: Finding = Finding::device(
    "rate-limit-too-low",
    "With a limit of half of what it sends freely, the VF sends less than half of that limit.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`). Drivers count the limit in units of the link's speed: see whether that is what `ethtool` of the PF says.",
);

/// Which VF is handed over first.
const INDEX: u16 = 0;
/// What more than the limit, and what less, may be sent: drivers round, and hardware counts more than the bytes of a frame.
const MOST: f64 = 1.1;
const LEAST: f64 = 0.5;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::rate_limit",
    proves: "a virtual function sends no more than the PF's driver was told to let it send, and no far less",
    source: "man 8 ip-link, vf NUM max_tx_rate",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: stream_findings![REFUSED, EXCEEDED, HARSH, RECEIVER_SLOW],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let claims = &bench.profile.claims.vf_attributes;
    let claimed = claims.contains(&VfAttribute::MaxTxRate);
    let Ready { vf, far, .. } = ready(bench).await?;
    let free = samples(bench, &vf, &far.end).await?;
    let freely = median(megabits(&free));
    let limit = half(freely).min(bench.net().await?.speed.unwrap_or(u32::MAX));
    let answer = bench.attempt_rate(INDEX, limit).await?;
    if !answer.success() {
        return refused(
            bench,
            claimed && is_judged(bench),
            limit,
            answer.stderr.trim(),
        );
    }
    let held = samples(bench, &vf, &far.end).await?;
    let (limited, lossy) = (megabits(&held), receiver_loses(held.iter()));
    bench.log.note(format!(
        "{LARGE} bytes to {}: the VF sends {freely:.0} Mbit/s freely, and {:.0} with a limit of {limit}",
        far.way,
        median(limited.clone())
    ))?;
    let ways = [
        ("with the limit", limited.clone()),
        ("freely", megabits(&free)),
    ];
    let title = format!(
        "{LARGE} bytes to {}, with a limit of {limit} Mbit/s",
        far.way
    );
    keep(bench, measured(title, "Mbit/s", &ways, &[held, free])?).await?;
    if claimed && is_judged(bench) {
        let low = if lossy { &RECEIVER_SLOW } else { &HARSH };
        holds(bench, limit, &limited, low)
    } else {
        Ok(())
    }
}

fn refused(bench: &mut Bench, claimed: bool, limit: u32, why: &str) -> Answer {
    require!(bench, !claimed, REFUSED, "a limit of {limit} Mbit/s: {why}");
    bench.log.note(format!(
        "the PF's driver takes no limit of the rate of a VF: {why}"
    ))?;
    Ok(())
}

/// Both ends by an interval, so that a noisy bench is not taken for a bad limit.
fn holds(bench: &mut Bench, limit: u32, limited: &[f64], low: &'static Finding) -> Answer {
    let (limit, seed) = (f64::from(limit), fastrand::u64(..));
    let pair = |rate: &f64| Pair { a: limit, b: *rate };
    let pairs: Vec<Pair> = limited.iter().map(pair).collect();
    let what = format!("the limit of {limit} Mbit/s to what the VF sends with it");
    judge_pairs(bench, &what, (&pairs, seed), 1.0 / MOST, &EXCEEDED)?;
    let turned = |pair: &Pair| Pair {
        a: pair.b,
        b: pair.a,
    };
    let pairs: Vec<Pair> = pairs.iter().map(turned).collect();
    let what = format!("what the VF sends to its limit of {limit} Mbit/s");
    judge_pairs(bench, &what, (&pairs, seed), LEAST, low)
}

/// What the VF sends, several times.
async fn samples(bench: &mut Bench, vf: &End, far: &End) -> Result<Vec<Streamed>, Problem> {
    let judged = is_judged(bench);
    let (count, course) = (pairs(bench, judged), course(bench));
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        let streamed = bench.stream(vf, far, &course).await?;
        carries(bench, "the VF", &streamed)?;
        samples.push(streamed);
    }
    Ok(samples)
}

/// What arrived, in Mbit/s.
fn megabits(samples: &[Streamed]) -> Vec<f64> {
    let rate = |it: &Streamed| it.frames_per_second() * f64::from(LARGE) * 8e-6;
    samples.iter().map(rate).collect()
}

/// At least 1, for 0 is no limit.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded down from what a network card sends"
)]
fn half(megabits: f64) -> u32 {
    ((megabits / 2.0) as u32).max(1)
}
