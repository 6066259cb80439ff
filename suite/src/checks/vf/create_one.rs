//! One virtual function can be created, and both the kernel and the device show it.
//!
//! Source: RHEL 9, 14.7.2, step 2; Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_store`.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS};
use harness::check::{Answer, Check};
use harness::creation_findings;
use harness::need::Need;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::create_one",
    proves: "one virtual function can be created, and both the kernel and the device show it",
    source: "RHEL 9, 14.7.2, step 2",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    bench.create_vfs(1).await?;
    bench.expect_vfs(1).await
}
