//! Writing the number that is set already succeeds and does nothing.
//!
//! A VF that was made anew would have forgotten its `driver_override`, which lives as long as the
//! kernel's device does; so that is how a VF is recognised.
//!
//! Source: Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_store`; Documentation/ABI/testing/sysfs-bus-pci, `driver_override`.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS, named};
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::{creation_findings, require, sysfs};

const REFUSED: Finding = Finding::device(
    "same-count-refused",
    "Writing the number of VFs that is set already was refused; tools that set it at every start would fail at the second.",
    "Replace the kernel or the out-of-tree driver that refuses it.",
);
const MADE_ANEW: Finding = Finding::device(
    "vfs-made-anew",
    "Writing the number of VFs that is set already has removed the VFs and made them anew; a guest would have lost its VF.",
    "Replace the kernel or the out-of-tree driver that does so.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::same_count",
    proves: "writing the number that is set already succeeds and does nothing",
    source: "Linux 6.12 drivers/pci/iov.c, sriov_numvfs_store",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS, REFUSED, MADE_ANEW],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    bench.remove_vfs().await?;
    rewrite(bench, 0).await?;
    let count = bench.few();
    let before = bench.create_vfs(count).await?;
    let mark = bench.profile.driver.vf.clone();
    for vf in &before {
        bench.override_driver(vf.bdf, &mark).await?;
    }
    rewrite(bench, count).await?;
    let after = bench.vfs().await?;
    require!(
        bench,
        after == before,
        MADE_ANEW,
        "VFs before: {}; after: {}",
        named(&before),
        named(&after)
    );
    for vf in &before {
        let kept = bench
            .read(&sysfs::attribute(vf.bdf, "driver_override"))
            .await?;
        require!(
            bench,
            kept == mark,
            MADE_ANEW,
            "driver_override of {} was set to {mark} and is {kept}",
            vf.bdf
        );
        bench.override_driver(vf.bdf, "").await?;
    }
    Ok(())
}

async fn rewrite(bench: &mut Bench, count: u16) -> Answer {
    let attempt = bench.attempt_numvfs(&count.to_string()).await?;
    require!(
        bench,
        attempt.error.is_none(),
        REFUSED,
        "{count} VFs while {count} are enabled: {}",
        attempt.answer()
    );
    bench.expect_vfs(count).await
}
