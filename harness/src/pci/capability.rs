//! The capabilities the suite asks about, decoded. Every register is named as in Linux `include/uapi/linux/pci_regs.h`,
//! which is also the source of its offset and of its bits.

mod acs;
mod aer;
mod ari;
mod bits;
mod express;
mod msix;
mod power;
mod serial;
mod sriov;

use serde::{Deserialize, Serialize};

pub use acs::{Acs, AcsControl};
pub use aer::{Aer, CorrectableError, UncorrectableError};
pub use ari::Ari;
pub use express::{Express, Link, LinkSpeed, PortType};
pub use msix::MsiX;
pub use power::Power;
pub use serial::Serial;
pub use sriov::{SrIov, VfBar, VfMigration};

use super::ConfigSpace;
use super::registers::Registers;
use super::walk::{Anomaly, List, Located, Walk};

/// What the capabilities of one function say. A capability that is there twice counts the first time, as in Linux.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// `PCI_CAP_ID_PM`.
    pub power: Option<Power>,
    /// `PCI_CAP_ID_EXP`.
    pub express: Option<Express>,
    /// `PCI_CAP_ID_MSIX`.
    pub msix: Option<MsiX>,
    /// `PCI_EXT_CAP_ID_ERR`.
    pub aer: Option<Aer>,
    /// `PCI_EXT_CAP_ID_DSN`; of a network adapter it is the adapter's serial number.
    pub serial: Option<Serial>,
    /// `PCI_EXT_CAP_ID_ACS`.
    pub acs: Option<Acs>,
    /// `PCI_EXT_CAP_ID_ARI`.
    pub ari: Option<Ari>,
    /// `PCI_EXT_CAP_ID_SRIOV`.
    pub sriov: Option<SrIov>,
    /// Every capability of both lists, also those not decoded here.
    pub found: Vec<Located>,
    /// What is wrong with the config space.
    pub anomalies: Vec<Anomaly>,
    /// Whether an absent capability is really absent. False when the function is gone or when part of the space was
    /// not read: only 64 bytes without root; only 256 of a PCI Express function where the extended space is out of reach.
    pub complete: bool,
}

impl Capabilities {
    /// Decodes all there is, and never fails: what is broken is in `anomalies`.
    pub fn read(space: &ConfigSpace) -> Self {
        let walk = Walk::over(space);
        let mut read = Self {
            complete: !walk.unread && !space.is_gone(),
            anomalies: walk.anomalies,
            ..Self::default()
        };
        for located in &walk.found {
            read.decode(Registers::of(space, located), located);
        }
        read.found = walk.found;
        read
    }

    fn decode(&mut self, registers: Registers<'_>, located: &Located) {
        let whole = match (located.list, located.id) {
            (List::Standard, 0x01) => keep(&mut self.power, registers, Power::read),
            (List::Standard, 0x10) => keep(&mut self.express, registers, Express::read),
            (List::Standard, 0x11) => keep(&mut self.msix, registers, MsiX::read),
            (List::Extended, 0x01) => keep(&mut self.aer, registers, Aer::read),
            (List::Extended, 0x03) => keep(&mut self.serial, registers, Serial::read),
            (List::Extended, 0x0d) => keep(&mut self.acs, registers, Acs::read),
            (List::Extended, 0x0e) => keep(&mut self.ari, registers, Ari::read),
            (List::Extended, 0x10) => keep(&mut self.sriov, registers, SrIov::read),
            _ => true,
        };
        if whole {
            return;
        }
        if registers.all_read() {
            self.anomalies.push(Anomaly::Truncated {
                at: located.at,
                id: located.id,
            });
        } else {
            self.complete = false;
        }
    }
}

/// Whether the capability could be decoded, now or the first time.
fn keep<T>(
    slot: &mut Option<T>,
    registers: Registers<'_>,
    read: impl FnOnce(Registers<'_>) -> Option<T>,
) -> bool {
    if slot.is_none() {
        *slot = read(registers);
    }
    slot.is_some()
}

#[cfg(test)]
mod tests;
