//! A guest with a virtual function can neither be saved nor migrated, with the reason; without one both
//! are allowed again.
//!
//! Source: RHEL 9, 14.7.1, second drawback (a virtual machine with an assigned device cannot be migrated); libvirt
//! src/qemu/qemu_migration.c, `qemuMigrationSrcIsAllowed`.

use harness::bench::{Bench, Move, Running};
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{DETACH_REFUSED, GUEST_KEEPS, plug, unplug};
use super::{LIMIT, NEEDS};

/// What stands in a reason that is the VF: what the emulator says of it (QEMU hw/vfio/migration.c,
/// `vfio_migration_realize`), or libvirt itself (libvirt src/qemu/qemu_migration.c, `qemuMigrationSrcIsAllowedHostdev`).
const REASONS: [&str; 2] = ["VFIO", "hostdev"];

const IMMOBILE: Finding = Finding::bench(
    "guest-not-movable",
    "libvirt does not save or migrate the guest without a VF either, for another reason than a VF.",
    "Read libvirt's reason in the report, and the emulator's log in the transcript.",
);
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
    "The VF was taken back, but the guest still cannot be saved or migrated because of it.",
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
        IMMOBILE,
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
    is_refused(bench, &plugged.guest).await?;
    unplug(bench, &plugged).await?;
    // Saving last: it ends the guest.
    for how in [Move::Migrate, Move::Save] {
        is_allowed(bench, &plugged.guest, how).await?;
    }
    Ok(())
}

async fn is_refused(bench: &mut Bench, guest: &Running) -> Answer {
    for how in [Move::Save, Move::Migrate] {
        let moved = bench.attempt_move(guest, how).await?;
        require!(
            bench,
            !moved.allowed,
            LET_THROUGH,
            "with a VF, {how}: {:?}",
            moved.answer
        );
        require!(
            bench,
            names_vfio(&moved.answer),
            OTHER_REASON,
            "libvirt's reason, which should name VFIO: {:?}",
            moved.answer
        );
    }
    Ok(())
}

/// Without a VF nothing may be against it. What is, and is no VF, is not the VF's fault.
async fn is_allowed(bench: &mut Bench, guest: &Running, how: Move) -> Answer {
    let moved = bench.attempt_move(guest, how).await?;
    let finding = if names_vfio(&moved.answer) {
        &STILL_REFUSED
    } else {
        &IMMOBILE
    };
    let text = format!("without a VF, {how}: {:?}", moved.answer);
    bench.assert(moved.allowed, finding, text)
}

fn names_vfio(answer: &str) -> bool {
    REASONS.iter().any(|reason| answer.contains(reason))
}
