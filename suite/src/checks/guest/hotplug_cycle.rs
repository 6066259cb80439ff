//! A virtual function can be handed to a guest and taken back again and again, and nothing of it
//! remains: no open files, no memory, no IOMMU groups, no names. How often stands in the bench file.
//!
//! Source: RHEL 9, 14.7.2, step 5.

use std::time::Duration;

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding, Problem};
use harness::pci::Bdf;
use harness::{handover_findings, require};

use super::plugged::{
    Before, DETACH_REFUSED, GUEST_KEEPS, Plugged, card_in, hand_over, is_back, plug, unplug,
};
use super::{NEEDS, PATIENCE};

/// By how much the emulator may grow meanwhile, in KiB: at first by what it sets up once, as its allocator pleases, and then
/// by less than what a VF costs that is not let go of (its registers alone are 16 KiB, its tables more). In the lab it
/// grows by less than 100 KiB in all.
const GROWTH_ONCE: u64 = 2 * 1024;
const GROWTH_EACH: u64 = 64;

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
    limit: Duration::from_hours(1),
    provokes: &[],
    findings: handover_findings![LEAK, DETACH_REFUSED, GUEST_KEEPS, NOT_BACK],
    parts: &[|bench| Box::pin(run(bench))],
};

/// What a cycle may leave behind.
#[derive(Debug)]
struct Remains {
    open_files: usize,
    resident: u64,
    locked: u64,
    groups: usize,
    names: Vec<String>,
}

impl Remains {
    /// Whether it is not more than what there was, so many turns ago.
    fn is_no_more_than(&self, first: &Self, turns: u32) -> bool {
        self.open_files == first.open_files
            && self.resident <= first.resident + GROWTH_ONCE + GROWTH_EACH * u64::from(turns)
            && self.locked == first.locked
            && self.groups == first.groups
            && self.names == first.names
    }
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
    let same = last.is_no_more_than(&first, cycles - 1);
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
    let names = names(bench, *vf, before).await?;
    let memory = bench.memory_of(guest).await?;
    let groups = bench.list("/sys/kernel/iommu_groups").await?;
    Ok(Remains {
        names,
        open_files: bench.open_files_of(guest).await?,
        resident: memory.resident,
        locked: memory.locked,
        groups: groups.map_or(0, |groups| groups.len()),
    })
}

/// The names of all interfaces of the machine, once the VF's driver on the host has it again.
async fn names(bench: &mut Bench, vf: Bdf, before: &Before) -> Result<Vec<String>, Problem> {
    is_back(bench, vf, before.driver.as_deref(), &NOT_BACK).await?;
    if before.address.is_some() {
        bench.wait_for_class(vf, "net", PATIENCE).await?;
    }
    bench.settle().await?;
    Ok(bench.list("/sys/class/net").await?.unwrap_or_default())
}
