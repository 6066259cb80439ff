//! More virtual functions than the kernel allows are refused with ERANGE, also while some are
//! enabled, when EBUSY would fit as well.
//!
//! Source: Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_store`, which looks at the limit first.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS};
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::{creation_findings, require};
use nix::errno::Errno;

const ACCEPTED: Finding = Finding::device(
    "too-many-accepted",
    "The kernel accepted more VFs than it allows.",
    "Replace the kernel: sriov_numvfs does not heed sriov_totalvfs. An out-of-tree driver may have replaced the attribute.",
);
const OTHER_ERROR: Finding = Finding::device(
    "too-many-refused-otherwise",
    "More VFs than allowed were refused, but not with ERANGE; tools tell a wrong number from a busy device by it.",
    "Replace the out-of-tree driver or the kernel that answers so; sriov_numvfs_store checks the limit before anything else.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::beyond_maximum",
    proves: "more virtual functions than the kernel allows are refused with ERANGE and change nothing",
    source: "Linux 6.12 drivers/pci/iov.c, sriov_numvfs_store",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS, ACCEPTED, OTHER_ERROR],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    bench.remove_vfs().await?;
    refused(bench, 0).await?;
    bench.create_bare_vfs(1).await?;
    refused(bench, 1).await
}

async fn refused(bench: &mut Bench, enabled: u16) -> Answer {
    let limit = bench.limit();
    for count in beyond(limit) {
        let attempt = bench.attempt_numvfs(&count.to_string()).await?;
        let seen = format!(
            "{count} VFs with a limit of {limit} and {enabled} enabled: {}",
            attempt.answer()
        );
        require!(bench, attempt.error.is_some(), ACCEPTED, "{seen}");
        require!(
            bench,
            attempt.error == Some(Errno::ERANGE),
            OTHER_ERROR,
            "{seen}"
        );
    }
    bench.expect_vfs(enabled).await
}

/// The next number and the largest that still is one: beyond it the text is malformed.
fn beyond(limit: u16) -> Vec<u16> {
    let mut counts: Vec<u16> = limit.checked_add(1).into_iter().chain([u16::MAX]).collect();
    counts.dedup();
    counts.retain(|count| *count > limit);
    counts
}

#[cfg(test)]
mod tests {
    use super::beyond;

    #[test]
    fn only_numbers_beyond_the_limit_are_tried() {
        assert_eq!(beyond(7), [8, 65535]);
        assert_eq!(beyond(65534), [65535]);
        assert!(beyond(65535).is_empty());
    }
}
