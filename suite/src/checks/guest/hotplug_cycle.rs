//! A virtual function can be handed to a guest and taken back again and again, and nothing of it
//! remains: no open files, no memory, no IOMMU groups, no names. How often stands in the bench file.
//!
//! Source: RHEL 9, 14.7.2, step 5.

use std::time::Duration;

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding, Problem};
use harness::pci::Bdf;
use harness::{handover_findings, require};

use super::NEEDS;
use super::plugged::{
    Before, DETACH_REFUSED, GUEST_KEEPS, Plugged, card_in, hand_over, is_back, plug, unplug,
};

/// By how much the emulator may grow meanwhile, in KiB: less than one page table of the guest's memory
/// for each cycle.
const GROWTH: u64 = 8 * 1024;

const LEAK: Finding = Finding::device(
    "hotplug-leaks",
    "A VF was handed to a guest and taken back several times, and something of it remains each time.",
    "Read what it is in the report: open files and memory are the emulator's, groups and names the kernel's.",
);
const NOT_BACK: Finding = Finding::device(
    "vf-lost-in-cycles",
    "After several guests' turns the driver on the host does not have the VF any more.",
    "Read the kernel log of this check; bind the VF with `virsh nodedev-reattach`.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::hotplug_cycle",
    proves: "a virtual function can be handed to a guest and taken back again and again, and nothing of it remains",
    source: "RHEL 9, 14.7.2, step 5",
    needs: NEEDS,
    limit: Duration::from_mins(20),
    provokes: &[],
    findings: handover_findings![LEAK, DETACH_REFUSED, GUEST_KEEPS, NOT_BACK],
    parts: &[|bench| Box::pin(run(bench))],
};

/// What a cycle may leave behind.
#[derive(Debug)]
struct Remains {
    open_files: usize,
    resident: u64,
    groups: usize,
    names: Vec<String>,
}

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    unplug(bench, &plugged).await?;
    // What is set up once, at the first turn, is no leak.
    let first = remains(bench, &plugged).await?;
    let cycles = bench.settings.guest_cycles;
    for _ in 1..cycles {
        hand_over(bench, &plugged.guest, plugged.vf).await?;
        card_in(bench, &plugged.guest).await?;
        unplug(bench, &plugged).await?;
    }
    let last = remains(bench, &plugged).await?;
    let same = first.open_files == last.open_files
        && last.resident <= first.resident + GROWTH
        && first.groups == last.groups
        && first.names == last.names;
    require!(
        bench,
        same,
        LEAK,
        "after 1 turn {first:?}, after {cycles} {last:?}"
    );
    Ok(())
}

async fn remains(
    bench: &mut Bench,
    Plugged {
        guest, vf, before, ..
    }: &Plugged,
) -> Result<Remains, Problem> {
    Ok(Remains {
        names: names(bench, *vf, before).await?,
        open_files: bench.open_files_of(guest).await?,
        resident: bench.memory_of(guest).await?.resident,
        groups: groups(bench).await?,
    })
}

/// The names of the VF's interfaces, once its driver on the host has it again.
async fn names(bench: &mut Bench, vf: Bdf, before: &Before) -> Result<Vec<String>, Problem> {
    is_back(bench, vf, before.driver.as_deref(), &NOT_BACK).await?;
    bench.settle().await?;
    let nets = bench.nets_of(vf).await?;
    Ok(nets.into_iter().map(|net| net.name).collect())
}

async fn groups(bench: &mut Bench) -> Result<usize, Problem> {
    let groups = bench.list("/sys/kernel/iommu_groups").await?;
    Ok(groups.map_or(0, |groups| groups.len()))
}
