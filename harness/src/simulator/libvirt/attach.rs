//! VFs on their way to a guest and back.

use std::time::Duration;

use crate::machine::Output;
use crate::pci::Bdf;

use super::super::World;
use super::super::binding::VFIO;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::super::function::Interface;
use super::super::log::Level;
use super::outside::BOOT;
use super::{Card, Live};

/// How long a guest's kernel takes to find a card: seen in the lab, half a second to a second.
pub(super) const FINDS: Duration = Duration::from_secs(1);
/// How long a guest takes to let go of what the kernel asks for: seen in the lab.
const LETS_GO: Duration = Duration::from_secs(2);

/// What libvirt says of a function that is none, or not one of a PF.
const NO_VF: &str = "unsupported configuration: Interface type hostdev is currently supported on SR-IOV Virtual Functions only";

impl World {
    pub(super) fn virsh_attach(&mut self, name: &str, vf: &str, when: &[&str]) -> Output {
        match self.attach_vf(name, vf, when) {
            Ok(()) => printed("Interface attached successfully\n\n"),
            Err(why) => failed(
                1,
                &format!("error: Failed to attach interface\nerror: {why}"),
            ),
        }
    }

    pub(super) fn attach_vf(&mut self, name: &str, vf: &str, when: &[&str]) -> Result<(), String> {
        let (live, config) = (when.contains(&"--live"), when.contains(&"--config"));
        let vf = self.attachable(name, vf, live)?;
        if live {
            self.take_over(name, vf, guest_mac(vf), FINDS);
        }
        let forgets = live && self.model.has(Fault::AttachmentNotKept);
        if let Some(guest) = self.libvirt.guests.get_mut(name).filter(|_| config) {
            guest.config.extend((!forgets).then_some(vf));
        }
        Ok(())
    }

    /// The VF, or why libvirt refuses it.
    pub(super) fn attachable(&mut self, name: &str, vf: &str, live: bool) -> Result<Bdf, String> {
        let vf = self.known_vf(vf.parse().ok())?;
        if live && self.libvirt.live(name).is_none() {
            return Err("Requested operation is not valid: domain is not running".into());
        }
        if let Some(why) = self.impossible(vf).filter(|_| live) {
            return Err(why);
        }
        let twice = self.model.has(Fault::SecondAttachmentAccepted);
        let config = self.libvirt.guests.get(name).map(|guest| &guest.config);
        if config.is_some_and(|config| config.contains(&vf)) && !twice {
            return Err("XML error: Hostdev already exists in the domain configuration".into());
        }
        if live {
            self.at(vf, |world| world.takeable(name, vf))?;
        }
        Ok(vf)
    }

    /// What is against any hand-over to a guest that runs, in the words of libvirt and the emulator: the refused ones as
    /// seen in the lab, the others assumed.
    fn impossible(&self, vf: Bdf) -> Option<String> {
        let emulator = |why: &str| {
            format!("internal error: unable to execute QEMU command 'device_add': vfio {vf}: {why}")
        };
        match self.model.fault? {
            Fault::AttachRefused => Some(emulator(
                "failed to setup container for group 4: Failed to set group container: Invalid argument",
            )),
            Fault::MemlockTooSmall => Some(emulator(
                "memory listener initialization failed: Region pc.ram: vfio_container_dma_map(0x55d0c5a3e6f0, 0x100000, 0xff00000, 0x7f40c3f00000) = -12 (Cannot allocate memory)",
            )),
            Fault::HandoverForbidden => {
                Some(emulator("failed to open /dev/vfio/4: Permission denied"))
            }
            Fault::DaemonGone => {
                Some("Disconnected from qemu:///system due to end of file".to_owned())
            }
            _ => None,
        }
    }

    /// Why libvirt refuses to give a VF to a guest that runs.
    fn takeable(&mut self, name: &str, vf: Bdf) -> Result<(), String> {
        if let Some(user) = self.libvirt.user(vf).map(str::to_owned) {
            let let_in = if user == name {
                Fault::SecondAttachmentAccepted
            } else {
                Fault::SecondGuestLetIn
            };
            if self.model.has(let_in) {
                return Ok(());
            }
            if self.model.has(Fault::RefusalDisturbsGuest) {
                self.let_go(vf);
            }
            if let Some(function) = self.device.function(vf) {
                function.mute |= self.model.has(Fault::RefusalDeadensCard);
            }
            let by = if self.model.has(Fault::ExclusionUnexplained) {
                String::new()
            } else {
                format!(" by driver QEMU, domain {user}")
            };
            return Err(format!(
                "Requested operation is not valid: PCI device {vf} is in use{by}"
            ));
        }
        let pf = self.device.pf.interface.as_ref();
        let Some(pf) = pf.filter(|pf| !pf.up && !self.model.has(Fault::InactivePfAccepted)) else {
            return Ok(());
        };
        let why = format!(
            "internal error: Unable to configure VF {} of PF '{}' because the PF is not online. Please change host network config to put the PF online.",
            self.index_of(vf),
            pf.name
        );
        if self.model.has(Fault::RefusedAttachKeepsVf) {
            self.rebind(vf, VFIO);
        }
        Err(why)
    }

    pub(super) fn known_vf(&self, vf: Option<Bdf>) -> Result<Bdf, String> {
        vf.filter(|vf| self.devices().any(|device| device.has(*vf)))
            .ok_or_else(|| NO_VF.to_owned())
    }

    fn index_of(&self, vf: Bdf) -> usize {
        let mut vfs = self.device.vfs.iter();
        vfs.position(|own| own.bdf == vf).unwrap_or_default()
    }

    pub(super) fn virsh_detach(&mut self, name: &str, mac: &str, when: &[&str]) -> Output {
        let mut vfs = self.vfs_of(name).into_iter();
        let vf = vfs.find(|(_, own)| own == mac).map(|(vf, _)| vf);
        let missing = format!("operation failed: no device matching MAC address {mac} found");
        match vf
            .ok_or(missing)
            .and_then(|vf| self.detach_vf(name, vf, when))
        {
            Ok(()) => printed("Interface detached successfully\n\n"),
            Err(why) => failed(
                1,
                &format!("error: Failed to detach interface\nerror: {why}"),
            ),
        }
    }

    pub(super) fn detach_vf(&mut self, name: &str, vf: Bdf, when: &[&str]) -> Result<(), String> {
        let (live, config) = (when.contains(&"--live"), when.contains(&"--config"));
        if live && self.model.has(Fault::DetachRefused) {
            return Err("internal error: unable to execute QEMU command 'device_del': Bus 'pci.5' does not support hotplugging".into());
        }
        let stays = live && self.model.has(Fault::DetachmentNotKept);
        if let Some(guest) = self.libvirt.guests.get_mut(name).filter(|_| config) {
            guest.config.retain(|own| *own != vf || stays);
        }
        if live && !self.model.has(Fault::GuestKeepsVf) {
            self.let_go(vf);
        }
        Ok(())
    }

    /// All that a guest has or is to have, with their addresses.
    fn vfs_of(&self, name: &str) -> Vec<(Bdf, String)> {
        let cards = self.libvirt.live(name).map(|live| &live.cards);
        let guest = self.libvirt.guests.get(name);
        let config = guest.into_iter().flat_map(|guest| &guest.config);
        let cards = cards.into_iter().flatten();
        let cards = cards.map(|card| (card.vf, card.mac.clone()));
        cards
            .chain(config.map(|vf| (*vf, guest_mac(*vf))))
            .collect()
    }

    /// libvirt takes a managed function from its driver (libvirt src/util/virpci.c,
    /// `virPCIDeviceBindToStub`), and the guest finds it a little later.
    pub(super) fn take_over(&mut self, name: &str, vf: Bdf, mac: String, later: Duration) {
        self.at(vf, |world| {
            world.keep_address(vf);
            world.set_address(vf, Some(mac.clone()));
            if !world.model.has(Fault::HostKeepsVf) {
                world.rebind(vf, VFIO);
            }
        });
        self.frames.streams.forget(&mac);
        let found = self.now + later;
        let leaks = u32::from(self.model.has(Fault::HotplugLeaks));
        let hangs = self.model.has(Fault::GuestHangsWithVf);
        if let Some(live) = self.libvirt.live_mut(name) {
            live.cards.push(Card::new(vf, mac, found));
            live.emulator.populated = true;
            live.emulator.files += leaks;
            live.emulator.turns += 1;
            if hangs {
                live.up = None;
            }
        }
        if self.model.has(Fault::GuestRestartsWithVf) && later < BOOT {
            self.restart_inside(name);
        }
    }

    /// Whichever guests have a VF have it no longer, and the host's driver has it again.
    fn let_go(&mut self, vf: Bdf) {
        for live in self.libvirt.lives() {
            live.cards.retain(|card| card.vf != vf);
        }
        self.give_back(vf);
    }

    /// The host's driver has a VF again.
    pub(super) fn give_back(&mut self, vf: Bdf) {
        self.at(vf, |world| world.take_back(vf));
    }

    fn take_back(&mut self, vf: Bdf) {
        if !self.model.has(Fault::AttributesKept) {
            let own = self
                .device
                .function(vf)
                .and_then(|vf| vf.kept_address.take());
            self.set_address(vf, own);
        }
        if let Some(index) = self.device.function(vf).and_then(|own| own.index) {
            let namespaces = &mut self.device.controllers.namespaces;
            namespaces.lose(index + 1, Fault::NvmeDataLostWithGuest);
        }
        if !self.model.has(Fault::VfStaysOnVfio) {
            self.rebind(vf, "");
        }
        if self.model.has(Fault::HotplugLeaksNames) {
            self.libvirt.returns += 1;
            let left = format!("/sys/class/net/left{}", self.libvirt.returns);
            self.tree.folder(&left);
        }
    }

    /// A device's VFs are about to be removed: vfio asks the guests that have any to let go. Returns how long
    /// they take (Linux 6.12 drivers/vfio/pci/vfio_pci_core.c, `vfio_pci_core_request`).
    pub(in super::super) fn ask_guests_to_let_go(&mut self) -> Duration {
        let untold = self.model.has(Fault::GuestNotTold);
        let (mut asked, device) = (Vec::new(), &self.device);
        for Live { cards, ghosts, .. } in self.libvirt.lives() {
            let gone: Vec<Card> = cards.extract_if(.., |card| device.has(card.vf)).collect();
            asked.extend(gone.iter().map(|card| card.vf));
            ghosts.extend(gone.into_iter().filter(|_| untold));
        }
        for vf in &asked {
            let text = format!("vfio-pci {vf}: Relaying device request to user (#0)");
            self.say(Level::Notice, text);
        }
        self.publish_processes();
        if asked.is_empty() {
            Duration::ZERO
        } else {
            LETS_GO
        }
    }

    /// Guests lose the device's VFs without being asked, and without their emulators' ending.
    pub(in super::super) fn take_from_guests(&mut self) {
        let vfs: Vec<Bdf> = self.device.vfs.iter().map(|vf| vf.bdf).collect();
        for vf in vfs {
            if self.libvirt.user(vf).is_some() {
                self.let_go(vf);
            }
        }
    }

    /// Whether any guest has a VF of the device.
    pub(in super::super) fn guests_have_vfs(&self) -> bool {
        let mut cards = self.libvirt.running().flat_map(|(_, live)| &live.cards);
        cards.any(|card| self.device.has(card.vf))
    }

    /// The emulators of all guests that have a VF crash.
    pub(in super::super) fn end_guests_with_vfs(&mut self) {
        let names: Vec<String> = self.libvirt.with_vfs().map(str::to_owned).collect();
        for name in names {
            self.end(&name);
            self.libvirt.crashed.insert(name);
        }
        self.publish_processes();
    }

    /// libvirt keeps the address of the VF's interface, to give it back (libvirt
    /// src/hypervisor/virhostdev.c, `virHostdevSaveNetConfig`).
    fn keep_address(&mut self, vf: Bdf) {
        if let Some(function) = self.device.function(vf) {
            let interface = function.interface.as_ref();
            function.kept_address = interface.map(Interface::address);
        }
    }

    /// By way of the PF's driver.
    fn set_address(&mut self, vf: Bdf, address: Option<String>) {
        if let Some(function) = self.device.function(vf) {
            function.address = address;
        }
    }

    fn rebind(&mut self, vf: Bdf, driver: &str) {
        self.override_driver(vf, driver);
        self.release(vf);
        self.attach(vf);
        self.publish(vf);
    }
}

/// The address that libvirt gives a VF in a guest, made up so that each VF has another.
pub(super) fn guest_mac(vf: Bdf) -> String {
    let slot = vf.device << 3 | vf.function;
    format!("52:54:00:00:{:02x}:{slot:02x}", vf.bus)
}
