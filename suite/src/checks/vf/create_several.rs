//! Half as many virtual functions can be created as the kernel allows, and at least two.
//!
//! Source: RHEL 9, 14.7.2, step 2; Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_store`.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS};
use harness::check::{Answer, Check};
use harness::creation_findings;
use harness::need::Need;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::create_several",
    proves: "half as many virtual functions can be created as the kernel allows, and at least two",
    source: "RHEL 9, 14.7.2, step 2",
    needs: &[Need::Sriov, Need::SeveralVfs, Need::PfDriver],
    limit: Duration::from_mins(3),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let count = several(bench.limit());
    bench.create_bare_vfs(count).await?;
    bench.expect_vfs(count).await
}

fn several(limit: u16) -> u16 {
    (limit / 2).max(2)
}

#[cfg(test)]
mod tests {
    use super::several;

    #[test]
    fn several_are_two_or_more_and_within_the_limit() {
        assert_eq!([2, 3, 5, 7, 64].map(several), [2, 2, 2, 3, 32]);
    }
}
