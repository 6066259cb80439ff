//! The addresses of network interfaces, and how they came about.
//!
//! udev leaves them as the drivers made them, as with `MACAddressPolicy=none` in RHEL 9's
//! 99-default.link. With `persistent`, which Debian has, it replaces a random one by one of its own
//! and the kernel says `NET_ADDR_SET` (systemd src/udev/net/link-config.c, `link_generate_new_hw_addr`).

use super::World;
use super::driver::VfMac;
use super::fault::Fault;
use super::model::Model;
use crate::pci::Bdf;

/// `NET_ADDR_PERM`, `NET_ADDR_RANDOM` and `NET_ADDR_SET` of Linux 6.12 include/uapi/linux/netdevice.h.
const PERMANENT: u8 = 0;
const RANDOM: u8 = 1;
const SET: u8 = 3;

impl Model {
    /// What `addr_assign_type` says of the PF's interface, or of a VF's.
    pub(super) fn mac_policy(&self, is_vf: bool) -> u8 {
        match self.row.vf_mac {
            _ if !is_vf => PERMANENT,
            _ if self.has(Fault::MacPolicyChanged) && self.restarts > 0 => SET,
            VfMac::Permanent | VfMac::OfPf => PERMANENT,
            VfMac::Random => RANDOM,
        }
    }
}

impl World {
    /// The address of the interface that a driver is about to make for a function.
    pub(super) fn new_mac(&mut self, bdf: Bdf) -> [u8; 6] {
        let Some(index) = self
            .device
            .function(bdf)
            .and_then(|function| function.index)
        else {
            return [0x02, 0, 0, 1, 0, self.device.number];
        };
        let number = self.device.number;
        let index = index.to_le_bytes()[0];
        let history = &mut self.device.history;
        let times = match self.model.row.vf_mac {
            VfMac::Permanent => return [0x02, number, 0, 1, 1, index],
            VfMac::OfPf => history.enables,
            VfMac::Random => {
                history.random_macs += 1;
                history.random_macs
            }
        };
        // Made up, and yet the same whenever the same is done.
        let [boot, ..] = self.model.restarts.to_le_bytes();
        let [low, high, ..] = times.to_le_bytes();
        [0x06, number, boot, high, low, index]
    }
}
