//! Binding functions to drivers and taking them away.
//!
//! Source: Linux 6.12 drivers/base/bus.c, `bind_store` and `unbind_store`; drivers/base/dd.c,
//! `device_driver_attach`; drivers/pci/pci-driver.c, `pci_device_can_probe`.

use std::time::Duration;

use nix::errno::Errno;

use crate::pci::Bdf;
use crate::profile::Kind;

use super::agenda::FOR_EVER;
use super::fault::Fault;
use super::log::Level;
use super::tree::File;
use super::{Step, World, kstrto};

/// The driver that hands functions to guests.
pub(super) const VFIO: &str = "vfio-pci";
/// How long a PF driver takes to bind and to let go: assumed.
const PF_DRIVER: Duration = Duration::from_millis(300);

impl World {
    /// All drivers of the machine that can have to do with the device.
    pub(super) fn drivers(&self) -> Vec<String> {
        let mut drivers = self.model.drivers.to_vec();
        drivers.dedup();
        if !self.model.has(Fault::NoVfio) {
            drivers.push(VFIO.into());
        }
        drivers
    }

    /// Shows the drivers in sysfs.
    pub(super) fn publish_drivers(&mut self) {
        for driver in self.drivers() {
            let at = format!("/sys/bus/pci/drivers/{driver}");
            let module = driver.replace('-', "_");
            for name in ["bind", "unbind", "new_id", "remove_id"] {
                self.tree.file(&format!("{at}/{name}"), File::WRITE_ONLY);
            }
            self.tree.link(
                &format!("{at}/module"),
                format!("../../../../module/{module}"),
            );
            self.tree.link(
                &format!("/sys/module/{module}/drivers/pci:{driver}"),
                format!("../../../bus/pci/drivers/{driver}"),
            );
        }
    }

    /// A write to a driver's `bind`.
    pub(super) fn bind(&mut self, driver: &str, text: &str) -> Step {
        let model = &self.model;
        let found = self
            .device
            .functions()
            .find(|function| function.bdf.to_string() == kstrto::line(text));
        let Some(function) = found.filter(|function| function.matches(driver, model)) else {
            return Step::of(Err(Errno::ENODEV));
        };
        if function.driver.is_some() {
            return Step::of(Err(Errno::EBUSY));
        }
        let bdf = function.bdf;
        let result = self.probe(bdf, driver);
        Step {
            result,
            takes: self.driver_takes(bdf),
        }
    }

    fn driver_takes(&self, bdf: Bdf) -> Duration {
        if bdf == self.device.pf.bdf {
            PF_DRIVER
        } else {
            Duration::ZERO
        }
    }

    /// A write to a driver's `unbind`.
    pub(super) fn unbind(&mut self, driver: &str, text: &str) -> Step {
        let found = self
            .device
            .functions()
            .find(|function| function.bdf.to_string() == kstrto::line(text));
        let Some(function) = found.filter(|function| function.driver.as_deref() == Some(driver))
        else {
            return Step::of(Err(Errno::ENODEV));
        };
        let (bdf, stuck) = (function.bdf, function.stuck);
        if stuck {
            return Step {
                result: Ok(()),
                takes: FOR_EVER,
            };
        }
        if bdf == self.device.pf.bdf {
            return self.unbind_pf();
        }
        self.release(bdf);
        Step::of(Ok(()))
    }

    /// A write to `drivers_probe`: a function without a driver gets one, if one wants it.
    pub(super) fn rescan(&mut self, text: &str) -> Step {
        let found = self
            .device
            .functions()
            .find(|function| function.bdf.to_string() == kstrto::line(text));
        let Some(bdf) = found.map(|function| function.bdf) else {
            return Step::of(Err(Errno::ENODEV));
        };
        self.attach(bdf);
        Step {
            result: Ok(()),
            takes: self.driver_takes(bdf),
        }
    }

    /// A write to `driver_override` (drivers/base/driver.c, `driver_set_override`): up to the first
    /// newline; nothing, or a newline alone, lifts it.
    pub(super) fn override_driver(&mut self, bdf: Bdf, text: &str) -> Step {
        let name = text.split('\n').next().unwrap_or_default();
        if let Some(function) = self.device.function(bdf) {
            function.driver_override = (!name.is_empty()).then(|| name.to_owned());
        }
        self.publish(bdf);
        Step::of(Ok(()))
    }

    /// Offers a function to every driver. What a probe answers, nobody hears.
    pub(super) fn attach(&mut self, bdf: Bdf) {
        for driver in self.drivers() {
            let wanted = self.device.functions().any(|function| {
                function.bdf == bdf
                    && function.driver.is_none()
                    && function.matches(&driver, &self.model)
            });
            if wanted {
                let _ = self.probe(bdf, &driver);
            }
        }
    }

    /// A driver meets a function that it matches.
    fn probe(&mut self, bdf: Bdf, driver: &str) -> Result<(), Errno> {
        self.may_probe(bdf)?;
        if driver == VFIO {
            self.accept_vfio(bdf)?;
        } else {
            self.accept_own(bdf, driver)?;
        }
        let mac = self.new_mac(bdf);
        let (model, now, pf) = (&self.model, self.now, self.device.pf.bdf);
        let Some(function) = self.device.function(bdf) else {
            return Err(Errno::ENODEV);
        };
        function.driver = Some(driver.to_owned());
        function.interface = if driver == VFIO {
            None
        } else {
            function.new_interface(model, pf, mac, now)
        };
        if bdf == pf && driver != VFIO {
            self.lower_total();
        }
        self.publish(bdf);
        if bdf == pf && self.device.pf.interface.is_some() {
            self.interface_appeared();
        }
        Ok(())
    }

    fn may_probe(&self, bdf: Bdf) -> Result<(), Errno> {
        let overridden = self
            .device
            .functions()
            .any(|function| function.bdf == bdf && function.driver_override.is_some());
        let autoprobe = self.device.autoprobe || self.model.has(Fault::AutoprobeIgnored);
        if bdf == self.device.pf.bdf || autoprobe || overridden {
            Ok(())
        } else {
            Err(Errno::ENODEV)
        }
    }

    /// vfio-pci needs a group, and takes no PF that has VFs
    /// (drivers/vfio/group.c, `vfio_group_find_or_alloc`; drivers/vfio/pci/vfio_pci_core.c, `vfio_pci_core_register_device`).
    fn accept_vfio(&self, bdf: Bdf) -> Result<(), Errno> {
        match self.groups.of(bdf) {
            None => Err(Errno::EINVAL),
            Some(_) if bdf == self.device.pf.bdf && self.device.num_vfs > 0 => Err(Errno::EBUSY),
            Some(_) => Ok(()),
        }
    }

    /// The probe of the PF's or of a VF's own driver.
    fn accept_own(&mut self, bdf: Bdf, driver: &str) -> Result<(), Errno> {
        let refusal = if bdf == self.device.pf.bdf {
            self.device.history.binds += 1;
            // The first bind is that of the boot; of the others every other one fails.
            (self.model.has(Fault::ReloadLosesDriver)
                && self.device.history.binds.is_multiple_of(2))
            .then_some(Errno::EIO)
        } else if self.model.kind == Kind::Nvme {
            if self.is_online(bdf) && !self.model.has(Fault::NvmeVfNotReady) {
                return Ok(());
            }
            // A secondary controller is offline until it is given queues and vectors.
            self.say(
                Level::Error,
                "nvme nvme1: Device not ready; aborting initialisation, CSTS=0x2".into(),
            );
            return Err(Errno::EIO);
        } else {
            let dead = self
                .device
                .function(bdf)
                .is_some_and(|function| function.dead);
            (dead || self.model.has(Fault::VfDriverRefuses)).then_some(Errno::EIO)
        };
        let Some(errno) = refusal else { return Ok(()) };
        self.say(
            Level::Error,
            format!(
                "{driver} {bdf}: probe with driver {driver} failed with error {}",
                -(errno as i32)
            ),
        );
        Err(errno)
    }

    /// Whether the `NVMe` controller of a VF is online.
    fn is_online(&self, bdf: Bdf) -> bool {
        let vf = self.device.vfs.iter().find(|vf| vf.bdf == bdf);
        let index = vf.and_then(|vf| vf.index);
        index.is_some_and(|vf| self.device.controllers.is_online(vf))
    }

    /// `pci_sriov_set_totalvfs` refuses more than the hardware has, and any change while VFs are enabled.
    fn lower_total(&mut self) {
        let limit = self
            .model
            .lowers_to
            .filter(|limit| *limit <= self.model.hardware_vfs);
        if let Some(limit) = limit.filter(|_| self.device.num_vfs == 0) {
            self.device.total_vfs = limit;
        }
    }

    fn unbind_pf(&mut self) -> Step {
        let mut takes = PF_DRIVER;
        let driver = self.device.pf.driver.clone().unwrap_or_default();
        let leaves = self.model.row.leaves_vfs || self.model.has(Fault::ReloadKeepsVfs);
        if self.device.num_vfs > 0 && !leaves {
            takes += self.removal_takes();
            self.remove_vfs();
        }
        self.release(self.device.pf.bdf);
        self.device.total_vfs = self.model.hardware_vfs;
        if self.device.num_vfs > 0 {
            let pf = self.device.pf.bdf;
            self.say(
                Level::Warning,
                format!("{driver} {pf}: driver left SR-IOV enabled after remove"),
            );
        }
        self.publish_sriov();
        Step {
            result: Ok(()),
            takes,
        }
    }

    /// Takes the driver from a function.
    pub(super) fn release(&mut self, bdf: Bdf) {
        let Some(function) = self.device.function(bdf) else {
            return;
        };
        function.driver = None;
        let interface = function.interface.take();
        self.withdraw_binding(bdf, interface.as_ref());
        if let Some(interface) = interface {
            self.device
                .agenda
                .cancel(&super::agenda::Effect::Carrier(interface.name));
        }
    }
}
