//! A guest reads more by a virtual function than by a disk that the emulator makes of the same namespace, by as much as is claimed.
//! Without a claim, and where the machine is no real hardware, both are measured and nothing is judged.
//!
//! Both are used past all caches, with as many transfers under way at once: small reads, which show what each transfer costs, and large
//! writes. The claim is of the former.
//!
//! Source: RHEL 9, 14.7.1 (a VF performs better than paravirtual devices).

use std::time::Duration;

use anyhow::{Context, anyhow};
use harness::bench::{Bench, DISK_REFUSED, DISK_UNUSABLE, Disk, Race, Series, Stretch};
use harness::blocks::Rate;
use harness::check::{Answer, Check, Finding, Problem};
use harness::require;

use super::data::{IO_FAILS, WRONG_DATA, by_pf, scratch, verify, write};
use super::in_guest::{NEEDS, hand, shared_with_pf};
use super::ready::{bare, give, online};
use crate::checks::measured::{
    TOO_NOISY, interval, is_judged, judge, keep, measured, pairs, shown,
};
use crate::drive_in_guest_findings;

const SLOW: Finding = Finding::device(
    "nvme-vf-not-faster-than-virtio",
    "By the VF the guest makes fewer transfers a second than the profile claims, compared with a virtio disk on the same namespace.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`): a VF with few queues or vectors is slower (nvme::online tells them), and so is a narrow link (device::pcie_link); a virtio disk that is fast makes the claim too high for this machine.",
);
const RIVAL_FAILS: Finding = Finding::bench(
    "emulated-disk-fails",
    "The emulated disk that the VF is to be compared with refused to read or to write, or had other blocks than were written. By the PF itself they were right just before.",
    "Read the guest's console and the emulator's log in the transcript.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::throughput",
    proves: "a guest makes as many times more transfers a second by a VF as is claimed than by a virtio disk on the same namespace",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: drive_in_guest_findings![DISK_REFUSED, DISK_UNUSABLE, RIVAL_FAILS, SLOW, TOO_NOISY],
    parts: &[|bench| Box::pin(run(bench))],
};

/// Two comparisons, each as long as a bench file may ask for (`harness/src/settings.rs`), beside a guest that is started twice.
const LIMIT: Duration = Duration::from_hours(20);

/// How blocks are transferred, and what is claimed of it.
struct Question {
    name: &'static str,
    writes: bool,
    /// Blocks of a transfer.
    blocks: u32,
    claim: Option<f64>,
}

/// How many blocks each uses: with the largest they fit in a guest's memory.
const BLOCKS: u64 = 4096;
/// How many transfers are under way at once: what a queue of any drive holds.
const AT_ONCE: u16 = 16;

async fn run(bench: &mut Bench) -> Answer {
    let nsid = scratch(bench).await?;
    let all = areas(bench, nsid).await?;
    let mut drives = bare(bench, 1).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    let disk = by_pf(bench, nsid).await?;
    write(bench, "by the PF", &disk, &all).await?;
    let shared = shared_with_pf(bench, &drives[0], nsid).await?;
    let guest = bench.guest('a').await?;
    let vf = hand(bench, &guest, &drives[0], nsid).await?.disk;
    let block = block(bench, nsid).await?;
    // That it is the namespace is looked at just before it is plugged in.
    verify(bench, "by the PF", &shared, &all).await?;
    let virtio = bench.attach_disk(&guest, &shared, block).await?;
    // What is read must be right before anything is written by way of the emulator.
    let [reads, writes] = questions(bench);
    let reads = measure(bench, [&vf, &virtio], &all, reads).await?;
    let writes = measure(bench, [&vf, &virtio], &all, writes).await?;
    verify(bench, "by the PF, in the end", &shared, &all).await?;
    for measured in [reads, writes] {
        decide(bench, &measured)?;
    }
    Ok(())
}

async fn block(bench: &mut Bench, nsid: u32) -> Result<u64, Problem> {
    let namespace = bench.identify_namespace(nsid).await?;
    let block = namespace.block();
    Ok(block.with_context(|| format!("namespace {nsid} has no blocks: {namespace}"))?)
}

/// What the VF uses, and what the emulated disk does: each has its own, so that what it has written can be looked at in the end.
async fn areas(bench: &mut Bench, nsid: u32) -> Result<[Stretch; 2], Problem> {
    let half = bench.identify_namespace(nsid).await?.nsze / 2;
    let count = half.min(BLOCKS);
    Ok([0, count].map(|first| Stretch {
        seed: fastrand::u32(..),
        first,
        count,
        transfers: vec![64],
    }))
}

fn questions(bench: &Bench) -> [Question; 2] {
    let claim = bench.profile.claims.vf_over_virtio;
    [
        Question {
            name: "reads of 8 blocks",
            writes: false,
            blocks: 8,
            claim: claim.filter(|_| is_judged(bench)),
        },
        Question {
            name: "writes of 128 blocks",
            writes: true,
            blocks: 128,
            claim: None,
        },
    ]
}

/// A question with its answer.
struct Measured {
    question: Question,
    series: Series<Rate>,
}

async fn measure(
    bench: &mut Bench,
    ways: [&Disk; 2],
    all: &[Stretch; 2],
    question: Question,
) -> Result<Measured, Problem> {
    let areas = all.clone().map(|area| Stretch {
        transfers: vec![question.blocks],
        ..area
    });
    let ways = [(ways[0], &areas[0]), (ways[1], &areas[1])];
    let race = Race {
        writes: question.writes,
        at_once: AT_ONCE,
    };
    let pairs = pairs(bench, question.claim.is_some());
    let (warm, series) = bench.disks_in_turns(ways, race, pairs).await?;
    bench.log.note(told(&question, &series))?;
    kept(bench, &question, &series).await?;
    for pair in [&warm].into_iter().chain(&series.pairs) {
        are_right(bench, &question, pair)?;
    }
    Ok(Measured { question, series })
}

fn decide(bench: &mut Bench, Measured { question, series }: &Measured) -> Answer {
    let Some(claim) = question.claim else {
        return Ok(());
    };
    let ratio = series.ratio(Rate::transfers_per_second);
    let ratio = ratio.map_err(|few| anyhow!("{few}"))?;
    judge(bench, "the VF to virtio-blk", &ratio, claim, &SLOW)
}

/// What befalls both is not the VF's fault.
fn are_right(bench: &mut Bench, question: &Question, [vf, rival]: &[Rate; 2]) -> Answer {
    let name = question.name;
    let right = rival.failed.is_none() && rival.wrong == 0;
    require!(bench, right, RIVAL_FAILS, "{name} by virtio-blk: {rival}");
    require!(bench, vf.failed.is_none(), IO_FAILS, "{name}: {vf}");
    require!(bench, vf.wrong == 0, WRONG_DATA, "{name}: {vf}");
    Ok(())
}

/// The same for machines, with a picture.
async fn kept(bench: &mut Bench, question: &Question, series: &Series<Rate>) -> Answer {
    let of = Rate::transfers_per_second;
    let values = |way| series.of(way).map(of).collect();
    let ways = [("the VF", values(0)), ("virtio-blk", values(1))];
    let samples = measured(question.name.to_owned(), "transfers/s", &ways, series)?;
    let ratio = series.ratio(of).ok();
    let samples = reports::Measured {
        ratio: ratio.as_ref().and_then(interval),
        wanted: question.claim,
        ..samples
    };
    keep(bench, samples).await
}

fn told(question: &Question, series: &Series<Rate>) -> String {
    let of = Rate::transfers_per_second;
    let [vf, other] = [0, 1].map(|way| series.median(way, of));
    let ratio = match series.ratio(of) {
        Ok(ratio) => shown(&ratio),
        Err(few) => format!("{:.2} times, without an interval: {few}", vf / other),
    };
    let (name, pairs) = (question.name, series.pairs.len());
    format!(
        "{name}, {AT_ONCE} at once, transfers/s, medians of {pairs} pairs: VF {vf:.0}, virtio-blk {other:.0}, {ratio}"
    )
}
