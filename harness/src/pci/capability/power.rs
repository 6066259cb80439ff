//! Power management: the state a function is in, and whether leaving `D3hot` resets it.

use serde::{Deserialize, Serialize};

use crate::pci::registers::Registers;

/// The power management capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Power {
    /// Where it stands in config space.
    pub at: u16,
    /// The state, 0 for D0 to 3 for `D3hot`: `PCI_PM_CTRL_STATE_MASK` of `PCI_PM_CTRL` (0x04).
    pub state: u8,
    /// Whether the function keeps its state on the way from `D3hot` to D0, which makes the `pm` reset method useless:
    /// `PCI_PM_CTRL_NO_SOFT_RESET`.
    pub no_soft_reset: bool,
}

impl Power {
    pub(super) fn read(registers: Registers<'_>) -> Option<Self> {
        let control = registers.u8(0x04)?;
        Some(Self {
            at: registers.at(),
            state: control & 0x03,
            no_soft_reset: control & 0x08 != 0,
        })
    }
}
