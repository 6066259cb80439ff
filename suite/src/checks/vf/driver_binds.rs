//! The virtual functions' driver binds to each, and each gets a network interface.
//!
//! Source: RHEL 9, 14.7.2, step 3; the driver's name is the profile's.

use std::time::Duration;

use harness::bench::{Bench, listed};
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::pci::Bdf;
use harness::{creation_findings, require};

/// No driver for a VF.
pub const NOT_BOUND: Finding = Finding::device(
    "vf-driver-not-bound",
    "The VF driver did not bind to a VF. Usual causes: the driver is not installed or denylisted, or its probe failed.",
    "Run `modprobe` for the driver, look for it in /etc/modprobe.d, install kernel-modules-extra; the kernel log of this check has the probe's error.",
)
.on_debian(
    "Run `modprobe` for the driver, look for it in /etc/modprobe.d, install linux-image with its modules; the kernel log of this check has the probe's error.",
);
/// No interface for a VF.
pub const NO_INTERFACE: Finding = Finding::device(
    "vf-without-interface",
    "The VF driver is bound, but the VF has no network interface: the driver waits for the PF or for the firmware.",
    "Bring the PF's interface up, and compare the versions of the PF driver, the VF driver and the firmware with the vendor's list.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::driver_binds",
    proves: "the virtual functions' driver binds to each, and each gets a network interface",
    source: "RHEL 9, 14.7.2, step 3",
    needs: &[Need::Nic, Need::VfDriver, Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(4),
    provokes: &[],
    findings: creation_findings![NOT_BOUND, NO_INTERFACE],
    parts: &[|bench| Box::pin(run(bench))],
};

/// iavf asks the PF over a mailbox first; under emulation that takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

async fn run(bench: &mut Bench) -> Answer {
    bench.set_autoprobe(true).await?;
    for vf in bench.create_vfs(bench.few()).await? {
        expect_ready(bench, vf.bdf).await?;
    }
    Ok(())
}

/// Requires that a VF gets its driver and its network interface.
pub async fn expect_ready(bench: &mut Bench, vf: Bdf) -> Answer {
    let driver = bench.profile.driver.vf.clone();
    let bound = bench.wait_for_driver(vf, &driver, PATIENCE).await?;
    let bound = bound.as_deref().unwrap_or("none");
    require!(
        bench,
        bound == driver,
        NOT_BOUND,
        "{driver} {} bound to {vf} within {} s; bound: {bound}",
        if bound == driver { "was" } else { "was not" },
        PATIENCE.as_secs()
    );
    let interfaces = bench.wait_for_class(vf, "net", PATIENCE).await?;
    require!(
        bench,
        !interfaces.is_empty(),
        NO_INTERFACE,
        "interfaces of {vf} within {} s after {driver} was bound: {}",
        PATIENCE.as_secs(),
        listed(&interfaces)
    );
    Ok(())
}
