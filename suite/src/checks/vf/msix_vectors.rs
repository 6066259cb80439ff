//! Every virtual function has as many MSI-X vectors as claimed.
//!
//! Source: the profile's claim; Linux 6.12 `include/uapi/linux/pci_regs.h`, `PCI_MSIX_FLAGS_QSIZE`.

use std::time::Duration;

use anyhow::Context;
use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::{creation_findings, require};

const OTHER_NUMBER: Finding = Finding::device(
    "vf-msix-differs",
    "A VF has another number of MSI-X vectors than claimed; with fewer, a guest gets fewer queues.",
    "Set the number in the card's firmware (mlxconfig NUM_VF_MSIX, sfboot vf-msix-limit) or, where the driver offers it, in sriov_vf_msix_count.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::msix_vectors",
    proves: "every virtual function has as many MSI-X vectors as claimed",
    source: "the profile's claim vf_msix",
    needs: &[Need::Sriov, Need::PfDriver, Need::ClaimedMsix],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![OTHER_NUMBER],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let claimed = bench
        .profile
        .claims
        .vf_msix
        .context("the profile claims no vf_msix")?;
    for vf in bench.create_bare_vfs(bench.few()).await? {
        let found = bench
            .capabilities_of(vf.bdf)
            .await?
            .msix
            .map_or(0, |msix| msix.vectors);
        require!(
            bench,
            found == claimed,
            OTHER_NUMBER,
            "{} has {found} MSI-X vectors, {claimed} are claimed",
            vf.bdf
        );
    }
    Ok(())
}
