//! A virtual function of a PF that is down is refused to a guest with the reason, and stays with its
//! driver on the host.
//!
//! Source: RHEL 9, 14.7.2, prerequisites (the interface must be running); libvirt src/util/virnetdev.c, `virNetDevSaveNetConfig`.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{is_back, vfs};
use super::{LIMIT, NEEDS};

/// How libvirt 11.3 says it.
const REASON: &str = "not online";

const ACCEPTED: Finding = Finding::device(
    "attached-with-pf-down",
    "A VF was handed to a guest although its PF is down. The guest has a card without a network, and nobody was told.",
    "Update libvirt; put the PF up before VFs are handed over.",
);
const OTHER_REASON: Finding = Finding::device(
    "refusal-not-explained",
    "A VF of a PF that is down was refused to a guest, but not for that reason.",
    "Read libvirt's reason in the report.",
);
const NOT_BACK: Finding = Finding::device(
    "vf-lost-in-refusal",
    "The attachment was refused, but afterwards the driver on the host does not have the VF.",
    "Read the kernel log of this check; bind the VF with `virsh nodedev-reattach`.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::inactive_pf",
    proves: "a virtual function of a PF that is down is refused to a guest with the reason, and stays with its driver on the host",
    source: "RHEL 9, 14.7.2, prerequisites; libvirt src/util/virnetdev.c",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![ACCEPTED, OTHER_REASON, NOT_BACK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vf = vfs(bench, 1).await?[0];
    let driver = bench.driver_of(vf).await?;
    let guest = bench.guest('a').await?;
    bench.set_up(false).await?;
    let attached = bench.attach(&guest, vf).await?;
    require!(
        bench,
        !attached.success(),
        ACCEPTED,
        "`virsh attach-interface` with the PF down: exit {}, {:?}",
        attached.status,
        attached.stderr
    );
    require!(
        bench,
        attached.stderr.contains(REASON),
        OTHER_REASON,
        "libvirt's reason, which should say {REASON:?}: {:?}",
        attached.stderr
    );
    is_back(bench, vf, driver.as_deref(), &NOT_BACK).await
}
