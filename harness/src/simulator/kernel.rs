//! Which part of the kernel takes a write, and who has to wait for the device lock.

use nix::errno::Errno;
use tokio::time::Instant;

use crate::pci::Bdf;

use super::fault::Fault;
use super::tree::File;
use super::{Step, Turn, World, kstrto};

/// A file that the kernel takes writes to.
enum Target<'a> {
    KernelLog,
    DriversProbe,
    Bind(&'a str),
    Unbind(&'a str),
    Attribute(Bdf, &'a str),
    /// Has the driver of a controller look for namespaces.
    RescanNamespaces(Bdf),
    /// A file of sysfs or procfs without a `store`.
    ReadOnly,
    /// A file on disk.
    Plain,
}

impl<'a> Target<'a> {
    /// `path` has no links in it.
    fn of(path: &'a str) -> Self {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match parts.as_slice() {
            ["dev", "kmsg"] => Self::KernelLog,
            ["sys", "bus", "pci", "drivers_probe"] => Self::DriversProbe,
            ["sys", "bus", "pci", "drivers", driver, "bind"] => Self::Bind(driver),
            ["sys", "bus", "pci", "drivers", driver, "unbind"] => Self::Unbind(driver),
            ["sys", "devices", .., folder, "nvme", _, "rescan_controller"] => {
                match folder.parse() {
                    Ok(bdf) => Self::RescanNamespaces(bdf),
                    Err(_) => Self::ReadOnly,
                }
            }
            ["sys", "devices", .., folder, name] => match folder.parse() {
                Ok(bdf) => Self::Attribute(bdf, name),
                Err(_) => Self::ReadOnly,
            },
            ["sys" | "proc", ..] => Self::ReadOnly,
            _ => Self::Plain,
        }
    }

    /// The function that it is about.
    fn function(&self, text: &str) -> Option<Bdf> {
        match self {
            Self::Attribute(bdf, _) | Self::RescanNamespaces(bdf) => Some(*bdf),
            Self::Bind(_) | Self::Unbind(_) | Self::DriversProbe => kstrto::line(text).parse().ok(),
            Self::KernelLog | Self::ReadOnly | Self::Plain => None,
        }
    }

    /// Whether it takes the PF's device lock.
    fn locks(&self, text: &str, pf: Bdf) -> bool {
        let is_pf = self.function(text) == Some(pf);
        match self {
            Self::RescanNamespaces(_) => false,
            Self::Attribute(_, name) => {
                is_pf && ["sriov_numvfs", "reset", "driver_override"].contains(name)
            }
            _ => is_pf,
        }
    }

    fn is_numvfs(&self, pf: Bdf) -> bool {
        matches!(self, Self::Attribute(bdf, "sriov_numvfs") if *bdf == pf)
    }
}

impl World {
    /// A `write(2)` to an open file of that path.
    pub(super) fn write(&mut self, path: &str, data: &[u8]) -> Result<Turn<()>, Errno> {
        let path = self.tree.canonical_file(path)?;
        let target = Target::of(&path);
        if data.is_empty() {
            // fs/sysfs/file.c, `sysfs_kf_write`: nothing written is nothing done.
            return Ok(Turn::Over(self.now, Ok(())));
        }
        let bdf = target.function(kstrto::text(data));
        self.at(bdf.unwrap_or(self.device.pf.bdf), |world| {
            world.written(&target, &path, data)
        })
    }

    fn written(&mut self, target: &Target<'_>, path: &str, data: &[u8]) -> Result<Turn<()>, Errno> {
        let (text, pf) = (kstrto::text(data), self.device.pf.bdf);
        let numvfs = target.is_numvfs(pf);
        let asked = if numvfs { self.numvfs_asked(text)? } else { 0 };
        let races = numvfs && self.model.has(Fault::WritersBothWin);
        let locks = target.locks(text, pf) && !races;
        if let Some(until) = self.device.agenda.locked(self.now).filter(|_| locks) {
            return Ok(Turn::Wait(until));
        }
        let step = if numvfs {
            self.numvfs_store(asked)
        } else {
            self.store(target, path, text, data)
        };
        let over = self.now + step.takes;
        if target.locks(text, pf) {
            self.device.agenda.lock(over);
        }
        Ok(Turn::Over(over, step.result))
    }

    /// A file on disk is replaced or removed; the kernel's own file systems let nobody do that.
    pub(super) fn put(&mut self, path: &str, content: Option<&[u8]>) -> Result<(), Errno> {
        if !matches!(Target::of(path), Target::Plain) {
            return Err(Errno::EPERM);
        }
        if let Some(content) = content {
            let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
            self.tree.list(folder)?;
            if self.model.has(Fault::DiskFull) && path.ends_with(".kernel") {
                return Err(Errno::ENOSPC);
            }
            self.tree.file(path, File::Bytes(content.into()));
        } else {
            // With what a cut-off replacement may have left of it.
            self.tree.remove(&format!("{path}.new"));
            self.tree.remove(path);
        }
        Ok(())
    }

    fn store(&mut self, target: &Target<'_>, path: &str, text: &str, data: &[u8]) -> Step {
        match *target {
            Target::KernelLog => {
                let uptime = self.uptime();
                self.log.written(uptime, text);
            }
            Target::DriversProbe => return self.rescan(text),
            Target::Bind(driver) => return self.bind(driver, text),
            Target::Unbind(driver) => return self.unbind(driver, text),
            Target::Attribute(bdf, name) => return self.store_attribute(bdf, name, text),
            Target::RescanNamespaces(bdf) => self.show_namespaces(bdf),
            Target::ReadOnly => return Step::of(Err(Errno::EACCES)),
            Target::Plain => self.tree.file(path, File::Bytes(data.into())),
        }
        Step::of(Ok(()))
    }

    fn store_attribute(&mut self, bdf: Bdf, name: &str, text: &str) -> Step {
        match name {
            "sriov_drivers_autoprobe" => self.set_autoprobe(text),
            "driver_override" => self.override_driver(bdf, text),
            "reset_method" => self.choose_reset(bdf, text),
            "reset" => self.reset(bdf, text),
            _ => Step::of(Err(Errno::EACCES)),
        }
    }

    /// drivers/pci/iov.c, `sriov_drivers_autoprobe_store`.
    fn set_autoprobe(&mut self, text: &str) -> Step {
        let truth = kstrto::truth(text);
        if let Ok(on) = truth {
            self.device.autoprobe = on;
            self.publish_sriov();
        }
        Step::of(truth.map(drop))
    }

    /// A `read(2)`. Reading `sriov_numvfs` waits for the device lock (`sriov_numvfs_show`).
    pub(super) fn read(&self, path: &str) -> Result<Turn<Vec<u8>>, Errno> {
        let real = self.tree.canonical_file(path)?;
        let target = Target::of(&real);
        let mut devices = self.devices();
        let locks = devices.find(|device| target.is_numvfs(device.pf.bdf));
        match locks.and_then(|device| device.agenda.locked(self.now)) {
            Some(until) => Ok(Turn::Wait(until)),
            None => Ok(Turn::Over(self.now, self.tree.read(&real))),
        }
    }

    /// Brings the world to the present.
    pub(super) fn catch_up(&mut self, now: Instant) {
        while let Some((pf, time, effect)) = self.due(now) {
            self.now = time;
            self.at(pf, |world| world.happen(&effect));
        }
        self.now = now;
    }
}
