//! Cards that a guest's emulator makes on the PF's interface.

use nix::errno::Errno;

use crate::guest::Model;
use crate::machine::Output;

use super::super::World;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::super::tree::{File, Tree};
use super::{Emulated, Live};

/// How a guest calls the interfaces of these cards, before their numbers.
const NAME: &str = "emu";

impl World {
    /// Gives a guest that runs a card of that model.
    pub(super) fn attach_emulated(&mut self, name: &str, model: Model) -> Result<(), String> {
        if self.model.has(Fault::EmulatedRefused) {
            return Err(format!(
                "unsupported configuration: {} NIC is not supported by this QEMU",
                model.name()
            ));
        }
        let live = self.libvirt.live_mut(name);
        let live = live.ok_or("Requested operation is not valid: domain is not running")?;
        let (process, number) = (live.emulator.process % 256, live.emulated.len());
        live.emulated.push(Emulated {
            model,
            mac: format!("52:54:00:ee:{process:02x}:{number:02x}"),
            put_up: None,
        });
        Ok(())
    }

    /// Takes whichever interface on the PF's has that address.
    pub(super) fn virsh_detach_direct(&mut self, name: &str, mac: &str) -> Output {
        let live = self.libvirt.live_mut(name);
        let had = live.is_some_and(|live| {
            let before = live.emulated.len();
            live.emulated.retain(|card| card.mac != mac);
            let standby = live.standby.take_if(|standby| standby.mac == mac);
            standby.is_some() || live.emulated.len() < before
        });
        if had {
            return printed("Interface detached successfully\n\n");
        }
        failed(
            1,
            "error: Failed to detach interface\nerror: operation failed: no device found",
        )
    }

    pub(super) fn show_emulated(&self, tree: &mut Tree, live: &Live) {
        for (index, card) in live.emulated.iter().enumerate() {
            let at = format!("/sys/class/net/{NAME}{index}");
            let (flags, carrier) = match card.put_up {
                None => ("0x1002\n", File::Refuses(Errno::EINVAL)),
                Some(_) if self.model.has(Fault::EmulatedMute) => ("0x1003\n", "0\n".into()),
                Some(_) => ("0x1003\n", "1\n".into()),
            };
            tree.file(&format!("{at}/address"), format!("{}\n", card.mac));
            tree.file(&format!("{at}/flags"), flags);
            tree.file(&format!("{at}/mtu"), "1500\n");
            tree.file(&format!("{at}/carrier"), carrier);
        }
    }

    /// Puts the interface of that path in a guest up. Returns whether it is one of these.
    pub(super) fn put_up_emulated(&mut self, name: &str, path: &str) -> bool {
        let now = self.now;
        let index = path.strip_prefix("/sys/class/net/");
        let index = index.and_then(|rest| card_of(rest.strip_suffix("/flags")?));
        let live = self.libvirt.live_mut(name);
        let card = index.and_then(|index| live?.emulated.get_mut(index));
        let is_one = card.is_some();
        if let Some(card) = card {
            card.put_up = card.put_up.or(Some(now));
        }
        is_one
    }

    /// The address of such an interface in a guest, if it is up.
    pub(super) fn address_of_emulated(&self, name: &str, interface: &str) -> Option<String> {
        let card = self.libvirt.live(name)?.emulated.get(card_of(interface)?)?;
        card.put_up.map(|_| card.mac.clone())
    }

    /// What an address belongs to, if it is that of an emulated card.
    pub(in super::super) fn model_of(&self, mac: &str) -> Option<Model> {
        let lives = self.libvirt.running().map(|(_, live)| live);
        let mut cards = lives.flat_map(|live| &live.emulated);
        cards.find(|card| card.mac == mac).map(|card| card.model)
    }
}

fn card_of(interface: &str) -> Option<usize> {
    interface.strip_prefix(NAME)?.parse().ok()
}
