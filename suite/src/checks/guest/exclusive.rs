//! A virtual function that a guest has cannot be handed to a second guest, nor to the same one once
//! more, and the first guest does not notice.
//!
//! Source: RHEL 9, 14.7.1 (a VF can be assigned to one virtual machine at a time); libvirt src/hypervisor/virhostdev.c, `virHostdevIsPCINodeDeviceUsed`.

use harness::bench::{Bench, Running};
use harness::check::{Answer, Check, Finding};
use harness::pci::Bdf;
use harness::{handover_findings, require};

use super::plugged::{NO_DRIVER, NO_LINK, Plugged, plug_card, still_has};
use super::{LIMIT_TWO_STARTS, NEEDS};

pub(in crate::checks) const LET_IN: Finding = Finding::device(
    "second-guest-let-in",
    "A VF that a guest has was handed to a second guest. Both could read and change the memory of the other.",
    "Update libvirt; do not use this machine for guests that must not trust each other.",
);
pub(in crate::checks) const OTHER_REASON: Finding = Finding::device(
    "exclusion-not-explained",
    "A VF that a guest has was refused to a second guest, but the reason does not name the guest that has it.",
    "Read libvirt's reason in the report.",
);
pub(in crate::checks) const TWICE: Finding = Finding::device(
    "second-attachment-accepted",
    "A VF that a guest has was handed to the same guest once more.",
    "Read the XML in the transcript; update libvirt.",
);
pub(in crate::checks) const DISTURBED: Finding = Finding::device(
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
    findings: handover_findings![LET_IN, OTHER_REASON, TWICE, DISTURBED, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug_card(bench).await?;
    let Plugged { guest, vf, .. } = &plugged;
    refused_to_another(bench, guest, *vf).await?;
    refused_once_more(bench, guest, *vf).await?;
    still_has(bench, &plugged, &DISTURBED).await
}

pub(in crate::checks) async fn refused_to_another(
    bench: &mut Bench,
    guest: &Running,
    vf: Bdf,
) -> Answer {
    let second = bench.guest('b').await?;
    let other = bench.attach(&second, vf).await?;
    require!(
        bench,
        !other.success(),
        LET_IN,
        "attaching {vf} to a second guest: exit {}, {:?}",
        other.status,
        other.stderr
    );
    let reason = &other.stderr;
    let named = reason.contains("in use") && reason.contains(guest.name());
    require!(bench, named, OTHER_REASON, "libvirt's reason: {reason:?}");
    Ok(())
}

/// By the command of the requirement, which libvirt refuses since its next start would have the VF twice already, and to
/// the running guest alone.
pub(in crate::checks) async fn refused_once_more(
    bench: &mut Bench,
    guest: &Running,
    vf: Bdf,
) -> Answer {
    let again = bench.attach(guest, vf).await?;
    let live = bench.attach_live(guest, vf).await?;
    for (attached, how) in [(again, "--live --config"), (live, "--live")] {
        require!(
            bench,
            !attached.success(),
            TWICE,
            "attaching {vf} to the same guest once more ({how}): exit {}, {:?}",
            attached.status,
            attached.stderr
        );
    }
    Ok(())
}
