//! While one virtual function writes and reads, its neighbour is reset, taken offline, given its resources anew and used again: no
//! command of the first fails, and no block is wrong.
//!
//! Source: NVM Express Base Specification, Virtualization Enhancements: what is done to a secondary controller concerns no other.

use std::time::Duration;

use harness::bench::{Bench, Stretch};
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::nvme::{Resource, Virtualization};
use harness::require;

use super::data::{by_vf, scratch, verify, write};
use super::ready::{Drive, bare, bind, give, online, told, unbind};
use crate::data_findings;

const DISTURBED: Finding = Finding::device(
    "nvme-neighbour-disturbed",
    "A VF that was in use had an error, or read a wrong block, while its neighbour was reset, taken offline and used again.",
    "Do not hand VFs of this controller to different guests; update the controller's firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::isolation",
    proves: "while its neighbour is reset, taken offline, given its resources anew and used again, a VF writes and reads without an error",
    source: "NVM Express Base Specification, Virtualization Enhancements",
    needs: &[
        Need::Nvme,
        Need::Sriov,
        Need::SeveralVfs,
        Need::PfDriver,
        Need::NvmeCli,
        Need::ScratchNamespace,
    ],
    limit: Duration::from_mins(10),
    provokes: &[],
    findings: data_findings![DISTURBED],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let nsid = scratch(bench).await?;
    let mut drives = bare(bench, 2).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    for drive in &drives {
        bind(bench, drive).await?;
    }
    let disk = by_vf(bench, &drives[0], nsid).await?;
    let mut neighbour = drives.split_off(1);
    let stretch = Stretch {
        seed: fastrand::u32(..),
        first: 0,
        count: 8192,
        transfers: vec![8, 1, 64, 256],
    };
    // What nobody writes meanwhile must be there too.
    let at_rest = [Stretch {
        seed: fastrand::u32(..),
        first: stretch.count,
        ..stretch.clone()
    }];
    write(bench, "before", &disk, &at_rest).await?;
    let ordeal = async |bench: &mut Bench| ordeal(bench, &mut neighbour).await;
    let busy = bench.while_busy(&disk, &stretch, ordeal).await?;
    let unharmed = busy.failed.is_none() && busy.wrong == 0;
    require!(
        bench,
        unharmed && busy.blocks > 0,
        DISTURBED,
        "{} beside what befell its neighbour: {busy}",
        drives[0].vf.bdf
    );
    verify(bench, "after it", &disk, &at_rest).await
}

/// What befalls the neighbour.
async fn ordeal(bench: &mut Bench, neighbour: &mut [Drive]) -> Answer {
    let Some(drive) = neighbour.first() else {
        return Ok(());
    };
    let (vf, scid) = (drive.vf.bdf, drive.own.scid);
    let given = [drive.own.nvq, drive.own.nvi];
    unbind(bench, drive).await?;
    for method in bench.reset_methods(vf).await? {
        bench.reset_vf(vf, &method).await?;
    }
    bind(bench, drive).await?;
    unbind(bench, drive).await?;
    told(bench, Virtualization::offline(scid)).await?;
    for (resource, count) in Resource::ALL.into_iter().zip(given) {
        told(bench, Virtualization::assign(scid, resource, count)).await?;
    }
    online(bench, neighbour).await?;
    bind(bench, &neighbour[0]).await?;
    Ok(())
}
