//! VFs on their way to a guest and back.

use std::time::Duration;

use crate::machine::Output;
use crate::pci::Bdf;

use super::super::World;
use super::super::binding::VFIO;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::Card;

/// How long a guest's kernel takes to find a card: seen in the lab, half a second to a second.
const FINDS: Duration = Duration::from_secs(1);

impl World {
    pub(super) fn virsh_attach(&mut self, name: &str, vf: &str) -> Output {
        let refused = |why: &str| {
            failed(
                1,
                &format!("error: Failed to attach interface\nerror: {why}"),
            )
        };
        let vf = vf.parse().ok();
        let Some(vf) = vf.filter(|vf: &Bdf| self.device.vfs.iter().any(|own| own.bdf == *vf))
        else {
            return refused(
                "Interface type hostdev is currently supported on SR-IOV Virtual Functions only",
            );
        };
        if self.model.has(Fault::AttachRefused) {
            return refused(&format!(
                "internal error: unable to execute QEMU command 'device_add': vfio {vf}: failed to setup container for group 4: Failed to set group container: Invalid argument"
            ));
        }
        self.take_over(vf);
        let card = Card {
            vf,
            found: self.now + FINDS,
            put_up: None,
        };
        let keeps = !self.model.has(Fault::AttachmentNotKept);
        if let Some(guest) = self.libvirt.guests.get_mut(name) {
            guest
                .live
                .iter_mut()
                .for_each(|live| live.cards.push(card.clone()));
            guest.config.extend(keeps.then_some(vf));
        }
        printed("Interface attached successfully\n\n")
    }

    pub(super) fn virsh_detach(&mut self, name: &str, mac: &str) -> Output {
        let (vfs, stays): (Vec<Bdf>, _) =
            (self.vfs_of(name), self.model.has(Fault::DetachmentNotKept));
        let Some(vf) = vfs.into_iter().find(|vf| self.guest_mac(*vf) == mac) else {
            return failed(
                1,
                &format!(
                    "error: Failed to detach interface\nerror: operation failed: no device matching MAC address {mac} found"
                ),
            );
        };
        let kept = self.model.has(Fault::GuestKeepsVf);
        if let Some(guest) = self.libvirt.guests.get_mut(name) {
            let live = guest.live.iter_mut().filter(|_| !kept);
            live.for_each(|live| live.cards.retain(|card| card.vf != vf));
            guest.config.retain(|own| *own != vf || stays);
        }
        if !kept {
            self.give_back(vf);
        }
        printed("Interface detached successfully\n\n")
    }

    fn vfs_of(&self, name: &str) -> Vec<Bdf> {
        let live = self.libvirt.live(name);
        live.map_or(Vec::new(), |live| {
            live.cards.iter().map(|card| card.vf).collect()
        })
    }

    /// The address that libvirt gives a VF in a guest, made up so that each VF has another.
    pub(super) fn guest_mac(&self, vf: Bdf) -> String {
        let index = self.device.vfs.iter().position(|own| own.bdf == vf);
        format!(
            "52:54:00:00:00:{:02x}",
            index.map_or(0xff, |index| index % 0xff)
        )
    }

    /// libvirt takes a managed function from its driver (libvirt src/util/virpci.c,
    /// `virPCIDeviceBindToStub`).
    fn take_over(&mut self, vf: Bdf) {
        let address = self.guest_mac(vf);
        self.set_address(vf, Some(address));
        if !self.model.has(Fault::HostKeepsVf) {
            self.rebind(vf, VFIO);
        }
    }

    /// It lets the host's driver have it again.
    pub(super) fn give_back(&mut self, vf: Bdf) {
        if !self.model.has(Fault::AttributesKept) {
            self.set_address(vf, None);
        }
        if !self.model.has(Fault::VfStaysOnVfio) {
            self.rebind(vf, "");
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
