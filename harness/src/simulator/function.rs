//! The PCI functions of the device, and what the kernel keeps about each.

use tokio::time::Instant;

use crate::pci::Bdf;
use crate::profile::Kind;

use super::agenda::Agenda;
use super::fault::Fault;
use super::model::Model;
use super::nvme::Controllers;

/// One PCI function.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// Its address.
    pub bdf: Bdf,
    /// Which VF it is; `None` for the PF.
    pub index: Option<u16>,
    /// The bound driver.
    pub driver: Option<String>,
    /// What `driver_override` holds.
    pub driver_override: Option<String>,
    /// The reset methods in use.
    pub reset_methods: Vec<String>,
    /// The network interface that its driver has made.
    pub interface: Option<Interface>,
    /// Since when it is there.
    pub since: Instant,
    /// It reads as all ones.
    pub dead: bool,
    /// Its interface never has a link again.
    pub mute: bool,
    /// Its lock is held for ever (`devices.md`, finding 7: igbvf in `napi_disable`).
    pub stuck: bool,
    /// The address that the PF's driver was told to give a VF.
    pub address: Option<String>,
    /// What the PF's driver lets a VF send, in Mbit/s; 0 is no limit.
    pub rate: u32,
    /// The address of the interface that it had before a guest got it.
    pub kept_address: Option<String>,
}

/// A network interface.
#[derive(Clone, Debug)]
pub(super) struct Interface {
    /// Its name.
    pub name: String,
    /// Its address.
    pub mac: [u8; 6],
    /// Since when it is there.
    pub since: Instant,
    /// `IFF_UP`.
    pub up: bool,
    /// It sees its link partner.
    pub carrier: bool,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// It was put down since its driver made it.
    pub was_down: bool,
}

impl Interface {
    /// Its address, as it is written.
    pub(super) fn address(&self) -> String {
        self.mac.map(|byte| format!("{byte:02x}")).join(":")
    }
}

/// The device: its functions and what the kernel keeps in `struct pci_sriov`.
#[derive(Clone, Debug)]
pub(super) struct Device {
    /// Its number among those of its kind, from 0.
    pub number: u8,
    /// The physical function.
    pub pf: Function,
    /// The virtual functions.
    pub vfs: Vec<Function>,
    /// `num_VFs`.
    pub num_vfs: u16,
    /// `driver_max_VFs`, shown as `sriov_totalvfs`.
    pub total_vfs: u16,
    /// `drivers_autoprobe`.
    pub autoprobe: bool,
    /// The PF's config space.
    pub config: Vec<u8>,
    /// The `NVMe` controllers, of a drive.
    pub controllers: Controllers,
    /// What happened since boot, for faults that come with use.
    pub history: History,
    /// What is to happen to it.
    pub agenda: Agenda,
}

/// What happened since boot.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// How often VFs were enabled at all.
    pub enables: u32,
    /// How often in a row the same number of VFs was enabled for drivers to bind, and that number.
    pub rounds: (u16, u32),
    /// When the last of them was.
    pub round: Option<Instant>,
    /// How often the driver was asked to remove several VFs that drivers were bound to.
    pub busy_removals: u32,
    /// How often a driver was bound to the PF.
    pub binds: u32,
    /// How many random addresses drivers have taken.
    pub random_macs: u32,
}

impl Function {
    /// A function that nobody has bound yet.
    pub(super) fn new(model: &Model, bdf: Bdf, index: Option<u16>, since: Instant) -> Self {
        Self {
            bdf,
            index,
            driver: None,
            driver_override: None,
            reset_methods: default_reset_methods(model, index.is_some()),
            interface: None,
            since,
            dead: false,
            mute: false,
            stuck: false,
            address: None,
            rate: 0,
            kept_address: None,
        }
    }

    /// The interface that the function's own driver makes: down, as the kernel leaves it.
    pub(super) fn new_interface(
        &self,
        model: &Model,
        pf: Bdf,
        mac: [u8; 6],
        since: Instant,
    ) -> Option<Interface> {
        (model.kind == Kind::Nic).then(|| Interface {
            name: model.interface(pf, self.index),
            mac,
            since,
            up: false,
            carrier: false,
            mtu: 1500,
            was_down: false,
        })
    }

    /// The number of its `NVMe` controller.
    pub(super) fn controller(&self) -> u16 {
        self.index.map_or(0, |vf| vf + 1)
    }

    /// Its network interface, if that is called so.
    pub(super) fn interface_named(&self, name: &str) -> Option<&Interface> {
        self.interface.as_ref().filter(|own| own.name == name)
    }

    /// Whether this driver's id table or `driver_override` names the function
    /// (Linux 6.12 drivers/pci/pci-driver.c, `pci_match_device`). vfio-pci has no ids.
    pub(super) fn matches(&self, driver: &str, model: &Model) -> bool {
        match (&self.driver_override, self.index) {
            (Some(named), _) => named == driver,
            (None, None) => driver == model.drivers[0],
            (None, Some(_)) => driver == model.drivers[1] && !model.has(Fault::VfIdsWrong),
        }
    }
}

/// Of the PF as seen with QEMU's igb and `NVMe` controller; of a VF as the profile claims.
pub(super) fn default_reset_methods(model: &Model, is_vf: bool) -> Vec<String> {
    match (is_vf, model.kind) {
        (true, _) => model.vf_reset.clone(),
        (false, Kind::Nic) => ["flr", "pm", "bus"].map(str::to_owned).to_vec(),
        (false, Kind::Nvme) => ["flr", "bus"].map(str::to_owned).to_vec(),
    }
}

impl Device {
    /// The device at boot, before any driver.
    pub(super) fn new(model: &Model, pf: Bdf, number: u8, now: Instant) -> Self {
        Self {
            number,
            pf: Function::new(model, pf, None, now),
            vfs: Vec::new(),
            num_vfs: 0,
            total_vfs: model.hardware_vfs,
            autoprobe: true,
            config: super::config_space::physical(model, number),
            controllers: Controllers::new(model),
            history: History::default(),
            agenda: Agenda::default(),
        }
    }

    /// All functions.
    pub(super) fn functions(&self) -> impl Iterator<Item = &Function> {
        std::iter::once(&self.pf).chain(&self.vfs)
    }

    /// Whether it has a VF at an address.
    pub(super) fn has(&self, vf: Bdf) -> bool {
        self.vfs.iter().any(|own| own.bdf == vf)
    }

    /// The function at an address.
    pub(super) fn function(&mut self, bdf: Bdf) -> Option<&mut Function> {
        std::iter::once(&mut self.pf)
            .chain(&mut self.vfs)
            .find(|function| function.bdf == bdf)
    }

    /// The function with a network interface of that name.
    pub(super) fn owner(&mut self, interface: &str) -> Option<&mut Function> {
        std::iter::once(&mut self.pf)
            .chain(&mut self.vfs)
            .find(|function| function.interface_named(interface).is_some())
    }
}
