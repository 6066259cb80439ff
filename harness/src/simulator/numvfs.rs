//! `sriov_numvfs`: the PCI core's and the PF driver's part, in the kernel's order.
//!
//! Source: Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_store`, `sriov_enable` and `sriov_disable`.

use std::time::Duration;

use nix::errno::Errno;

use super::agenda::{Effect, FOR_EVER};
use super::binding::VFIO;
use super::fault::Fault;
use super::function::Function;
use super::log::Level;
use super::{Step, World, config_space, kstrto};

/// What the core sleeps after it has set VF Enable, and after it has cleared it.
const ENABLE: Duration = Duration::from_millis(100);
const DISABLE: Duration = Duration::from_secs(1);
/// How long [`Fault::RemovalHangs`] lasts: longer than anyone waits, and not for ever.
const HANG: Duration = Duration::from_secs(45);
/// How many creations in a row [`Fault::CycleWearsOut`] survives.
const WEAR: u32 = 3;
/// What has rested for so long begins anew.
const REST: Duration = Duration::from_secs(5);

impl World {
    /// What a write asks for: all that the kernel tests before it takes the device lock.
    pub(super) fn numvfs_asked(&self, text: &str) -> Result<u16, Errno> {
        let number = if self.model.has(Fault::GarbageAccepted) {
            Ok(sloppy(text))
        } else {
            kstrto::number(text)
        };
        let asked = number
            .ok()
            .and_then(|number| u16::try_from(number).ok())
            .ok_or(Errno::EINVAL)?;
        if asked <= self.device.total_vfs {
            Ok(asked)
        } else if self.model.has(Fault::TooManyAccepted) {
            Ok(self.device.num_vfs)
        } else {
            Err(Errno::ERANGE)
        }
    }

    /// The rest, under the device lock.
    pub(super) fn numvfs_store(&mut self, count: u16) -> Step {
        let enabled = self.device.num_vfs;
        if count == enabled {
            return Step::of(if self.model.has(Fault::SameCountRefused) {
                Err(Errno::EBUSY)
            } else {
                Ok(())
            });
        }
        let Some(driver) = self.device.pf.driver.clone() else {
            self.tell(
                Level::Info,
                "no driver bound to device; cannot configure SR-IOV",
            );
            return Step::of(Err(Errno::ENOENT));
        };
        if self.model.has(Fault::DriverWithoutSriov) {
            self.tell(
                Level::Info,
                "driver does not support SR-IOV configuration via sysfs",
            );
            return Step::of(Err(Errno::ENOENT));
        }
        if driver == VFIO {
            // Its parameter enable_sriov is N (drivers/vfio/pci/vfio_pci.c, `vfio_pci_sriov_configure`).
            return Step::of(Err(Errno::ENOENT));
        }
        if count == 0 && self.refuses_while_down() {
            return Step::of(Err(Errno::EINVAL));
        }
        if count == 0 {
            return self.remove_by_driver();
        }
        if enabled > 0 && !self.model.has(Fault::ChangeAccepted) {
            if self.model.has(Fault::RefusedChangeLosesVf) {
                self.take_from_guests();
            }
            self.tell(
                Level::Warning,
                &format!("{enabled} VFs already enabled. Disable before enabling {count} VFs"),
            );
            return Step::of(Err(Errno::EBUSY));
        }
        if self.refuses_while_down() {
            return Step::of(Err(Errno::EINVAL));
        }
        self.create_by_driver(&driver, count)
    }

    /// Whether the driver refuses any change of the number because the PF is down, as bnx2x does.
    fn refuses_while_down(&self) -> bool {
        let up = self
            .device
            .pf
            .interface
            .as_ref()
            .is_some_and(|interface| interface.up);
        self.model.row.needs_up && !up
    }

    /// The PF driver's `sriov_configure` with a count.
    fn create_by_driver(&mut self, driver: &str, count: u16) -> Step {
        let (row, pf) = (self.model.row, self.device.pf.bdf);
        let refusal = match self.model.fault {
            Some(Fault::CreationOutOfVectors) => Some(Errno::ENOSPC),
            Some(Fault::MaximumRefused) if count == self.device.total_vfs => Some(row.refusal),
            _ => None,
        };
        if let Some(errno) = refusal {
            self.say(
                Level::Error,
                format!(
                    "{driver} {pf}: Failed to enable {count} VFs: {}",
                    -(errno as i32)
                ),
            );
            return Step::of(Err(errno));
        }
        let enabled = count - u16::from(self.falls_short(count));
        self.say(
            Level::Info,
            format!("{driver} {pf}: {enabled} VFs allocated"),
        );
        let step = self.enable(enabled);
        if step.result.is_ok() && enabled != count {
            self.tell(
                Level::Warning,
                &format!("{count} VFs requested; only {enabled} enabled"),
            );
        }
        Step {
            takes: step.takes + row.takes[0],
            ..step
        }
    }

    /// Whether the driver makes one VF less than it was asked for.
    fn falls_short(&mut self, count: u16) -> bool {
        let history = &mut self.device.history;
        let (before, times) = history.rounds;
        let rested = history.round.is_none_or(|last| self.now - last > REST);
        history.round = Some(self.now);
        // One VF is too little to wear anything out.
        history.rounds = match (
            self.device.autoprobe && count > 1,
            before == count && !rested,
        ) {
            (true, true) => (count, times + 1),
            (true, false) => (count, 1),
            (false, _) => (0, 0),
        };
        let worn = self.model.has(Fault::CycleWearsOut) && history.rounds.1 > WEAR;
        worn || self.model.has(Fault::OneVfShort)
    }

    /// The core's `sriov_enable`.
    fn enable(&mut self, count: u16) -> Step {
        let Some(last) = count.checked_sub(1) else {
            return Step::of(Ok(()));
        };
        if self.model.has(Fault::VfBarsUnassigned) {
            self.tell(Level::Error, "not enough MMIO resources for SR-IOV");
            return Step::of(Err(Errno::ENOMEM));
        }
        let pf = self.device.pf.bdf;
        let [first_bus, last_bus] = self.model.buses(pf);
        let bus = self.model.vf(pf, last).map_or(u8::MAX, |vf| vf.bus);
        if bus > last_bus {
            let range = if first_bus == last_bus {
                format!("{first_bus:02x}")
            } else {
                format!("{first_bus:02x}-{last_bus:02x}")
            };
            self.tell(
                Level::Error,
                &format!("can't enable {count} VFs (bus {bus:02x} out of range of [bus {range}])"),
            );
            return Step::of(Err(Errno::ENOMEM));
        }
        if self.model.has(Fault::CreationOutOfMemory) {
            return Step {
                result: Err(Errno::ENOMEM),
                takes: ENABLE + DISABLE,
            };
        }
        config_space::enable_vfs(&mut self.device.config, count);
        self.publish_sriov();
        self.device
            .agenda
            .at(self.now + ENABLE, Effect::AddVfs(count));
        self.reset_pf();
        Step {
            result: Ok(()),
            takes: ENABLE,
        }
    }

    /// The core's `sriov_add_vfs`, once the hardware had its time.
    pub(super) fn add_vfs(&mut self, count: u16) {
        self.drop_vfs();
        config_space::enable_vfs(&mut self.device.config, count);
        self.device.history.enables += 1;
        // As most warnings do, it comes once a boot (`WARN_ON_ONCE`).
        if self.model.has(Fault::KernelWarns) && self.enables() == 1 {
            self.warn_of_creation();
        }
        for index in 0..count {
            let Some(bdf) = self.model.vf(self.device.pf.bdf, index) else {
                break;
            };
            let [vendor, device] = [self.model.ids.vendor, self.model.vf_device];
            let class = self.model.class();
            self.say(Level::Info, format!("pci {bdf}: [{vendor:04x}:{device:04x}] type 00 class {class:#08x} PCIe Endpoint"));
            let vf = Function::new(&self.model, bdf, Some(index), self.now);
            self.device.vfs.push(vf);
            self.publish_vf(usize::from(index));
            self.attach(bdf);
        }
        self.device.num_vfs = count;
        self.publish_sriov();
    }

    /// How often VFs were enabled since boot, on whatever device.
    fn enables(&self) -> u32 {
        self.devices().map(|device| device.history.enables).sum()
    }

    /// A WARNING in the middle of creating VFs.
    pub(super) fn warn_of_creation(&mut self) {
        self.warn_with_stack("678 sriov_enable+0x2f1/0x3d0");
    }

    fn warn_with_stack(&mut self, place: &str) {
        self.say(
            Level::Warning,
            "------------[ cut here ]------------".into(),
        );
        self.say(
            Level::Warning,
            format!("WARNING: CPU: 1 PID: 812 at drivers/pci/iov.c:{place}"),
        );
        self.say(Level::Warning, "Call Trace:".into());
        if let Some(driver) = self.device.pf.driver.clone() {
            self.say(
                Level::Warning,
                format!(" {driver}_sriov_configure+0x1c1/0x2b0 [{driver}]"),
            );
        }
        self.say(Level::Warning, " sriov_numvfs_store+0xbe/0x140".into());
        self.say(
            Level::Warning,
            "---[ end trace 0000000000000000 ]---".into(),
        );
    }

    /// The PF driver's `sriov_configure` with 0.
    fn remove_by_driver(&mut self) -> Step {
        let bound = self.device.vfs.iter().filter(|vf| vf.driver.is_some());
        let busy = bound.count() > 1;
        self.device.history.busy_removals += u32::from(busy);
        let first_busy = busy && self.device.history.busy_removals == 1;
        let attached = self.guests_have_vfs();
        let hangs = attached && self.model.has(Fault::RemovalUnderGuestHangs);
        match self.model.fault.filter(|_| attached) {
            Some(Fault::RemovalUnderGuestOdd) => return Step::of(Err(Errno::ENOMEM)),
            Some(Fault::RemovalUnderGuestIdle) => return Step::of(Ok(())),
            Some(Fault::RefusedRemovalLosesVf) => {
                self.take_from_guests();
                return Step::of(Err(Errno::EPERM));
            }
            _ => {}
        }
        if self.model.has(Fault::RemovalEndsGuest) {
            self.end_guests_with_vfs();
        }
        let asked = if hangs {
            Duration::ZERO
        } else {
            self.ask_guests_to_let_go()
        };
        let takes = self.removal_takes() + asked;
        match self.model.fault {
            _ if self.device.vfs.iter().any(|vf| vf.stuck) => Step {
                result: Ok(()),
                takes: FOR_EVER,
            },
            Some(Fault::RemovalKeepsVfs) if first_busy => Step::of(Ok(())),
            Some(Fault::RemovalHangs) if first_busy => self.remove_late(),
            _ if hangs => self.remove_late(),
            _ => {
                self.remove_vfs();
                Step {
                    result: Ok(()),
                    takes,
                }
            }
        }
    }

    fn remove_late(&mut self) -> Step {
        self.device.agenda.at(self.now + HANG, Effect::RemoveVfs);
        Step {
            result: Ok(()),
            takes: HANG,
        }
    }

    /// The core's `sriov_disable`.
    pub(super) fn remove_vfs(&mut self) {
        self.drop_vfs();
        self.tell(Level::Info, "IOV Disabled");
        if self.model.has(Fault::RemovalWarns) && self.enables() == 1 {
            self.warn_with_stack("747 sriov_disable+0x93/0xf0");
        }
        self.device.num_vfs = 0;
        self.device.controllers.without_vfs();
        config_space::enable_vfs(&mut self.device.config, 0);
        self.publish_sriov();
        self.reset_pf();
    }

    /// How long the core and the driver take to remove the VFs that there are.
    pub(super) fn removal_takes(&self) -> Duration {
        DISABLE + self.model.row.takes[1]
    }

    fn drop_vfs(&mut self) {
        for (index, vf) in std::mem::take(&mut self.device.vfs).into_iter().enumerate() {
            self.withdraw_vf(index, vf.bdf, vf.interface.as_ref());
        }
    }

    /// The core says something about the PF: with the driver's name, or with `pci` without one.
    fn tell(&mut self, level: Level, text: &str) {
        let driver = self
            .device
            .pf
            .driver
            .clone()
            .unwrap_or_else(|| "pci".into());
        let pf = self.device.pf.bdf;
        self.say(level, format!("{driver} {pf}: {text}"));
    }
}

/// The digits wherever they stand, as a careless parser would take them.
fn sloppy(text: &str) -> u64 {
    let digits: String = text
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    let number = digits.parse::<u64>().unwrap_or(0);
    number & u64::from(u16::MAX)
}
