//! When libvirt's daemon is restarted, a guest runs on and keeps its virtual function, and can give it back.
//!
//! Source: libvirt docs/daemons.rst (guests outlive the daemon that manages them).

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{
    DETACH_REFUSED, GUEST_KEEPS, NO_DRIVER, NO_LINK, plug_card, still_has, unplug,
};
use super::{LIMIT, NEEDS};

const ENDED: Finding = Finding::device(
    "guest-ended-with-daemon",
    "libvirt's daemon was restarted, and the guest does not run any more, or as another process.",
    "Read `journalctl -u libvirtd` and the emulator's log in the transcript: KillMode of the unit must be process.",
);
const LOST: Finding = Finding::device(
    "attachment-lost-with-daemon",
    "libvirt's daemon was restarted, and the guest does not have its VF any more.",
    "Read `journalctl -u libvirtd`; update libvirt.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::libvirtd_restart",
    proves: "when libvirt's daemon is restarted, a guest runs on and keeps its virtual function, and can give it back",
    source: "libvirt docs/daemons.rst",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![ENDED, LOST, DETACH_REFUSED, GUEST_KEEPS, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug_card(bench).await?;
    let before = bench.started_at(&plugged.guest).await?;
    bench.restart_libvirt().await?;
    let state = bench.state_of(plugged.guest.name()).await?;
    require!(
        bench,
        state == "running",
        ENDED,
        "the guest was running, is {state}"
    );
    let after = bench.started_at(&plugged.guest).await?;
    require!(
        bench,
        before == after,
        ENDED,
        "the guest's process was started at {before}, and is one that was started at {after}"
    );
    still_has(bench, &plugged, &LOST).await?;
    unplug(bench, &plugged).await
}
