//! What a virtual function writes, it and the physical function read, and the other way round; after a reset of the VF, after its
//! controller was offline, and after a restart of the machine.
//!
//! Each block says which one it is, so that one that is damaged, lost, old or at another place is told from the right one.
//! Transfers are as long as one block, some, and around the longest that the controller takes (MDTS).
//!
//! Source: NVM Express NVM Command Set Specification, Read and Write commands; Base Specification, Identify Controller (MDTS).

use std::time::Duration;

use anyhow::Context;
use harness::bench::{Bench, Stretch};
use harness::check::{Answer, Check, Problem};
use harness::nvme::Virtualization;
use serde::{Deserialize, Serialize};

use super::WITH_SCRATCH;
use super::data::{by_pf, by_vf, scratch, verify, write};
use super::ready::{Drive, bare, bind, give, online, told, unbind};
use crate::data_findings;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::data_integrity",
    proves: "what a VF writes is read by it and by the PF, and the other way round; after a reset, after offline and online, and after a restart",
    source: "NVM Express NVM Command Set Specification, Read and Write commands",
    needs: WITH_SCRATCH,
    limit: Duration::from_mins(15),
    provokes: &[],
    findings: data_findings![],
    parts: &[
        |bench| Box::pin(before(bench)),
        |bench| Box::pin(after(bench)),
    ],
};

/// How many bytes at the beginning of the namespace, and at its end.
const BYTES: [u64; 2] = [4 << 20, 256 << 10];
/// The smallest page that a controller may have, which MDTS counts in: CAP.MPSMIN is not readable while a driver has the BAR, and
/// is 0 for 4 KiB on all drives that Linux takes with pages of 4 KiB.
const PAGE: u64 = 4096;
/// The longest transfer where MDTS sets none, in pages.
const UNLIMITED: u64 = 256;

/// What the part after the restart has to know.
#[derive(Serialize, Deserialize)]
struct Kept {
    nsid: u32,
    seed: u32,
}

async fn before(bench: &mut Bench) -> Answer {
    let nsid = scratch(bench).await?;
    let mut drives = bare(bench, 1).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    bind(bench, &drives[0]).await?;
    let [first, second] = [fastrand::u32(..), fastrand::u32(..)];
    let older = stretches(bench, nsid, first).await?;
    let newer = stretches(bench, nsid, second).await?;
    let disk = by_vf(bench, &drives[0], nsid).await?;
    write(bench, "by the VF", &disk, &older).await?;
    verify(bench, "by the VF", &disk, &older).await?;
    let disk = by_pf(bench, nsid).await?;
    verify(bench, "by the PF, written by the VF", &disk, &older).await?;
    write(bench, "by the PF", &disk, &newer).await?;
    let disk = by_vf(bench, &drives[0], nsid).await?;
    verify(bench, "by the VF, written by the PF", &disk, &newer).await?;
    after_reset(bench, &drives[0], nsid, &newer).await?;
    after_offline(bench, &mut drives, nsid, &newer).await?;
    bench.carry(&Kept { nsid, seed: second })
}

async fn after(bench: &mut Bench) -> Answer {
    let Kept { nsid, seed } = bench.carried()?;
    let all = stretches(bench, nsid, seed).await?;
    let disk = by_pf(bench, nsid).await?;
    verify(bench, "by the PF after a restart", &disk, &all).await
}

/// The VF is reset while no driver is bound to it: whoever gets it next finds it so.
async fn after_reset(bench: &mut Bench, drive: &Drive, nsid: u32, all: &[Stretch]) -> Answer {
    let vf = drive.vf.bdf;
    unbind(bench, drive).await?;
    let methods = bench.reset_methods(vf).await?;
    let method = methods.first().context("a VF has a reset method")?;
    let attempt = bench.reset_vf(vf, method).await?;
    bench
        .log
        .note(format!("reset by {method}: {}", attempt.answer()))?;
    bind(bench, drive).await?;
    let disk = by_vf(bench, drive, nsid).await?;
    verify(bench, "by the VF after a reset", &disk, all).await
}

/// No driver is bound meanwhile: the machine may hang otherwise.
async fn after_offline(
    bench: &mut Bench,
    drives: &mut [Drive],
    nsid: u32,
    all: &[Stretch],
) -> Answer {
    unbind(bench, &drives[0]).await?;
    told(bench, Virtualization::offline(drives[0].own.scid)).await?;
    give(bench, drives).await?;
    online(bench, drives).await?;
    bind(bench, &drives[0]).await?;
    let disk = by_vf(bench, &drives[0], nsid).await?;
    verify(bench, "by the VF after offline and online", &disk, all).await
}

/// The beginning and the end of a namespace.
async fn stretches(bench: &mut Bench, nsid: u32, seed: u32) -> Result<[Stretch; 2], Problem> {
    let namespace = bench.identify_namespace(nsid).await?;
    let block = namespace
        .block()
        .with_context(|| format!("namespace {nsid} has no blocks: {namespace}"))?;
    let mdts = bench.identify_controller().await?.mdts;
    let transfers = transfers(mdts, block);
    let counts = BYTES.map(|bytes| (bytes / block).min(namespace.nsze / 2));
    let stretch = |first, count| Stretch {
        seed,
        first,
        count,
        transfers: transfers.clone(),
    };
    let [begin, end] = counts;
    Ok([stretch(0, begin), stretch(namespace.nsze - end, end)])
}

/// In blocks.
fn transfers(mdts: u8, block: u64) -> Vec<u32> {
    let pages = if mdts == 0 {
        UNLIMITED
    } else {
        1 << mdts.min(12)
    };
    let most = u32::try_from(pages * PAGE / block).unwrap_or(u32::MAX);
    let mut all = vec![
        1,
        2,
        7,
        most.saturating_sub(1),
        most,
        most.saturating_add(1),
    ];
    all.retain(|blocks| *blocks > 0 && *blocks <= 65_536);
    all
}

#[cfg(test)]
mod tests {
    use super::transfers;

    #[test]
    fn transfers_lie_around_the_longest() {
        assert_eq!(transfers(7, 512), [1, 2, 7, 1023, 1024, 1025]);
        assert_eq!(transfers(0, 4096), [1, 2, 7, 255, 256, 257]);
        assert_eq!(transfers(1, 4096), [1, 2, 7, 1, 2, 3]);
        assert_eq!(transfers(255, 512), [1, 2, 7, 32767, 32768, 32769]);
    }
}
