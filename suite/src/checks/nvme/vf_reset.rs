//! A reset of a virtual function, by every method that the kernel has for it, leaves its controller online with what it was given:
//! its driver binds again, or goes on where it was bound, and its data is there.
//!
//! Source: NVM Express Base Specification, Virtualization Enhancements (a reset of a secondary controller takes nothing from it);
//! Linux 6.12 drivers/nvme/host/pci.c, `nvme_reset_prepare` and `nvme_reset_done`.

use std::time::Duration;

use harness::bench::{Bench, Stretch};
use harness::check::{Answer, Check, Finding};
use harness::require;

use super::WITH_SCRATCH;
use super::data::{by_vf, scratch, verify, write};
use super::ready::{Drive, NOT_READY, bare, bind, give, keeps, online, unbind};
use crate::checks::vf::reset::REFUSED;
use crate::data_findings;

const TAKES: Finding = Finding::device(
    "nvme-reset-takes-resources",
    "A reset of a VF has taken its controller offline, or has taken queues or vectors from it: a guest that resets its VF loses it.",
    "Compare the report with `nvme list-secondary` before and after a reset, and update the controller's firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::vf_reset",
    proves: "a reset of a VF by every method leaves its controller online with what it was given, with a driver or without, and its data there",
    source: "NVM Express Base Specification, Virtualization Enhancements",
    needs: WITH_SCRATCH,
    limit: Duration::from_mins(10),
    provokes: &[],
    findings: data_findings![REFUSED, TAKES],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let nsid = scratch(bench).await?;
    let mut drives = bare(bench, 1).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    let drive = &drives[0];
    bind(bench, drive).await?;
    let all = [Stretch {
        seed: fastrand::u32(..),
        first: 0,
        count: 256,
        transfers: vec![8],
    }];
    let disk = by_vf(bench, drive, nsid).await?;
    write(bench, "by the VF", &disk, &all).await?;
    for method in bench.reset_methods(drive.vf.bdf).await? {
        goes_on(bench, drive, &method).await?;
        let disk = by_vf(bench, drive, nsid).await?;
        verify(
            bench,
            &format!("after {method} under the driver"),
            &disk,
            &all,
        )
        .await?;
        comes_back(bench, drive, &method).await?;
        let disk = by_vf(bench, drive, nsid).await?;
        verify(
            bench,
            &format!("after {method} without a driver"),
            &disk,
            &all,
        )
        .await?;
    }
    Ok(())
}

/// With its driver bound.
async fn goes_on(bench: &mut Bench, drive: &Drive, method: &str) -> Answer {
    reset(bench, drive, method).await?;
    let live = bench.wait_until_live(drive.vf.bdf).await?;
    let state = live.map_or("none".to_owned(), |(_, state)| state);
    require!(
        bench,
        state == "live",
        NOT_READY,
        "the state of the controller after {method} under its driver: {state}"
    );
    Ok(())
}

/// Without a driver.
async fn comes_back(bench: &mut Bench, drive: &Drive, method: &str) -> Answer {
    unbind(bench, drive).await?;
    reset(bench, drive, method).await?;
    bind(bench, drive).await?;
    Ok(())
}

async fn reset(bench: &mut Bench, drive: &Drive, method: &str) -> Answer {
    let attempt = bench.reset_vf(drive.vf.bdf, method).await?;
    require!(
        bench,
        attempt.error.is_none(),
        REFUSED,
        "reset of {} by {method}: {}",
        drive.vf.bdf,
        attempt.answer()
    );
    keeps(bench, drive, method, &TAKES).await
}
