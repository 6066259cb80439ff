//! A virtual function that a guest has cannot be handed to a second guest, nor to the same one once
//! more, and the first guest does not notice.
//!
//! Source: RHEL 9, 14.7.1 (a VF can be assigned to one virtual machine at a time); libvirt src/hypervisor/virhostdev.c, `virHostdevIsPCINodeDeviceUsed`.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{plug, still_has};
use super::{LIMIT_TWO_STARTS, NEEDS};

const LET_IN: Finding = Finding::device(
    "second-guest-let-in",
    "A VF that a guest has was handed to a second guest. Both could read and change the memory of the other.",
    "Update libvirt; do not use this machine for guests that must not trust each other.",
);
const TWICE: Finding = Finding::device(
    "second-attachment-accepted",
    "A VF that a guest has was handed to the same guest once more.",
    "Read the XML in the transcript; update libvirt.",
);
const DISTURBED: Finding = Finding::device(
    "first-guest-disturbed",
    "The second attachment was refused, but the guest that has the VF lost it.",
    "Read the guest's console in the transcript and the kernel log of this check; update libvirt.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::exclusive",
    proves: "a virtual function that a guest has is refused to a second guest and to a second attachment, and the first guest keeps it undisturbed",
    source: "RHEL 9, 14.7.1; libvirt src/hypervisor/virhostdev.c",
    needs: NEEDS,
    limit: LIMIT_TWO_STARTS,
    provokes: &[],
    findings: handover_findings![LET_IN, TWICE, DISTURBED],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    let second = bench.guest('b').await?;
    let other = bench.attach_interface(&second, plugged.vf).await?;
    require!(
        bench,
        !other.success(),
        LET_IN,
        "`virsh attach-interface` for a second guest: exit {}, {:?}",
        other.status,
        other.stderr
    );
    let again = bench.attach_interface(&plugged.guest, plugged.vf).await?;
    require!(
        bench,
        !again.success(),
        TWICE,
        "`virsh attach-interface` for the same guest once more: exit {}, {:?}",
        again.status,
        again.stderr
    );
    still_has(bench, &plugged, &DISTURBED).await
}
