//! While a guest has a virtual function its memory is locked, all of it and not twice, and no longer
//! afterwards.
//!
//! Source: RHEL 9, 14.7.1, third drawback (an assigned device needs the memory of its virtual machine pinned); Linux 6.12
//! drivers/vfio/vfio_iommu_type1.c, `vfio_pin_pages_remote`.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{DETACH_REFUSED, GUEST_KEEPS, plug, unplug};
use super::{LIMIT, NEEDS};

/// What the emulator has beside the guest's memory that a device can reach: its firmware and the
/// memory of its cards, in KiB.
const OTHER: u64 = 64 * 1024;

const NOT_PINNED: Finding = Finding::device(
    "guest-memory-not-pinned",
    "A guest has a VF, but its memory is not locked, or not once. A page that the kernel moves while the VF writes to it is lost.",
    "Read VmLck and VmPin in the transcript; update the kernel and QEMU.",
);
const STAYS_PINNED: Finding = Finding::device(
    "guest-memory-stays-pinned",
    "The VF was taken back, but the guest's memory stays locked. The machine cannot use it for anything else until the guest ends.",
    "Read the kernel log of this check; update the kernel and QEMU.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::memory_pinned",
    proves: "while a guest has a virtual function its memory is locked, all of it and not twice, and no longer afterwards",
    source: "RHEL 9, 14.7.1, drawbacks",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![NOT_PINNED, STAYS_PINNED, DETACH_REFUSED, GUEST_KEEPS],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    let ram = u64::from(bench.guest_memory()) * 1024;
    let locked = bench.memory_of(&plugged.guest).await?.locked;
    require!(
        bench,
        (ram..=ram + OTHER).contains(&locked),
        NOT_PINNED,
        "of a guest with {ram} KiB and a VF {locked} KiB are locked"
    );
    unplug(bench, &plugged).await?;
    let locked = bench.memory_of(&plugged.guest).await?.locked;
    require!(
        bench,
        locked == 0,
        STAYS_PINNED,
        "after the VF was taken back {locked} KiB are locked"
    );
    Ok(())
}
