//! Of two writers with different numbers at the same time exactly one wins; the other hears EBUSY.
//!
//! Source: Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_store`, which holds the device's lock from the
//! look at the count to its change.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS};
use harness::check::{Answer, Check, Finding};
use harness::creation_findings;
use harness::need::Need;
use nix::errno::Errno;

const BOTH_WON: Finding = Finding::device(
    "both-writers-won",
    "Two writers set different numbers of VFs at the same time and both were told that they succeeded.",
    "Replace the kernel or the out-of-tree driver that does not serialize writers of sriov_numvfs.",
);
const NOBODY_WON: Finding = Finding::device(
    "no-writer-won",
    "Two writers set different numbers of VFs at the same time and neither succeeded.",
    "If vf::create_one fails too, see there; else read the kernel log of this check and update the PF driver.",
);
const LOSER_NOT_BUSY: Finding = Finding::device(
    "losing-writer-not-busy",
    "The writer that came second was refused, but not with EBUSY.",
    "Read the kernel log of this check; the refusal should come from the PCI core, not from the driver.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::concurrent_writers",
    proves: "of two writers with different numbers at the same time exactly one wins, and the other hears EBUSY",
    source: "Linux 6.12 drivers/pci/iov.c, sriov_numvfs_store",
    needs: &[Need::Sriov, Need::SeveralVfs, Need::PfDriver],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS, BOTH_WON, NOBODY_WON, LOSER_NOT_BUSY],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    bench.remove_vfs().await?;
    bench.set_autoprobe(false).await?;
    let attempts = bench.attempt_numvfs_at_once([1, 2]).await?;
    let seen = format!(
        "1 VF: {}, 2 VFs: {}",
        attempts[0].answer(),
        attempts[1].answer()
    );
    match attempts.map(|attempt| attempt.error) {
        [None, None] => bench.assert(false, &BOTH_WON, seen),
        [Some(_), Some(_)] => bench.assert(false, &NOBODY_WON, seen),
        [None, Some(loser)] => won(bench, 1, loser, seen).await,
        [Some(loser), None] => won(bench, 2, loser, seen).await,
    }
}

async fn won(bench: &mut Bench, winner: u16, loser: Errno, seen: String) -> Answer {
    bench.assert(loser == Errno::EBUSY, &LOSER_NOT_BUSY, seen)?;
    bench.expect_vfs(winner).await
}
