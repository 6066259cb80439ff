//! Access Control Services: whether traffic between functions must pass the IOMMU.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::bits::named;
use crate::pci::registers::Registers;

/// The Access Control Services capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acs {
    /// Where it stands in config space.
    pub at: u16,
    /// What the function can do: `PCI_ACS_CAP` (0x04).
    pub capable: BTreeSet<AcsControl>,
    /// What is switched on: `PCI_ACS_CTRL` (0x06).
    pub enabled: BTreeSet<AcsControl>,
}

impl Acs {
    pub(super) fn read(registers: Registers<'_>) -> Option<Self> {
        Some(Self {
            at: registers.at(),
            capable: named(registers.u16(0x04)?.into(), &CONTROLS),
            enabled: named(registers.u16(0x06)?.into(), &CONTROLS),
        })
    }
}

/// One control of the capability, by the two letters that `pci_regs.h` and `lspci` use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AcsControl {
    /// Source Validation, `PCI_ACS_SV`.
    Sv,
    /// Translation Blocking, `PCI_ACS_TB`.
    Tb,
    /// P2P Request Redirect, `PCI_ACS_RR`.
    Rr,
    /// P2P Completion Redirect, `PCI_ACS_CR`.
    Cr,
    /// Upstream Forwarding, `PCI_ACS_UF`.
    Uf,
    /// P2P Egress Control, `PCI_ACS_EC`.
    Ec,
    /// Direct Translated P2P, `PCI_ACS_DT`.
    Dt,
}

impl AcsControl {
    /// What isolates the devices below a port from each other: without one of them the kernel puts
    /// them into one IOMMU group (Linux 6.12 drivers/iommu/iommu.c, `REQ_ACS_FLAGS`).
    pub const REQUIRED: [Self; 4] = [Self::Sv, Self::Rr, Self::Cr, Self::Uf];

    /// The two letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sv => "SV",
            Self::Tb => "TB",
            Self::Rr => "RR",
            Self::Cr => "CR",
            Self::Uf => "UF",
            Self::Ec => "EC",
            Self::Dt => "DT",
        }
    }
}

const CONTROLS: [(u32, AcsControl); 7] = [
    (0x01, AcsControl::Sv),
    (0x02, AcsControl::Tb),
    (0x04, AcsControl::Rr),
    (0x08, AcsControl::Cr),
    (0x10, AcsControl::Uf),
    (0x20, AcsControl::Ec),
    (0x40, AcsControl::Dt),
];
