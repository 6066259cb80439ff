//! A guest whose virtual function was removed while it rested does not start, with the reason, and
//! starts again once the VF is back.
//!
//! Source: RHEL 9, 14.7.1, first drawback, and 14.7.2, step 5 (`--config`); libvirt src/hypervisor/virhostdev.c,
//! `virHostdevSaveNetConfig`.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{START_REFUSED, card_in, give, vfs as create};
use super::{LIMIT, NEEDS};

const STARTED: Finding = Finding::device(
    "guest-started-without-its-vf",
    "A guest was started although the VF that it is to have is not there. It runs without its network, and nobody was told.",
    "Update libvirt, which must refuse such a start.",
);
const NO_REASON: Finding = Finding::device(
    "start-refusal-not-explained",
    "A guest whose VF is not there was not started, but the reason names neither the VF nor its kind.",
    "Read libvirt's reason in the report.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::stale_config",
    proves: "a guest whose virtual function was removed while it rested does not start, with the reason, and starts again once the function is back",
    source: "RHEL 9, 14.7.1, drawbacks; 14.7.2, step 5",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![STARTED, NO_REASON, START_REFUSED],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vf = create(bench, 1).await?[0];
    let name = bench.resting_guest('a').await?;
    give(bench, &name, vf).await?;
    bench.remove_vfs().await?;
    let started = bench.attempt_start('a').await?;
    require!(
        bench,
        !started.success(),
        STARTED,
        "`virsh start` without the VF: exit {}, {:?}",
        started.status,
        started.stderr
    );
    let reason = &started.stderr;
    let told = reason.contains(&vf.to_string()) || reason.contains("Virtual Function");
    require!(bench, told, NO_REASON, "libvirt's reason: {reason:?}");
    create(bench, 1).await?;
    let guest = bench.start_guest('a', &START_REFUSED).await?;
    card_in(bench, &guest).await?;
    Ok(())
}
