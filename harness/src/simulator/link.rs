//! Network interfaces going up and down, their carrier and their MTU.

use std::time::Duration;

use super::World;
use super::agenda::Effect;
use super::fault::Fault;
use super::function::Interface;
use super::log::Level;

/// From "up" to a carrier: assumed; copper at 1 Gbit/s negotiates for two to four seconds.
const NEGOTIATION: Duration = Duration::from_secs(2);
/// From a reset that a driver makes by itself to the carrier: seen with QEMU's igb, 0.5 to 1 s.
const RESET: Duration = Duration::from_millis(800);
/// The MTU that netlink's 16-bit callers could still name.
const LARGEST_MTU: u32 = 65_535;

/// Why the kernel refuses an MTU (Linux 6.12 net/core/dev.c, `dev_validate_mtu`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadMtu(pub(super) &'static str);

impl World {
    /// The boot scripts put the PF's interface up, and the boot lasts until the link is there.
    pub(super) fn boot_link(&mut self) {
        let carrier = self.is_cabled();
        if let Some(interface) = &mut self.device.pf.interface {
            interface.up = true;
            interface.carrier = carrier;
        }
        self.publish_pf();
    }

    /// `ip link set … up` or `down`.
    pub(super) fn set_up(&mut self, name: &str, up: bool) {
        let Some(function) = self.device.owner(name) else {
            return;
        };
        let bdf = function.bdf;
        let Some(interface) = function
            .interface
            .as_mut()
            .filter(|interface| interface.up != up)
        else {
            return;
        };
        interface.up = up;
        interface.was_down |= !up;
        interface.carrier = false;
        self.device.agenda.cancel(&Effect::Carrier(name.to_owned()));
        if up {
            self.await_carrier(name);
        } else if bdf == self.device.pf.bdf {
            self.pf_went_down();
        }
        self.publish(bdf);
    }

    /// `ip link set … mtu`.
    pub(super) fn set_mtu(&mut self, name: &str, mtu: u32) -> Result<(), BadMtu> {
        let least = *self.model.row.mtu.start();
        let most = if self.model.has(Fault::MtuBeyondAccepted) {
            LARGEST_MTU
        } else {
            self.model.max_mtu
        };
        if mtu < least {
            return Err(BadMtu("mtu less than device minimum"));
        }
        if mtu > most {
            return Err(BadMtu("mtu greater than device maximum"));
        }
        let ignored = self.model.has(Fault::MtuIgnored);
        let Some(function) = self.device.owner(name) else {
            return Ok(());
        };
        let bdf = function.bdf;
        if let Some(interface) = function.interface.as_mut().filter(|_| !ignored) {
            interface.mtu = mtu;
        }
        self.publish(bdf);
        if bdf == self.device.pf.bdf {
            self.reset_pf();
        }
        Ok(())
    }

    /// Some drivers reset the PF for a new number of VFs and for a new MTU; the link is lost for a moment.
    pub(super) fn reset_pf(&mut self) {
        let Some(interface) = self
            .device
            .pf
            .interface
            .as_mut()
            .filter(|interface| interface.carrier)
        else {
            return;
        };
        if !self.model.row.resets {
            return;
        }
        interface.carrier = false;
        let name = interface.name.clone();
        self.device
            .agenda
            .at(self.now + RESET, Effect::Carrier(name));
        self.publish_pf();
        self.follow_pf(false);
    }

    /// A link partner is seen. VFs that are up see it through the PF.
    pub(super) fn gain_carrier(&mut self, name: &str) {
        let speed = self.model.row.speed;
        let Some(function) = self.device.owner(name) else {
            return;
        };
        let (bdf, driver) = (function.bdf, function.driver.clone().unwrap_or_default());
        if let Some(interface) = function.interface.as_mut().filter(|interface| interface.up) {
            interface.carrier = true;
            self.say(
                Level::Info,
                format!("{driver} {bdf} {name}: NIC Link is Up {speed} Mbps Full Duplex"),
            );
        }
        self.publish(bdf);
        if bdf == self.device.pf.bdf {
            self.follow_pf(true);
        }
    }

    /// Without a link partner nobody sees one; a VF depends on the PF.
    fn await_carrier(&mut self, name: &str) {
        let pf = self.device.pf.interface.as_ref();
        let is_pf = pf.is_some_and(|interface| interface.name == name);
        let lost = self.model.has(Fault::CarrierStaysDown)
            && pf.is_some_and(|interface| interface.was_down);
        let possible = if is_pf {
            self.is_cabled() && !lost
        } else {
            pf.is_some_and(|interface| interface.carrier)
        };
        if possible {
            self.device
                .agenda
                .at(self.now + NEGOTIATION, Effect::Carrier(name.to_owned()));
        }
    }

    /// Whether the PF's port has a link partner.
    fn is_cabled(&self) -> bool {
        let fault = if self.device.number == 0 {
            Fault::LinkDown
        } else {
            Fault::SecondPfUncabled
        };
        !self.model.has(fault)
    }

    fn pf_went_down(&mut self) {
        self.follow_pf(false);
        if self.model.has(Fault::DownUpLosesVfs) && self.device.num_vfs > 0 {
            self.remove_vfs();
        }
    }

    fn follow_pf(&mut self, carrier: bool) {
        let follows = |interface: &&mut Interface| interface.up && interface.carrier != carrier;
        let mut changed = Vec::new();
        for (index, vf) in self.device.vfs.iter_mut().enumerate() {
            if let Some(interface) = vf.interface.as_mut().filter(follows) {
                interface.carrier = carrier;
                changed.push(index);
            }
        }
        for index in changed {
            self.publish_vf(index);
        }
    }
}
