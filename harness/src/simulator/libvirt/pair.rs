//! An emulated interface beside a VF, and the guest that uses both as one.

use nix::errno::Errno;

use crate::guest::{Hostdev, Model, Told};
use crate::machine::Output;

use super::super::World;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::super::tree::{File, Tree};
use super::attach::FINDS;
use super::{Live, Standby};

/// What a guest calls the interface that both are parts of.
pub(super) const PAIR: &str = "pair0";

impl World {
    pub(super) fn virsh_attach_device(&mut self, name: &str, file: &str, when: &[&str]) -> Output {
        let xml = self.tree.read(file).unwrap_or_default();
        let xml = String::from_utf8_lossy(&xml).into_owned();
        let told = Told::parse(&xml).unwrap_or_default();
        let attached = match told.hostdevs.first() {
            Some(Hostdev { bdf, mac: None, .. }) => self.attach_vf(name, &bdf.to_string(), when),
            Some(Hostdev {
                bdf,
                mac: Some(mac),
                ..
            }) => self.attach_primary(name, &bdf.to_string(), mac),
            None if told.disks.is_empty() => self.attach_direct(name, &xml),
            None => self.attach_disk(name, &xml),
        };
        match attached {
            Ok(()) => printed("Device attached successfully\n\n"),
            Err(why) => failed(
                1,
                &format!("error: Failed to attach device from {file}\nerror: {why}"),
            ),
        }
    }

    fn attach_primary(&mut self, name: &str, vf: &str, mac: &str) -> Result<(), String> {
        let vf = self.attachable(name, vf, true)?;
        self.take_over(name, vf, mac.to_owned(), FINDS);
        Ok(())
    }

    fn attach_direct(&mut self, name: &str, xml: &str) -> Result<(), String> {
        if xml.contains("<teaming") {
            return self.attach_standby(name);
        }
        let is_of = |model: &Model| xml.contains(&format!("<model type='{}'/>", model.name()));
        let model = [Model::E1000e, Model::Virtio].into_iter().find(is_of);
        self.attach_emulated(name, model.ok_or("XML error: no model that is known")?)
    }

    fn attach_standby(&mut self, name: &str) -> Result<(), String> {
        if self.model.has(Fault::StandbyRefused) {
            return Err(
                "error creating macvtap interface macvtap0@enp1s0: Operation not supported".into(),
            );
        }
        let live = self.libvirt.live_mut(name);
        let live = live.ok_or("Requested operation is not valid: domain is not running")?;
        live.standby = Some(Standby {
            mac: format!("52:54:00:ff:{:02x}:01", live.emulator.process % 256),
            put_up: None,
        });
        Ok(())
    }

    /// The interface that a guest has beside those of its VFs, and which of those are parts of it.
    pub(super) fn show_pair(&self, tree: &mut Tree, live: &Live) {
        let Some(standby) = &live.standby else {
            return;
        };
        let at = format!("/sys/class/net/{PAIR}");
        let up = standby.put_up.is_some();
        let carrier = if up {
            File::from("1\n")
        } else {
            File::Refuses(Errno::EINVAL)
        };
        tree.file(&format!("{at}/address"), format!("{}\n", standby.mac));
        tree.file(
            &format!("{at}/flags"),
            if up { "0x1003\n" } else { "0x1002\n" },
        );
        tree.file(&format!("{at}/mtu"), "1500\n");
        tree.file(&format!("{at}/carrier"), carrier);
        for (index, card) in live.cards.iter().enumerate() {
            if self.address_inside(card) == standby.mac && !self.model.has(Fault::PairNotMade) {
                tree.link(
                    &format!("/sys/class/net/eth{index}/master"),
                    format!("../{PAIR}"),
                );
            }
        }
    }

    /// Whether frames of that address pass by the emulated interface: where its guest has no VF of the
    /// same address.
    pub(in super::super) fn passes_by_standby(&self, mac: &str) -> bool {
        let mut lives = self.libvirt.running().map(|(_, live)| live);
        lives.any(|live| {
            let stays = live.standby.as_ref().is_some_and(|own| own.mac == mac);
            stays && live.cards.iter().all(|card| card.mac != mac)
        })
    }
}
