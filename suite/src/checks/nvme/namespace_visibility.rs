//! A namespace that is attached to the controller of one virtual function is seen by that function, and by no other nor by the PF.
//!
//! Source: NVM Express Base Specification, Namespace Attachment command; Identify, CNS 02h (Active Namespace ID list).

use std::time::Duration;

use harness::bench::Bench;
use harness::check::{Answer, Check};
use harness::pci::Bdf;
use harness::require;

use super::WITH_SCRATCH;
use super::data::{LEAKS, NOT_SEEN, by_vf, scratch};
use super::ready::{Drive, bare, bind, give, online};
use crate::data_findings;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::namespace_visibility",
    proves: "a namespace that is attached to the controller of one VF is seen by that VF, and by no other nor by the PF",
    source: "NVM Express Base Specification, Namespace Attachment command",
    needs: WITH_SCRATCH,
    limit: Duration::from_mins(10),
    provokes: &[],
    findings: data_findings![],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let nsid = scratch(bench).await?;
    let mut drives = bare(bench, bench.few()).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    for drive in &drives {
        bind(bench, drive).await?;
    }
    for drive in &drives {
        is_seen_by(bench, &drives, drive, nsid).await?;
    }
    Ok(())
}

async fn is_seen_by(bench: &mut Bench, drives: &[Drive], drive: &Drive, nsid: u32) -> Answer {
    by_vf(bench, drive, nsid).await?;
    let (own, pf) = (drive.vf.bdf, bench.pf());
    let active = bench.active(own).await?;
    require!(
        bench,
        active.contains(&nsid),
        NOT_SEEN,
        "the controller of {own} lists namespaces {active:?}, {nsid} is attached to it"
    );
    let vfs = drives.iter().map(|drive| drive.vf.bdf);
    let others: Vec<Bdf> = vfs.chain([pf]).filter(|other| *other != own).collect();
    for other in others {
        is_not_seen_by(bench, other, own, nsid).await?;
    }
    Ok(())
}

/// Its driver has lost it already; now the controller itself is asked.
async fn is_not_seen_by(bench: &mut Bench, other: Bdf, own: Bdf, nsid: u32) -> Answer {
    let active = bench.active(other).await?;
    require!(
        bench,
        !active.contains(&nsid),
        LEAKS,
        "the controller of {other} lists namespaces {active:?}, {nsid} is attached to that of {own}"
    );
    Ok(())
}
