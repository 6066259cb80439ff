//! The registers of one capability, by their offset from its start and never past the end of its space.

use super::ConfigSpace;
use super::config::{CONVENTIONAL, EXTENDED};
use super::walk::{List, Located};

/// The registers of one capability.
#[derive(Clone, Copy)]
pub(super) struct Registers<'a> {
    space: &'a ConfigSpace,
    at: u16,
    end: u16,
}

impl<'a> Registers<'a> {
    pub(super) fn of(space: &'a ConfigSpace, located: &Located) -> Self {
        // A standard capability that ran past 256 bytes would show registers of the extended space as its own.
        let end = match located.list {
            List::Standard => CONVENTIONAL,
            List::Extended => EXTENDED,
        };
        Self {
            space,
            at: located.at,
            end,
        }
    }

    /// Whether the whole space was read, so that a register that is not there really does not exist.
    pub(super) fn all_read(&self) -> bool {
        self.space.reaches(self.end)
    }

    pub(super) fn at(&self) -> u16 {
        self.at
    }

    pub(super) fn u8(&self, register: u16) -> Option<u8> {
        self.space.u8(self.offset(register, 1)?)
    }

    pub(super) fn u16(&self, register: u16) -> Option<u16> {
        self.space.u16(self.offset(register, 2)?)
    }

    pub(super) fn u32(&self, register: u16) -> Option<u32> {
        self.space.u32(self.offset(register, 4)?)
    }

    fn offset(&self, register: u16, size: u16) -> Option<u16> {
        let offset = self.at.checked_add(register)?;
        offset
            .checked_add(size)
            .filter(|end| *end <= self.end)
            .map(|_| offset)
    }
}
