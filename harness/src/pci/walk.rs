//! Finds the capabilities of a config space, however broken its lists are, and says what is broken.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ConfigSpace;
use super::config::{CONVENTIONAL, EXTENDED};

// Linux include/uapi/linux/pci_regs.h.
const STATUS: u16 = 0x06; // PCI_STATUS
const STATUS_CAP_LIST: u16 = 0x10; // PCI_STATUS_CAP_LIST
const HEADER_TYPE: u16 = 0x0e; // PCI_HEADER_TYPE
const FIRST: u16 = 0x34; // PCI_CAPABILITY_LIST
const FIRST_OF_CARDBUS: u16 = 0x14; // PCI_CB_CAPABILITY_LIST
const HEADER_END: u16 = 0x40; // PCI_STD_HEADER_SIZEOF
const EXPRESS: u16 = 0x10; // PCI_CAP_ID_EXP

/// The two lists a capability can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    /// The list within the first 256 bytes.
    Standard,
    /// The list from offset 0x100 on.
    Extended,
}

/// One capability and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// The list it is in; the ids of the two lists are unrelated.
    pub list: List,
    /// Its id, `PCI_CAP_ID_…` or `PCI_EXT_CAP_ID_…` of Linux `include/uapi/linux/pci_regs.h`.
    pub id: u16,
    /// Its offset.
    pub at: u16,
}

/// Something wrong with a config space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Anomaly {
    /// The function does not answer: its header reads as all ones.
    Gone,
    /// A list leads back to a capability it already had.
    Loop {
        /// The capability it comes back to.
        at: u16,
    },
    /// A pointer leads out of the space that its list may use.
    Dangling {
        /// Where the pointer stands.
        at: u16,
        /// Where it leads.
        to: u16,
    },
    /// A pointer leads to a capability that reads as all ones.
    AllOnes {
        /// Where it should be.
        at: u16,
    },
    /// A capability has fewer registers than its kind must have before its space ends.
    Truncated {
        /// Its offset.
        at: u16,
        /// Its id.
        id: u16,
    },
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => write!(
                f,
                "the config space reads as all ones: the function is gone or powered off"
            ),
            Self::Loop { at } => write!(f, "the capability list comes back to offset {at:#x}"),
            Self::Dangling { at, to } => write!(
                f,
                "the capability pointer at offset {at:#x} leads to {to:#x}, where none can be"
            ),
            Self::AllOnes { at } => write!(f, "the capability at offset {at:#x} reads as all ones"),
            Self::Truncated { at, id } => write!(
                f,
                "capability {id:#x} at offset {at:#x} runs past the end of its space"
            ),
        }
    }
}

/// What a walk over both lists found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// The capabilities, in the order of their lists.
    pub found: Vec<Located>,
    /// What is wrong with the lists.
    pub anomalies: Vec<Anomaly>,
    /// Whether the lists lead, or could lead, to bytes that were not read.
    pub unread: bool,
}

impl Walk {
    /// Walks both lists. The steps are those of Linux drivers/pci/pci.c (`__pci_find_next_cap_ttl` and
    /// `pci_find_next_ext_capability`); where Linux ends silently, the reason is recorded.
    pub fn over(space: &ConfigSpace) -> Self {
        let mut walk = Self::default();
        if space.is_gone() {
            walk.anomalies.push(Anomaly::Gone);
            return walk;
        }
        if walk.standard(space).is_none() || walk.extended(space).is_none() {
            walk.unread = true;
        }
        walk
    }

    /// None when a byte it needed was not read.
    fn standard(&mut self, space: &ConfigSpace) -> Option<()> {
        if space.u16(STATUS)? & STATUS_CAP_LIST == 0 {
            return Some(());
        }
        let mut pointer = if space.u8(HEADER_TYPE)? & 0x7f == 2 {
            FIRST_OF_CARDBUS
        } else {
            FIRST
        };
        let mut seen = Seen::default();
        loop {
            // The two low bits are reserved and masked, as Linux does.
            let at = u16::from(space.u8(pointer)? & !3);
            if at == 0 || !self.may_visit(pointer, at, HEADER_END, &mut seen) {
                return Some(());
            }
            let id = u16::from(space.u8(at)?);
            if id == 0xff {
                self.anomalies.push(Anomaly::AllOnes { at });
                return Some(());
            }
            self.found.push(Located {
                list: List::Standard,
                id,
                at,
            });
            pointer = at + 1;
        }
    }

    /// None when a byte it needed was not read.
    fn extended(&mut self, space: &ConfigSpace) -> Option<()> {
        if !space.reaches(CONVENTIONAL + 4) {
            let must_exist = self.found.iter().any(|located| located.id == EXPRESS);
            return if must_exist { None } else { Some(()) };
        }
        let mut at = CONVENTIONAL;
        let mut seen = Seen::default();
        seen.first_visit(at);
        loop {
            let header = space.u32(at)?;
            if header == u32::MAX {
                // At 0x100 this is how an unreachable extended space reads (probe.c, `pci_cfg_space_size_ext`).
                self.anomalies
                    .extend((at != CONVENTIONAL).then_some(Anomaly::AllOnes { at }));
                return Some(());
            }
            let (id, next) = split(header);
            if header != 0 {
                self.found.push(Located {
                    list: List::Extended,
                    id,
                    at,
                });
            }
            if next == 0 || !self.may_visit(at, next, CONVENTIONAL, &mut seen) {
                return Some(());
            }
            at = next;
        }
    }

    fn may_visit(&mut self, pointer: u16, to: u16, start: u16, seen: &mut Seen) -> bool {
        if to < start {
            self.anomalies.push(Anomaly::Dangling { at: pointer, to });
            return false;
        }
        if !seen.first_visit(to) {
            self.anomalies.push(Anomaly::Loop { at: to });
            return false;
        }
        true
    }
}

/// Id and next offset of an extended capability (`PCI_EXT_CAP_ID`, `PCI_EXT_CAP_NEXT`).
fn split(header: u32) -> (u16, u16) {
    let [low, high, version_next, next] = header.to_le_bytes();
    (
        u16::from_le_bytes([low, high]),
        u16::from_le_bytes([version_next, next]) >> 4 & 0xffc,
    )
}

/// The offsets a walk has been to; all are multiples of 4.
struct Seen([bool; EXTENDED as usize / 4]);

impl Default for Seen {
    fn default() -> Self {
        Self([false; EXTENDED as usize / 4])
    }
}

impl Seen {
    /// Whether this is the first visit. An offset outside the space counts as visited, so that no walk goes there.
    fn first_visit(&mut self, at: u16) -> bool {
        self.0
            .get_mut(usize::from(at / 4))
            .is_some_and(|seen| !std::mem::replace(seen, true))
    }
}

#[cfg(test)]
mod tests;
