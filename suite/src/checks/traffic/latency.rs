//! A frame takes less time there and back by a virtual function of a guest than by its virtio card on the same port, by as much as is
//! claimed. Without a claim, and where the machine is no real hardware, both are measured and nothing is judged.
//!
//! Frames are sent one by one, so that none waits for another. A sample is the median of what they took in its time.
//!
//! Source: RHEL 9, 14.7.1 (a VF performs almost like the physical card).

use std::fmt::Write as _;

use harness::bench::{
    Bench, EMULATED_REFUSED, EMULATED_UNUSABLE, End, FAR_NO_LINK, Far, PARTNER_SILENT,
};
use harness::check::{Answer, Check, Finding, Problem};
use harness::guest::Model;
use harness::judge::{Pair, Ratio, Side, median, order};
use harness::traffic::Pinged;
use harness::{handover_findings, require};
use reports::Measured;

use super::ready::{LIMIT, NEEDS, Ready, ready};
use super::rival::{NO_RIVAL, Rival};
use crate::checks::guest::echo::{HARMED, NO_WAY};
use crate::checks::guest::plugged::{NO_DRIVER, NO_LINK, REFUSED};
use crate::checks::measured::{TOO_NOISY, interval, is_judged, judge_pairs, keep, measured, pairs};

const LATE: Finding = Finding::device(
    "vf-round-trips-long",
    "A frame takes longer there and back by the VF than the profile claims, compared with a virtio card on the same port.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`). Interrupts that are held back to save some of them make every frame late (`ethtool -c` in the guest and of the PF); so does a processor that sleeps deeply (`cpupower idle-info`).",
);

/// The size of the frames in bytes, without the check sequence: the shortest that Ethernet has.
const SIZE: u16 = 60;

/// One of so many may be lost.
const FEW: u64 = 10_000;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::latency",
    proves: "a frame takes less time there and back by a virtual function than by a virtio card, by as much as is claimed",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![
        REFUSED,
        NO_DRIVER,
        NO_LINK,
        NO_WAY,
        HARMED,
        FAR_NO_LINK,
        PARTNER_SILENT,
        NO_RIVAL,
        EMULATED_REFUSED,
        EMULATED_UNUSABLE,
        TOO_NOISY,
        LATE,
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

/// The VF first.
type Both = [Pinged; 2];

async fn run(bench: &mut Bench) -> Answer {
    let claim = bench.profile.claims.vf_latency_over_virtio;
    let claim = claim.filter(|_| is_judged(bench));
    let Ready { guest, vf, far } = ready(bench).await?;
    let other = Rival::Emulated(Model::Virtio)
        .end(bench, &guest, &far)
        .await?;
    let (pairs, seed) = (pairs(bench, claim.is_some()), fastrand::u64(..));
    // They are warm then.
    measure(bench, [&vf, &other], &far, Side::A).await?;
    let mut samples = Vec::with_capacity(pairs);
    for first in order(pairs, seed) {
        samples.push(measure(bench, [&vf, &other], &far, first).await?);
    }
    bench.log.note(told(&samples, &far.way))?;
    let ratio = Ratio::of(&ratios(&samples), seed).ok();
    keep(
        bench,
        Measured {
            ratio: ratio.as_ref().and_then(interval),
            wanted: claim,
            ..kept(&samples, &far.way)?
        },
    )
    .await?;
    let Some(claim) = claim else {
        return Ok(());
    };
    let pairs = ratios(&samples);
    let what = "the time by virtio to that by the VF";
    judge_pairs(bench, what, (&pairs, seed), claim, &LATE)
}

/// One sample of each.
async fn measure(
    bench: &mut Bench,
    [vf, other]: [&End; 2],
    far: &Far,
    first: Side,
) -> Result<Both, Problem> {
    let both = match first {
        Side::A => {
            let vf = bench.round_trips(vf, &far.end, SIZE).await?;
            [vf, bench.round_trips(other, &far.end, SIZE).await?]
        }
        Side::B => {
            let other = bench.round_trips(other, &far.end, SIZE).await?;
            [bench.round_trips(vf, &far.end, SIZE).await?, other]
        }
    };
    let [vf, other] = &both;
    require!(bench, is_usable(other), NO_RIVAL, "virtio: {other}");
    require!(bench, is_usable(vf), HARMED, "{}: {vf}", far.way);
    Ok(both)
}

/// All but a few of so many frames must come back: a queue that is full for a moment loses one, on either side.
fn is_usable(pinged: &Pinged) -> bool {
    let missing = pinged.lost.len() as u64 + pinged.unfinished;
    pinged.reached && pinged.corrupt + pinged.duplicates == 0 && missing * FEW <= pinged.sent
}

/// How many times as long a frame takes by the other.
#[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
fn ratios(samples: &[Both]) -> Vec<Pair> {
    let pair = |[vf, other]: &Both| Pair {
        a: other.median_ns as f64,
        b: vf.median_ns as f64,
    };
    samples.iter().map(pair).collect()
}

/// The same for machines, with a picture.
#[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
fn kept(samples: &[Both], way: &str) -> anyhow::Result<Measured> {
    let times = |side: usize| {
        let times = samples
            .iter()
            .map(|both| both[side].median_ns as f64 / 1000.0);
        times.collect()
    };
    // What takes longer is the first, since that is how the ratio is meant.
    let ways = [("virtio", times(1)), ("the VF", times(0))];
    let title = format!("round trips of {SIZE} bytes one by one, to {way}");
    measured(title, "us", &ways, &samples)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn told(samples: &[Both], way: &str) -> String {
    let middle = |side: usize, of: fn(&Pinged) -> u64| {
        let times = samples.iter().map(|both| of(&both[side]) as f64 / 1000.0);
        median(times.collect())
    };
    let count = samples.len();
    let mut told =
        format!("round trips of {SIZE} bytes one by one, to {way}, medians of {count} samples");
    for (side, name) in [(0, "VF"), (1, "virtio")] {
        let [usual, most] = [
            middle(side, |it| it.median_ns),
            middle(side, |it| it.most_ns),
        ];
        let _ = write!(
            told,
            "; {name}: {usual:.1} us in the middle, 99 of 100 within {most:.1} us"
        );
    }
    told
}
