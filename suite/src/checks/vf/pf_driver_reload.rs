//! The physical function's driver can be taken away while virtual functions exist and be given back,
//! and the device works as before.
//!
//! Only this PF is unbound: unloading the module would take other cards' network with it.
//!
//! Source: Linux 6.12 drivers/pci/iov.c, `pci_iov_remove`, which warns of a driver that leaves VFs
//! behind; `sriov_numvfs_store` for ENOENT without a driver.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS, VFS_REMAIN, Vf, listed};
use harness::check::{Answer, Check, Finding, Problem};
use harness::need::Need;
use harness::pci::Bdf;
use harness::profile::Kind;
use harness::{creation_findings, require};
use nix::errno::Errno;

const NOT_UNBOUND: Finding = Finding::device(
    "pf-driver-not-unbound",
    "The PF's driver could not be taken away.",
    "Read the kernel log of this check, and end whatever uses the device.",
);
const REMOVED_WITHOUT_DRIVER: Finding = Finding::device(
    "driverless-write-not-refused",
    "The VFs have outlived the PF's driver, and writing 0 was then not refused with ENOENT.",
    "Replace the kernel; without a driver nobody can remove the VFs in good order.",
);
const NOT_BOUND: Finding = Finding::device(
    "pf-driver-not-bound-again",
    "The PF's driver did not bind again after it was taken away.",
    "Read the kernel log of this check for the probe's error; a cold reboot revives the card; update its firmware and driver.",
);
const LIMIT_CHANGED: Finding = Finding::device(
    "limit-changed-by-reload",
    "The number of VFs allowed is another after the PF's driver was bound again.",
    "Read the kernel log of this check, and update the PF driver.",
);
const NO_INTERFACE: Finding = Finding::device(
    "pf-interface-lost-by-reload",
    "The PF's driver is bound again, but what it registers (a network interface, an NVMe controller) did not come back.",
    "Read the kernel log of this check for the probe's error, and update the firmware.",
);
const NO_CARRIER: Finding = Finding::device(
    "carrier-lost-by-reload",
    "The PF had a link before its driver was bound anew and has none since.",
    "Look at the link partner's port; update the firmware and the PF driver.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::pf_driver_reload",
    proves: "the PF's driver can be taken away while virtual functions exist and be given back",
    source: "Linux 6.12 drivers/pci/iov.c, pci_iov_remove",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(5),
    provokes: &[],
    findings: creation_findings![
        COUNT_DIFFERS,
        VFS_REMAIN,
        NOT_UNBOUND,
        REMOVED_WITHOUT_DRIVER,
        NOT_BOUND,
        LIMIT_CHANGED,
        NO_INTERFACE,
        NO_CARRIER
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

/// A card loads its firmware anew, and a link is negotiated anew.
const PATIENCE: Duration = Duration::from_mins(1);

async fn run(bench: &mut Bench) -> Answer {
    let (pf, driver) = (bench.pf(), bench.profile.driver.pf.clone());
    // First of all changes, so that it is undone last, when the driver has given the interface back
    // with an MTU and a state of its own choice.
    if let Some(net) = bench.facts.device.net.first() {
        bench.set_up(net.up).await?;
    }
    let vfs = bench.create_vfs(1).await?;
    let answer = bench.unbind(pf, &driver).await?.answer();
    let bound = bench.driver_of(pf).await?;
    require!(
        bench,
        bound.is_none(),
        NOT_UNBOUND,
        "unbinding {driver} from {pf}: {answer}, bound is {}",
        bound.as_deref().unwrap_or("none")
    );
    let kept = outlived(bench, &vfs).await?;
    let answer = bench.bind(pf, &driver).await?.answer();
    let bound = bench.wait_for_driver(pf, &driver, PATIENCE).await?;
    require!(
        bench,
        bound.as_ref() == Some(&driver),
        NOT_BOUND,
        "binding {driver} to {pf}: {answer}, bound within {} s: {}",
        PATIENCE.as_secs(),
        bound.as_deref().unwrap_or("none")
    );
    comes_back(bench, pf).await?;
    let (before, after) = (bench.limit(), bench.sriov().await?.totalvfs);
    require!(
        bench,
        before == after,
        LIMIT_CHANGED,
        "sriov_totalvfs was {before} and is {after}"
    );
    bench.expect_vfs(kept).await?;
    bench.create_vfs(1).await?;
    bench.expect_vfs(1).await
}

/// How many VFs are left without the PF's driver. The nvme driver does not remove them
/// (`nvme_remove` in drivers/nvme/host/pci.c does not disable SR-IOV); all others must.
async fn outlived(bench: &mut Bench, vfs: &[Vf]) -> Result<u16, Problem> {
    let left = bench.sriov().await?.numvfs;
    if bench.profile.kind == Kind::Nvme && left > 0 {
        let attempt = bench.attempt_numvfs("0").await?;
        require!(
            bench,
            attempt.error == Some(Errno::ENOENT),
            REMOVED_WITHOUT_DRIVER,
            "0 VFs without a driver: {}",
            attempt.answer()
        );
        bench.expect_vfs(left).await?;
        return Ok(left);
    }
    let gone: Vec<_> = vfs.iter().map(|vf| vf.bdf).collect();
    bench.expect_gone(&gone).await?;
    bench.expect_vfs(0).await?;
    Ok(0)
}

async fn comes_back(bench: &mut Bench, pf: Bdf) -> Answer {
    let before = bench.facts.device.net.first().cloned();
    let class = if bench.profile.kind == Kind::Nvme {
        "nvme"
    } else {
        "net"
    };
    let names = bench.wait_for_class(pf, class, PATIENCE).await?;
    require!(
        bench,
        !names.is_empty(),
        NO_INTERFACE,
        "{class} devices of {pf} within {} s after its driver was bound: {}",
        PATIENCE.as_secs(),
        listed(&names)
    );
    bench.settle().await?;
    if before.as_ref().is_some_and(|net| net.up) {
        bench.set_up(true).await?;
    }
    if before.is_some_and(|net| net.carrier == Some(true)) {
        let link = bench.wait_for_carrier(PATIENCE).await?;
        require!(
            bench,
            link,
            NO_CARRIER,
            "{pf} {} a link within {} s after its driver was bound",
            if link { "has" } else { "has not got" },
            PATIENCE.as_secs()
        );
    }
    Ok(())
}
