//! A guest with a virtual function can neither be saved nor migrated, with the reason; without one both
//! are allowed again.
//!
//! Source: RHEL 9, 14.7.1, second drawback (a virtual machine with an assigned device cannot be migrated); libvirt
//! src/qemu/qemu_migration.c, `qemuMigrationSrcIsAllowed`.

use harness::bench::{Bench, Move};
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{DETACH_REFUSED, GUEST_KEEPS, plug, unplug};
use super::{LIMIT, NEEDS};

/// How libvirt begins its reason, whatever the emulator's is (libvirt src/qemu/qemu_migration.c).
const REASON: &str = "cannot migrate";

const LET_THROUGH: Finding = Finding::device(
    "migration-let-through",
    "A guest that has a VF was saved or migrated. What the VF knew of it is lost, and it writes to memory that belongs to somebody else.",
    "Where the vendor has a driver for migration (mlx5_vfio_pci), add a [[known_issue]] to the profile; else update QEMU and libvirt.",
);
const OTHER_REASON: Finding = Finding::device(
    "migration-refusal-not-explained",
    "The guest was neither saved nor migrated, but the reason does not say that its VF is why.",
    "Read libvirt's reason in the report.",
);
const STILL_REFUSED: Finding = Finding::device(
    "migration-refused-without-vf",
    "The VF was taken back, but the guest still cannot be saved or migrated.",
    "Read libvirt's reason in the report; update QEMU and libvirt.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::migration_refused",
    proves: "a guest with a virtual function can neither be saved nor migrated, with the reason, and without one both are allowed again",
    source: "RHEL 9, 14.7.1, drawbacks; libvirt src/qemu/qemu_migration.c",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![
        LET_THROUGH,
        OTHER_REASON,
        STILL_REFUSED,
        DETACH_REFUSED,
        GUEST_KEEPS
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    for how in [Move::Save, Move::Migrate] {
        let moved = bench.attempt_move(&plugged.guest, how).await?;
        require!(
            bench,
            !moved.allowed,
            LET_THROUGH,
            "with a VF, {how}: {:?}",
            moved.answer
        );
        require!(
            bench,
            moved.answer.contains(REASON),
            OTHER_REASON,
            "libvirt's reason, which should say {REASON:?}: {:?}",
            moved.answer
        );
    }
    unplug(bench, &plugged).await?;
    // Saving last: it ends the guest.
    for how in [Move::Migrate, Move::Save] {
        let moved = bench.attempt_move(&plugged.guest, how).await?;
        require!(
            bench,
            moved.allowed,
            STILL_REFUSED,
            "without a VF, {how}: {:?}",
            moved.answer
        );
    }
    Ok(())
}
