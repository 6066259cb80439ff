//! Alternative Routing-ID Interpretation: up to 256 functions on one bus, instead of 8 per device.

use serde::{Deserialize, Serialize};

use crate::pci::registers::Registers;

/// The Alternative Routing-ID capability of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ari {
    /// Where it stands in config space.
    pub at: u16,
    /// The next function of the device, 0 for the last: `PCI_ARI_CAP_NFN` of `PCI_ARI_CAP` (0x04).
    pub next_function: u8,
}

impl Ari {
    pub(super) fn read(registers: Registers<'_>) -> Option<Self> {
        let [_, next_function] = registers.u16(0x04)?.to_le_bytes();
        Some(Self {
            at: registers.at(),
            next_function,
        })
    }
}
