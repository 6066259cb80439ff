//! The physical function's interface can go down and up while virtual functions exist; they stay, and
//! the link comes back.
//!
//! Whether a VF has a link meanwhile depends on the device and is not asked.
//!
//! Source: RHEL 9, 14.7.2, step 1, which wants the PF's interface up; the rest is the project's own.

use std::time::Duration;

use anyhow::anyhow;
use harness::bench::{Bench, named};
use harness::check::{Answer, Check, Finding, Problem};
use harness::need::Need;
use harness::{creation_findings, require};

const DISTURBED: Finding = Finding::device(
    "vfs-disturbed-by-link",
    "Putting the PF's interface down or up has changed the VFs: one is gone, or has another address, driver or IOMMU group.",
    "Read the kernel log of this check, and update the PF driver.",
);
const NO_CARRIER: Finding = Finding::device(
    "carrier-stays-down",
    "The PF had a link before its interface was put down, and has none since it was put up again.",
    "Look at the link partner's port (spanning tree may hold it), then update the PF driver and the firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::pf_down_up",
    proves: "virtual functions outlast the PF's interface going down and up, and the link comes back",
    source: "RHEL 9, 14.7.2, step 1",
    needs: &[Need::Nic, Need::Sriov, Need::PfDriver, Need::Netdev],
    limit: Duration::from_mins(4),
    provokes: &[],
    findings: creation_findings![DISTURBED, NO_CARRIER],
    parts: &[|bench| Box::pin(run(bench))],
};

/// 1000BASE-T negotiates for some seconds, and a PF with VFs is reset first.
const PATIENCE: Duration = Duration::from_secs(20);

async fn run(bench: &mut Bench) -> Answer {
    bench.set_up(true).await?;
    let linked = linked(bench).await?;
    let before = bench.create_vfs(bench.few()).await?;
    for up in [false, true] {
        bench.set_up(up).await?;
        let now = bench.vfs().await?;
        let word = if up { "up again" } else { "down" };
        require!(
            bench,
            now == before,
            DISTURBED,
            "VFs before: {}; with the PF {word}: {}",
            named(&before),
            named(&now)
        );
    }
    if linked {
        let link = bench.wait_for_carrier(PATIENCE).await?;
        require!(
            bench,
            link,
            NO_CARRIER,
            "the PF {} its link again within {} s after it was put up",
            if link { "has" } else { "has not got" },
            PATIENCE.as_secs()
        );
    }
    Ok(())
}

/// Whether there is a link to lose. One that was there when the run began and is not any more was
/// lost without this check: its partner is gone, or an earlier check has the finding.
async fn linked(bench: &mut Bench) -> Result<bool, Problem> {
    let net = bench.facts.device.net.first();
    let known = net.is_some_and(|net| net.carrier == Some(true));
    let linked = bench.wait_for_carrier(PATIENCE).await?;
    if known && !linked {
        return Err(anyhow!(
            "the PF had a link when the run began and has none now; look at the link partner's port"
        )
        .into());
    }
    Ok(linked)
}
