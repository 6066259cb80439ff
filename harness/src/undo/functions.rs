//! Brings back the PF's driver, its virtual functions and their drivers.

use std::io;

use super::{bounded, write};
use crate::facts::{self, VfFacts};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// Binds the driver that was bound.
pub(super) async fn restore_driver(
    host: &dyn Host,
    bdf: Bdf,
    driver: Option<&str>,
) -> io::Result<()> {
    let bound = facts::driver_name(host, bdf).await?;
    if bound.as_deref() == driver {
        return Ok(());
    }
    if let Some(other) = bound {
        write(host, &sysfs::unbind(&other), &bdf.to_string()).await?;
    }
    if let Some(driver) = driver {
        write(host, &sysfs::bind(driver), &bdf.to_string()).await?;
        settle(host).await?;
    }
    Ok(())
}

/// A driver's new interface is renamed by udev; whoever restores it next must know its final name.
async fn settle(host: &dyn Host) -> io::Result<()> {
    bounded(
        "udevadm settle",
        host.run(&["udevadm", "settle", "--timeout=20"]),
    )
    .await
    .map(|_| ())
}

/// Has the VFs that there were, each with its driver, and autoprobe as it was.
pub(super) async fn restore_functions(
    host: &dyn Host,
    pf: Bdf,
    autoprobe: bool,
    vfs: &[VfFacts],
) -> io::Result<()> {
    let Some(now) = facts::sriov(host, pf).await? else {
        return Ok(());
    };
    let same = facts::vfs(host, pf)
        .await?
        .iter()
        .map(|vf| (vf.bdf, &vf.driver))
        .eq(vfs.iter().map(|vf| (vf.bdf, &vf.driver)));
    if !same {
        recreate(host, pf, now.numvfs, vfs).await?;
    }
    write(
        host,
        &sysfs::attribute(pf, "sriov_drivers_autoprobe"),
        if autoprobe { "1" } else { "0" },
    )
    .await
}

/// The kernel changes a count only by way of 0. Drivers are bound one by one afterwards, since
/// which driver a VF had need not be the one that autoprobe would choose.
async fn recreate(host: &dyn Host, pf: Bdf, now: u16, vfs: &[VfFacts]) -> io::Result<()> {
    let numvfs = sysfs::attribute(pf, "sriov_numvfs");
    if now != 0 {
        write(host, &numvfs, "0").await?;
    }
    if vfs.is_empty() {
        return Ok(());
    }
    write(host, &sysfs::attribute(pf, "sriov_drivers_autoprobe"), "0").await?;
    write(host, &numvfs, &vfs.len().to_string()).await?;
    for vf in vfs {
        if let Some(driver) = &vf.driver {
            rebind_vf(host, vf.bdf, driver).await?;
        }
    }
    Ok(())
}

/// With autoprobe off even an explicit bind is refused unless `driver_override` names the driver
/// (Linux 6.12 drivers/pci/pci-driver.c, `pci_device_can_probe`).
async fn rebind_vf(host: &dyn Host, vf: Bdf, driver: &str) -> io::Result<()> {
    let override_path = sysfs::attribute(vf, "driver_override");
    write(host, &override_path, driver).await?;
    write(host, &sysfs::bind(driver), &vf.to_string()).await?;
    if driver == "vfio-pci" {
        Ok(())
    } else {
        write(host, &override_path, "\n").await
    }
}
