//! The device serial number.

use serde::{Deserialize, Serialize};

use crate::pci::registers::Registers;

/// The device serial number capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serial {
    /// Where it stands in config space.
    pub at: u16,
    /// The 64 bits from the highest byte down, as `lspci` prints them: `00-1b-21-ff-ff-a7-d4-c8`. The first double word
    /// (0x04) is the lower half (Linux drivers/pci/pci.c, `pci_get_dsn`).
    pub number: String,
}

impl Serial {
    pub(super) fn read(registers: Registers<'_>) -> Option<Self> {
        let number = u64::from(registers.u32(0x08)?) << 32 | u64::from(registers.u32(0x04)?);
        let bytes = number.to_be_bytes().map(|byte| format!("{byte:02x}"));
        Some(Self {
            at: registers.at(),
            number: bytes.join("-"),
        })
    }
}
