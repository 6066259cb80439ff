//! Starts and restarts of the machine: what lasts, and what a restart may change that it should not.

use std::time::Duration;

use tokio::time::Instant;

use super::agenda::Effect;
use super::binding::VFIO;
use super::fault::Fault;
use super::function::Device;
use super::groups::Groups;
use super::libvirt::Libvirt;
use super::log::{KernelLog, Level};
use super::model::{Model, PF, SECOND, SECOND_PORT};
use super::traffic::Frames;
use super::tree::Tree;
use super::{World, config_space, machine};

/// When the boot scripts put links up, after udev has handled the interfaces: assumed.
const NETWORK: Duration = Duration::from_secs(5);
/// When libvirt's daemon starts: assumed.
const LIBVIRT: Duration = Duration::from_secs(8);
/// What a restart does not take: the administrator's settings and the data of services.
const DISK: [&str; 4] = [
    "/etc/udev/rules.d",
    "/etc/systemd/system",
    "/etc/libvirt",
    "/var",
];

impl World {
    /// The first start.
    pub(super) fn boot(model: Model, now: Instant) -> Self {
        let mut world = Self::before_drivers(model, now);
        machine::install(&mut world.tree, &world.model);
        world.start();
        world
    }

    /// What is on disk survives.
    pub(super) fn reboot(&mut self) {
        let model = self.model.restarted();
        let next = Self::before_drivers(model, self.now);
        let last = std::mem::replace(self, next);
        self.initramfs = last.initramfs;
        self.libvirt = last.libvirt.restarted();
        machine::install(&mut self.tree, &self.model);
        for folder in DISK {
            self.tree.adopt(&last.tree, folder);
        }
        let fresh = self.device.controllers.clone();
        self.device.controllers = last.device.controllers.restarted(fresh);
        self.copy_rules();
        self.start();
    }

    fn before_drivers(model: Model, now: Instant) -> Self {
        let mut log = KernelLog::default();
        // Linux 6.12 init/main.c, `start_kernel`, which prints `linux_banner` first.
        let banner = format!("Linux version {} (simulated)", model.kernel());
        log.print(Duration::ZERO, Level::Notice, banner);
        Self {
            tree: Tree::new(),
            log,
            device: Device::new(&model, PF, 0, now),
            other: model
                .second()
                .map(|number| Device::new(&model, SECOND, number, now)),
            groups: Groups::default(),
            libvirt: Libvirt::default(),
            frames: Frames::default(),
            vf_config: config_space::of_vf(&model),
            initramfs: Vec::new(),
            booted: now,
            now,
            model,
        }
    }

    /// Both devices, as far as they are there.
    fn start(&mut self) {
        self.publish_drivers();
        self.publish_port();
        if !self.model.is_gone() {
            self.start_device();
        }
        if self.other.is_some() {
            self.publish_bridge(SECOND_PORT, self.model.buses(SECOND));
            self.at(SECOND, Self::start_device);
        }
    }

    /// Drivers meet a device, udev applies its rules, and only then do scripts put the link up.
    fn start_device(&mut self) {
        if self.model.has(Fault::WrongDriver) {
            self.device.pf.driver_override = Some(VFIO.into());
        }
        self.publish_pf();
        self.attach(self.device.pf.bdf);
        if self.model.restarts == 0 {
            // Nobody has watched the first boot: it is over.
            self.boot_link();
        } else {
            let up = self.booted + NETWORK;
            self.device.agenda.at(up, Effect::BootLink);
        }
    }

    /// When a unit of systemd has started, in microseconds since boot; 0 for one that has not
    /// (systemctl(1), `show`).
    pub(super) fn unit_started(&self, unit: &str) -> u128 {
        let runs = unit == "libvirtd.service"
            && !self.model.has(Fault::NoLibvirt)
            && (self.model.restarts == 0 || self.uptime() >= LIBVIRT);
        if runs { LIBVIRT.as_micros() } else { 0 }
    }
}
