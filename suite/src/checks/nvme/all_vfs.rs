//! All virtual functions at once: every controller is online with its driver, and each writes and reads a namespace of its own at
//! the same time as all others, without an error and without a wrong block.
//!
//! Source: PCI-SIG SR-IOV 1.1, 3.3.5 (`TotalVFs`); NVM Express Base Specification, Virtualization Enhancements.

use std::time::Duration;

use harness::bench::{Bench, Disk, Stretch};
use harness::check::{Answer, Check, Finding, Problem};
use harness::require;

use super::WITH_SCRATCH;
use super::data::{IO_FAILS, WRONG_DATA, by_vf};
use super::ready::{bare, bind, give, online};
use crate::data_findings;

const TOO_FEW_NAMESPACES: Finding = Finding::bench(
    "too-few-scratch-namespaces",
    "Fewer scratch namespaces are named than there can be VFs, so that they cannot all be used at once.",
    "Create as many as TotalVFs (`nvme create-ns --nmic=1`), and name each with `--scratch-namespace SERIAL:NSID`.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::all_vfs",
    proves: "all VFs are online at once, and each writes and reads a namespace of its own at the same time as all others",
    source: "PCI-SIG SR-IOV 1.1, 3.3.5; NVM Express Base Specification, Virtualization Enhancements",
    needs: WITH_SCRATCH,
    limit: Duration::from_mins(30),
    provokes: &[],
    findings: data_findings![TOO_FEW_NAMESPACES],
    parts: &[|bench| Box::pin(run(bench))],
};

/// Blocks that each writes.
const COUNT: u64 = 4096;

async fn run(bench: &mut Bench) -> Answer {
    let all = disks(bench).await?;
    for what in ["write --overwrite", "verify"] {
        let passed = bench.blocks_at_once(what, &all).await?;
        for ((disk, _), passed) in all.iter().zip(passed) {
            let device = disk.device();
            require!(
                bench,
                passed.failed.is_none(),
                IO_FAILS,
                "{device}, {what}: {passed}"
            );
            require!(
                bench,
                passed.wrong == 0,
                WRONG_DATA,
                "{device}, {what}: {passed}"
            );
        }
    }
    Ok(())
}

/// A namespace for each VF, and what is written to it.
async fn disks(bench: &mut Bench) -> Result<Vec<(Disk, Stretch)>, Problem> {
    let count = bench.limit();
    let namespaces = bench.scratch(count.into()).await?;
    let enough = namespaces.len() >= usize::from(count);
    let text = format!("{count} VFs, and {} scratch namespaces", namespaces.len());
    bench.assert(enough, &TOO_FEW_NAMESPACES, text)?;
    let mut drives = bare(bench, count).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    let mut all = Vec::with_capacity(drives.len());
    for (drive, nsid) in drives.iter().zip(namespaces) {
        bind(bench, drive).await?;
        let stretch = Stretch {
            seed: fastrand::u32(..),
            first: 0,
            count: COUNT,
            transfers: vec![8, 1, 64],
        };
        all.push((by_vf(bench, drive, nsid).await?, stretch));
    }
    Ok(all)
}
