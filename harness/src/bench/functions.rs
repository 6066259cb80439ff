//! Virtual functions, in verbs: create, look at, remove.

use std::time::Duration;

use nix::errno::Errno;

use super::{Attempt, Bench};
use crate::facts::{self, SriovFacts, VfFacts};
use crate::finding::{Finding, Problem};
use crate::pci::Bdf;
use crate::profile::Kind;
use crate::sysfs;
use crate::undo::Undo;

/// A virtual function as it was found.
pub type Vf = VfFacts;

/// How long udev may take over the new devices of one write.
const SETTLE: Duration = Duration::from_secs(20);

/// The driver ran out of vectors or queues.
pub const OUT_OF_VECTORS: Finding = Finding::device(
    "vectors-or-queues-exhausted",
    "The driver found too few interrupt vectors or queues for that many VFs (ENOSPC).",
    "Give the PF fewer queues (`ethtool -L`), enable x2APIC and interrupt remapping, or claim fewer VFs.",
);
/// There is no room for the VFs above the device.
pub const NO_WINDOW: Finding = Finding::device(
    "no-room-for-vfs",
    "The bus numbers or the MMIO window above the device do not suffice for that many VFs (ENOMEM).",
    "Enable `SR-IOV`, `ARI` and `Above 4G decoding` in the firmware setup; else boot with `pci=realloc,assign-busses`: \
     grubby --args=pci=realloc,assign-busses --update-kernel=ALL",
)
.on_debian(
    "Enable `SR-IOV`, `ARI` and `Above 4G decoding` in the firmware setup; else add `pci=realloc,assign-busses` to GRUB_CMDLINE_LINUX \
     in /etc/default/grub, run update-grub and reboot.",
);
/// Nobody is there who could create VFs.
pub const NO_CONFIGURE: Finding = Finding::device(
    "driver-without-sriov",
    "No driver is bound to the PF, or it cannot create VFs (ENOENT).",
    "Bind the driver of the profile; a driver built without CONFIG_PCI_IOV support must be replaced by the distribution's.",
);
/// VFs are there although they were removed.
pub const STILL_ENABLED: Finding = Finding::device(
    "vfs-still-enabled",
    "The kernel counts VFs as enabled although 0 was written before (EBUSY).",
    "Look for another writer (a udev rule, a CNI operator, a boot script) and stop it.",
);
/// The driver refused for a reason of its own.
pub const REFUSED_BY_DRIVER: Finding = Finding::device(
    "refused-by-driver",
    "The driver refused to create that many VFs. Usual causes: a firmware or BIOS limit on the number of VFs, the PF being down (bnx2x), \
     a missing firmware package (ice), a queue or traffic-class configuration (ixgbe, i40e).",
    "Read the kernel log of this check; compare the limit in the card's firmware (mlxconfig, sfboot, HII) with the profile.",
);
/// Not as many VFs are shown as were created.
pub const FEWER_THAN_ASKED: Finding = Finding::device(
    "fewer-vfs-than-asked",
    "The write succeeded, but the kernel does not show that many VFs.",
    "Read the kernel log of this check; a driver that enables fewer says so there.",
);

/// The findings of a check that creates VFs: those of creating, and its own.
#[macro_export]
macro_rules! creation_findings {
    ($($own:expr),+ $(,)?) => {
        &[
            &$crate::bench::BLOCKED,
            &$crate::bench::OUT_OF_VECTORS,
            &$crate::bench::NO_WINDOW,
            &$crate::bench::NO_CONFIGURE,
            &$crate::bench::STILL_ENABLED,
            &$crate::bench::REFUSED_BY_DRIVER,
            &$crate::bench::FEWER_THAN_ASKED,
            $(&$own),+
        ]
    };
}

fn explain(errno: Errno) -> &'static Finding {
    match errno {
        Errno::ENOSPC => &OUT_OF_VECTORS,
        Errno::ENOMEM => &NO_WINDOW,
        Errno::ENOENT => &NO_CONFIGURE,
        Errno::EBUSY => &STILL_ENABLED,
        _ => &REFUSED_BY_DRIVER,
    }
}

impl Bench {
    /// The PF's address.
    pub fn pf(&self) -> Bdf {
        self.facts.device.bdf
    }

    /// The most VFs the kernel allows (`sriov_totalvfs`).
    pub fn limit(&self) -> u16 {
        self.facts.device.sriov.map_or(0, |sriov| sriov.totalvfs)
    }

    /// Creates that many VFs, beginning at none, and waits until udev is done with them. An `NVMe`
    /// VF has no queues yet, so its driver is kept away: its probe would only run into a time-out.
    pub async fn create_vfs(&mut self, count: u16) -> Result<Vec<Vf>, Problem> {
        self.remove_vfs().await?;
        if self.profile.kind == Kind::Nvme {
            self.set_autoprobe(false).await?;
        }
        let attempt = self.attempt_numvfs(&count.to_string()).await?;
        self.created(count, attempt)?;
        self.settle().await?;
        let vfs = self.vfs().await?;
        let found = vfs.len();
        self.assert(
            found == usize::from(count),
            &FEWER_THAN_ASKED,
            format!("asked for {}, found {found}", counted(count)),
        )?;
        Ok(vfs)
    }

    /// As [`Bench::create_vfs`], but keeps drivers away from the VFs: for what is true of a VF
    /// without one, and where probing a hundred drivers would only cost time.
    pub async fn create_bare_vfs(&mut self, count: u16) -> Result<Vec<Vf>, Problem> {
        self.set_autoprobe(false).await?;
        self.create_vfs(count).await
    }

    fn created(&mut self, count: u16, attempt: Attempt) -> Result<(), Problem> {
        if let Some(errno) = attempt.error {
            let message = format!("creating {} was refused: {errno}", counted(count));
            return Err(Problem::Found {
                finding: explain(errno),
                message,
            });
        }
        self.log
            .timed(format!("creating {}", counted(count)), attempt.took);
        Ok(())
    }

    /// Removes all VFs, where there are any.
    pub async fn remove_vfs(&mut self) -> Result<(), Problem> {
        if self.sriov().await?.numvfs == 0 {
            return Ok(());
        }
        let attempt = self.attempt_numvfs("0").await?;
        if let Some(errno) = attempt.error {
            let message = format!("removing the VFs was refused: {errno}");
            return Err(Problem::Found {
                finding: &STILL_ENABLED,
                message,
            });
        }
        self.log.timed("removing the VFs".into(), attempt.took);
        Ok(())
    }

    /// The VFs there are now.
    pub async fn vfs(&mut self) -> Result<Vec<Vf>, Problem> {
        let vfs = facts::vfs(self.host.as_ref(), self.pf()).await?;
        let list: Vec<_> = vfs.iter().map(|vf| vf.bdf.to_string()).collect();
        self.log.step(format!(
            "$ readlink {}/virtfn*\n{}",
            sysfs::device(self.pf()),
            list.join("\n")
        ))?;
        Ok(vfs)
    }

    /// What sysfs says of SR-IOV now.
    pub async fn sriov(&mut self) -> Result<SriovFacts, Problem> {
        let sriov = facts::sriov(self.host.as_ref(), self.pf()).await?;
        let sriov =
            sriov.ok_or_else(|| anyhow::anyhow!("{} no longer shows sriov_totalvfs", self.pf()))?;
        self.log.step(format!(
            "$ grep . {}/sriov_*\n{sriov:?}",
            sysfs::device(self.pf())
        ))?;
        Ok(sriov)
    }

    /// Lets the kernel bind drivers to new VFs, or keeps it from doing so.
    pub async fn set_autoprobe(&mut self, on: bool) -> Result<(), Problem> {
        let path = sysfs::attribute(self.pf(), "sriov_drivers_autoprobe");
        let undo = self.functions_undo();
        self.write(&path, if on { "1" } else { "0" }, undo).await
    }

    /// Waits until udev has handled all events, as far as there is a udev.
    pub async fn settle(&mut self) -> Result<(), Problem> {
        let timeout = format!("--timeout={}", SETTLE.as_secs());
        let output = self.look(&["udevadm", "settle", &timeout]).await?;
        if output.success() {
            Ok(())
        } else {
            Err(anyhow::anyhow!(
                "udev was not done within {} s: {}",
                SETTLE.as_secs(),
                output.stderr
            )
            .into())
        }
    }

    pub(super) fn functions_undo(&self) -> Undo {
        let device = &self.facts.device;
        Undo::Functions {
            pf: device.bdf,
            driver: device.driver.as_ref().map(|driver| driver.name.clone()),
            autoprobe: device.sriov.is_none_or(|sriov| sriov.drivers_autoprobe),
            vfs: device.vfs.clone(),
        }
    }
}

/// That many VFs, in words.
fn counted(count: u16) -> String {
    format!("{count} VF{}", if count == 1 { "" } else { "s" })
}
