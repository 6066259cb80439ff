//! While a guest has a virtual function the number of VFs cannot be changed, and the guest does not notice.
//!
//! Source: RHEL 9, 14.7.1, first drawback (the number must go by way of zero, and the VFs be taken from their guests first); Linux 6.12
//! drivers/pci/iov.c, `sriov_numvfs_store`.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};
use nix::errno::Errno;

use super::plugged::{NO_DRIVER, NO_LINK, plug_card, still_has};
use super::{LIMIT, NEEDS_TWO};

const CHANGED: Finding = Finding::device(
    "numvfs-changed-under-guest",
    "The number of VFs was changed while a guest has one, or refused in another way than the kernel documents.",
    "Read the kernel log of this check; the kernel itself must answer EBUSY before it asks the driver.",
);
const DISTURBED: Finding = Finding::device(
    "guest-disturbed-by-numvfs",
    "The change was refused, but the guest lost its VF.",
    "Read the guest's console in the transcript and the kernel log of this check.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::numvfs_change_refused",
    proves: "while a guest has a virtual function the number of VFs cannot be changed to another, and the guest keeps it undisturbed",
    source: "RHEL 9, 14.7.1, drawbacks; Linux drivers/pci/iov.c",
    needs: NEEDS_TWO,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![CHANGED, DISTURBED, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug_card(bench).await?;
    let attempt = bench.attempt_numvfs("2").await?;
    require!(
        bench,
        attempt.error == Some(Errno::EBUSY),
        CHANGED,
        "2 VFs instead of 1: {}, expected EBUSY",
        attempt.answer()
    );
    still_has(bench, &plugged, &DISTURBED).await
}
