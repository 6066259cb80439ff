//! Virtual functions can be created and removed again and again, and nothing is left behind.
//!
//! Source: the requirement is the project's own; what may be left is what Linux 6.12
//! drivers/pci/iov.c, `pci_iov_remove_virtfn`, takes back.

use std::time::Duration;

use harness::bench::{Bench, VFS_REMAIN, listed};
use harness::check::{Answer, Check, Finding, Problem};
use harness::need::Need;
use harness::{creation_findings, require};

const MOVED: Finding = Finding::device(
    "vf-addresses-moved",
    "The VFs came back at other addresses; guests are configured by them.",
    "Update the card's firmware and the kernel.",
);
const GROUPS_LEFT: Finding = Finding::device(
    "iommu-groups-left",
    "There are more IOMMU groups after the VFs were created and removed several times than before: something still holds them.",
    "Read the kernel log of this check, and update the kernel.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::cycle",
    proves: "virtual functions can be created and removed again and again, and nothing is left behind",
    source: "Linux 6.12 drivers/pci/iov.c, pci_iov_remove_virtfn",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(5),
    provokes: &[],
    findings: creation_findings![VFS_REMAIN, MOVED, GROUPS_LEFT],
    parts: &[|bench| Box::pin(run(bench))],
};

/// A round takes at least 1.1 s, which the kernel sleeps (`sriov_enable`, `sriov_disable`), and two
/// to three times that with drivers.
const ROUNDS: usize = 5;

async fn run(bench: &mut Bench) -> Answer {
    bench.remove_vfs().await?;
    let groups = groups(bench).await?;
    let mut first = String::new();
    for round in 1..=ROUNDS {
        let vfs: Vec<_> = bench
            .create_vfs(bench.few())
            .await?
            .iter()
            .map(|vf| vf.bdf)
            .collect();
        let addresses = listed(&vfs);
        if round == 1 {
            first.clone_from(&addresses);
        }
        require!(
            bench,
            addresses == first,
            MOVED,
            "VFs in round 1: {first}; in round {round}: {addresses}"
        );
        bench.remove_vfs().await?;
        bench.expect_gone(&vfs).await?;
    }
    let left = self::groups(bench).await?;
    require!(
        bench,
        left == groups,
        GROUPS_LEFT,
        "{groups} IOMMU groups before {ROUNDS} rounds, {left} after"
    );
    Ok(())
}

async fn groups(bench: &mut Bench) -> Result<usize, Problem> {
    Ok(bench
        .list("/sys/kernel/iommu_groups")
        .await?
        .map_or(0, |groups| groups.len()))
}
