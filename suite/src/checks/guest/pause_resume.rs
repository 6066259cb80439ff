//! A guest that is paused and goes on still has its virtual function, with its driver and a link.
//!
//! Source: libvirt docs/manpages/virsh.rst, `suspend` and `resume`; a VF that is lost or dead afterwards makes every live snapshot or debugging stop an outage.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{NO_DRIVER, NO_LINK, is_a_card, plug_card, still_has};
use super::{LIMIT, NEEDS};

const NOT_PAUSED: Finding = Finding::device(
    "guest-not-paused",
    "libvirt or QEMU did not pause a guest that has a VF, or did not let it go on.",
    "Read libvirt's reason in the report, and the emulator's log in the transcript.",
);
const LOST: Finding = Finding::device(
    "vf-lost-in-pause",
    "After a pause the guest does not have its VF any more.",
    "Read the guest's console in the transcript and the kernel log of this check.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::pause_resume",
    proves: "a guest that is paused and goes on still has its virtual function, with its driver and a link",
    source: "libvirt docs/manpages/virsh.rst, suspend and resume",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![NOT_PAUSED, LOST, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug_card(bench).await?;
    for (verb, expected) in [("suspend", "paused"), ("resume", "running")] {
        let state = bench.guest_does(&plugged.guest, verb).await?;
        require!(
            bench,
            state == expected,
            NOT_PAUSED,
            "after `virsh {verb}` the guest is {state}, expected {expected}"
        );
    }
    still_has(bench, &plugged, &LOST).await?;
    is_a_card(bench, &plugged.guest, plugged.card).await
}
