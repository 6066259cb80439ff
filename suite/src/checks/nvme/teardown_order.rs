//! Virtual functions whose controllers are online can be taken down, step by step or all at once, and nothing is left of them: their
//! controllers are offline and have nothing, and can be used again.
//!
//! Step by step is driver, controller, VF. A controller that goes offline under its driver may hang the machine (seen once with QEMU
//! 10.0.2 and Linux 6.12), so that nobody tries that here.
//!
//! Source: NVM Express Base Specification, Virtualization Enhancements (VF Enable cleared takes secondary controllers offline).

use std::time::Duration;

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::nvme::Virtualization;
use harness::require;

use super::NEEDS;
use super::ready::{Drive, bare, bind, give, online, told, unbind};
use crate::online_findings;

const LEFT: Finding = Finding::device(
    "nvme-teardown-leaves-something",
    "A secondary controller is online or has resources although it was taken offline, or although its VF is gone.",
    "Take it offline with `nvme virt-mgmt --act=7` before VFs are removed, and update the controller's firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::teardown_order",
    proves: "VFs whose controllers are online can be taken down step by step or all at once, and their controllers can be used again",
    source: "NVM Express Base Specification, Virtualization Enhancements",
    needs: NEEDS,
    limit: Duration::from_mins(10),
    provokes: &[],
    findings: online_findings![LEFT],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let drives = in_use(bench).await?;
    for drive in &drives {
        unbind(bench, drive).await?;
    }
    for drive in &drives {
        told(bench, Virtualization::offline(drive.own.scid)).await?;
    }
    nothing_is_left(bench, "taken offline").await?;
    bench.remove_vfs().await?;
    nothing_is_left(bench, "without VFs").await?;
    in_use(bench).await?;
    bench.remove_vfs().await?;
    nothing_is_left(bench, "without VFs that were in use").await?;
    in_use(bench).await?;
    Ok(())
}

/// Some VFs with their drivers.
async fn in_use(bench: &mut Bench) -> Result<Vec<Drive>, harness::check::Problem> {
    let mut drives = bare(bench, bench.few()).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    for drive in &drives {
        bind(bench, drive).await?;
    }
    Ok(drives)
}

async fn nothing_is_left(bench: &mut Bench, when: &str) -> Answer {
    for own in bench.secondaries().await? {
        require!(bench, own.is_bare(), LEFT, "{when}: {own}");
    }
    Ok(())
}
