//! How a change is changed back. Plain data: it goes into the journal before the change is made.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::facts::{self, VfFacts};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// How long one step of an undo may take. Longer than a check waits: the kernel may still be at
/// what a check has given up on, and what follows has to wait for it.
const STEP_LIMIT: Duration = Duration::from_secs(90);

/// How to bring back one thing as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// The PF's driver, its virtual functions and their drivers.
    Functions {
        /// The PF.
        pf: Bdf,
        /// Its driver.
        driver: Option<String>,
        /// `sriov_drivers_autoprobe`.
        autoprobe: bool,
        /// Its VFs.
        vfs: Vec<VfFacts>,
    },
    /// A function's first network interface, found by its device since a new driver may name it anew.
    Link {
        /// The device.
        bdf: Bdf,
        /// Whether it was up.
        up: bool,
        /// Its MTU in bytes.
        mtu: u32,
    },
}

impl Undo {
    /// What it is about. One change per subject is enough: the first knows the original.
    pub fn subject(&self) -> String {
        match self {
            Self::Functions { pf, .. } => format!("functions of {pf}"),
            Self::Link { bdf, .. } => format!("link of {bdf}"),
        }
    }

    /// Brings it back. Does nothing where it is already as it was.
    pub async fn apply(&self, host: &dyn Host) -> io::Result<()> {
        match self {
            Self::Functions {
                pf,
                driver,
                autoprobe,
                vfs,
            } => {
                restore_driver(host, *pf, driver.as_deref()).await?;
                restore_functions(host, *pf, *autoprobe, vfs).await
            }
            Self::Link { bdf, up, mtu } => restore_link(host, *bdf, *up, *mtu).await,
        }
    }
}

async fn restore_driver(host: &dyn Host, bdf: Bdf, driver: Option<&str>) -> io::Result<()> {
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

async fn restore_functions(
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

async fn restore_link(host: &dyn Host, bdf: Bdf, up: bool, mtu: u32) -> io::Result<()> {
    // The first, as the bench changes no other.
    let Some(net) = facts::net(host, bdf).await?.into_iter().next() else {
        return Ok(());
    };
    if net.mtu != mtu {
        ip(host, &net.name, &["mtu", &mtu.to_string()]).await?;
    }
    if net.up != up {
        ip(host, &net.name, &[if up { "up" } else { "down" }]).await?;
    }
    Ok(())
}

async fn ip(host: &dyn Host, name: &str, setting: &[&str]) -> io::Result<()> {
    let argv = [&["ip", "link", "set", "dev", name], setting].concat();
    let output = bounded(&argv.join(" "), host.run(&argv)).await?;
    if output.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "`{}`: {}",
            argv.join(" "),
            output.stderr
        )))
    }
}

async fn write(host: &dyn Host, path: &str, value: &str) -> io::Result<()> {
    let what = format!("echo {} > {path}", value.trim());
    bounded(&what, host.write(path, value.as_bytes())).await
}

async fn bounded<T>(what: &str, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(STEP_LIMIT, step).await {
        Ok(result) => {
            result.map_err(|error| io::Error::new(error.kind(), format!("{what}: {error}")))
        }
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("{what}: no answer within {} s", STEP_LIMIT.as_secs()),
        )),
    }
}
