//! While virtual functions are enabled, another number is refused with EBUSY and disturbs none.
//!
//! Source: Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_store`: the count changes only by way of 0.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS, named};
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::{creation_findings, require};
use nix::errno::Errno;

const ACCEPTED: Finding = Finding::device(
    "change-accepted",
    "The number of VFs was changed while some were enabled; guests would lose theirs without warning.",
    "Replace the kernel or the out-of-tree driver that allows it; the count must go by way of 0.",
);
const OTHER_ERROR: Finding = Finding::device(
    "change-refused-otherwise",
    "Another number of VFs was refused, but not with EBUSY.",
    "Read the kernel log of this check; the refusal should come from the PCI core, not from the driver.",
);
const DISTURBED: Finding = Finding::device(
    "vfs-disturbed-by-refusal",
    "A refused change has changed the VFs that were there: an address, a driver or an IOMMU group.",
    "Read the kernel log of this check, and update the PF driver.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::change_while_enabled",
    proves: "while virtual functions are enabled, another number is refused with EBUSY and disturbs none",
    source: "Linux 6.12 drivers/pci/iov.c, sriov_numvfs_store",
    needs: &[Need::Sriov, Need::SeveralVfs, Need::PfDriver],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS, ACCEPTED, OTHER_ERROR, DISTURBED],
    parts: &[|bench| Box::pin(run(bench))],
};

/// Enough for one fewer and, where the limit allows it, one more.
const ENABLED: u16 = 2;

async fn run(bench: &mut Bench) -> Answer {
    let before = bench.create_vfs(ENABLED).await?;
    for count in [ENABLED - 1, ENABLED + 1]
        .into_iter()
        .filter(|count| *count <= bench.limit())
        .collect::<Vec<_>>()
    {
        let attempt = bench.attempt_numvfs(&count.to_string()).await?;
        let seen = format!(
            "{count} VFs while {ENABLED} are enabled: {}",
            attempt.answer()
        );
        require!(bench, attempt.error.is_some(), ACCEPTED, "{seen}");
        require!(
            bench,
            attempt.error == Some(Errno::EBUSY),
            OTHER_ERROR,
            "{seen}"
        );
    }
    bench.expect_vfs(ENABLED).await?;
    let after = bench.vfs().await?;
    require!(
        bench,
        after == before,
        DISTURBED,
        "VFs before: {}; after: {}",
        named(&before),
        named(&after)
    );
    Ok(())
}
