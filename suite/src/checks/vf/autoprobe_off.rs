//! With autoprobe off virtual functions come without a driver and take none, except the one that
//! `driver_override` names: so a VF can be kept for a guest.
//!
//! Source: Linux 6.12 drivers/pci/pci-driver.c, `pci_device_can_probe`;
//! Documentation/ABI/testing/sysfs-bus-pci, `sriov_drivers_autoprobe`.

use std::time::Duration;

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::pci::Bdf;
use harness::profile::Kind;
use harness::{creation_findings, require};
use nix::errno::Errno;

const IGNORED: Finding = Finding::device(
    "autoprobe-ignored",
    "A driver was bound to a VF although sriov_drivers_autoprobe is 0; the host would use what is meant for a guest.",
    "Look for a udev rule or a service that binds drivers (driverctl list-overrides), and remove it.",
);
const BIND_NOT_REFUSED: Finding = Finding::device(
    "bind-not-refused",
    "With sriov_drivers_autoprobe at 0 a bind without driver_override was not refused with ENODEV.",
    "Load the VF driver if the answer was ENOENT; else replace the kernel or the out-of-tree driver.",
);
const OVERRIDE_REFUSED: Finding = Finding::device(
    "override-refused",
    "The driver that driver_override names did not bind to the VF. VFIO is bound the same way.",
    "See vf::driver_binds; if that passes, read the kernel log of this check.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::autoprobe_off",
    proves: "with autoprobe off virtual functions take no driver, except the one that driver_override names",
    source: "Linux 6.12 Documentation/ABI/testing/sysfs-bus-pci, sriov_drivers_autoprobe",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![IGNORED, BIND_NOT_REFUSED, OVERRIDE_REFUSED],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let (driver, kind) = (bench.profile.driver.vf.clone(), bench.profile.kind);
    for vf in bench.create_bare_vfs(bench.few()).await? {
        let bound = vf.driver.as_deref().unwrap_or("none");
        require!(
            bench,
            vf.driver.is_none(),
            IGNORED,
            "driver of {} with autoprobe off: {bound}",
            vf.bdf
        );
        let attempt = bench.bind(vf.bdf, &driver).await?;
        let answer = attempt.answer();
        require!(
            bench,
            attempt.error == Some(Errno::ENODEV),
            BIND_NOT_REFUSED,
            "binding {driver} to {}: {answer}",
            vf.bdf
        );
        // An NVMe VF has no queues yet, so its driver would give up on it.
        if kind == Kind::Nic {
            accepted(bench, vf.bdf, &driver).await?;
        }
    }
    Ok(())
}

async fn accepted(bench: &mut Bench, vf: Bdf, driver: &str) -> Answer {
    bench.override_driver(vf, driver).await?;
    let answer = bench.bind(vf, driver).await?.answer();
    let bound = bench.driver_of(vf).await?;
    let text = format!(
        "binding {driver} to {vf} with driver_override: {answer}, bound is {}",
        bound.as_deref().unwrap_or("none")
    );
    bench.assert(bound.as_deref() == Some(driver), &OVERRIDE_REFUSED, text)
}
