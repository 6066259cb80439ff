//! As many virtual functions can be created as the kernel allows, and that is as many as claimed.
//!
//! Drivers are kept away from the VFs: a hundred of them probing on the host is not what is asked,
//! and some take a second each.
//!
//! Source: RHEL 9, 14.7.2, step 2; Linux 6.12 Documentation/ABI/testing/sysfs-bus-pci, `sriov_totalvfs`.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS};
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::{creation_findings, require};

const NOT_AS_CLAIMED: Finding = Finding::device(
    "maximum-not-as-claimed",
    "The most VFs that the kernel allows with the driver bound are not as many as the vendor claims.",
    "Set the number of VFs in the card's firmware (mlxconfig NUM_OF_VFS, sfboot vf-count, HII) and reboot; if it cannot be set, correct total_vfs in the profile.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::create_maximum",
    proves: "as many virtual functions can be created as the kernel allows, and that is as many as claimed",
    source: "RHEL 9, 14.7.2, step 2",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(3),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS, NOT_AS_CLAIMED],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let limit = bench.limit();
    if let Some(claimed) = bench.profile.claims.total_vfs {
        require!(
            bench,
            limit == claimed,
            NOT_AS_CLAIMED,
            "sriov_totalvfs is {limit}, {claimed} is claimed"
        );
    }
    bench.create_bare_vfs(limit).await?;
    bench.expect_vfs(limit).await
}
