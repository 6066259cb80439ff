//! Writing 0 removes the virtual functions with all that belongs to them.
//!
//! Source: RHEL 9, 14.7.2; Linux 6.12 drivers/pci/iov.c, `sriov_disable`.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS, VFS_REMAIN, Vf};
use harness::check::{Answer, Check, Finding, Problem};
use harness::need::Need;
use harness::{creation_findings, require};

const REFUSED: Finding = Finding::device(
    "removal-refused",
    "Writing 0 to sriov_numvfs was refused while VFs were enabled.",
    "Read the kernel log of this check; shut down guests that hold a VF, and end whatever the driver says it waits for.",
);
const INTERFACE_REMAINS: Finding = Finding::device(
    "vf-interface-remains",
    "A VF was removed, but its network interface is still there.",
    "Take the interface out of any bridge, bond or namespace, and update the VF driver.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::remove",
    proves: "writing 0 removes the virtual functions with all that belongs to them",
    source: "Linux 6.12 drivers/pci/iov.c, sriov_disable",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS, VFS_REMAIN, REFUSED, INTERFACE_REMAINS],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vfs = bench.create_vfs(bench.few()).await?;
    let interfaces = interfaces(bench, &vfs).await?;
    let attempt = bench.attempt_numvfs("0").await?;
    require!(
        bench,
        attempt.error.is_none(),
        REFUSED,
        "removing {} VFs: {}",
        vfs.len(),
        attempt.answer()
    );
    bench
        .log
        .timed(format!("removing {} VFs", vfs.len()), attempt.took);
    let removed: Vec<_> = vfs.iter().map(|vf| vf.bdf).collect();
    bench.expect_gone(&removed).await?;
    bench.expect_vfs(0).await?;
    for name in interfaces {
        let left = bench.list(&format!("/sys/class/net/{name}")).await?;
        require!(
            bench,
            left.is_none(),
            INTERFACE_REMAINS,
            "interface {name} of a removed VF is {}",
            if left.is_some() {
                "still there"
            } else {
                "gone"
            }
        );
    }
    Ok(())
}

async fn interfaces(bench: &mut Bench, vfs: &[Vf]) -> Result<Vec<String>, Problem> {
    let mut names = Vec::new();
    for vf in vfs {
        names.extend(bench.nets_of(vf.bdf).await?.into_iter().map(|net| net.name));
    }
    Ok(names)
}
