//! MSI-X: how many interrupt vectors a function has.

use serde::{Deserialize, Serialize};

use crate::pci::registers::Registers;

/// The MSI-X capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MsiX {
    /// Where it stands in config space.
    pub at: u16,
    /// The vectors of its table: `PCI_MSIX_FLAGS_QSIZE` of `PCI_MSIX_FLAGS` (0x02), plus one.
    pub vectors: u16,
    /// `PCI_MSIX_FLAGS_ENABLE`.
    pub enabled: bool,
    /// `PCI_MSIX_FLAGS_MASKALL`.
    pub masked: bool,
}

impl MsiX {
    pub(super) fn read(registers: Registers<'_>) -> Option<Self> {
        let flags = registers.u16(0x02)?;
        Some(Self {
            at: registers.at(),
            vectors: (flags & 0x07ff) + 1,
            enabled: flags & 0x8000 != 0,
            masked: flags & 0x4000 != 0,
        })
    }
}
