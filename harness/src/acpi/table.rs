//! An ACPI table whose header, length and checksum are right, and length-checked access to what is in it.

use std::cmp::Ordering;
use std::ops::Range;

use super::error::{Fault, TableError};

// `struct acpi_table_header`, Linux include/acpi/actbl.h.
pub(super) const HEADER: usize = 36;
const LENGTH: usize = 4;
const CHECKSUM: usize = 9;

/// A table, or a structure in it. Offsets are always counted from the start of the table.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    signature: &'static str,
    bytes: &'a [u8],
}

impl<'a> Table<'a> {
    /// Checks signature, length and checksum, and that the table has at least `least` bytes.
    pub(super) fn new(
        signature: &'static str,
        least: usize,
        bytes: &'a [u8],
    ) -> Result<Self, TableError> {
        let table = Self { signature, bytes };
        if bytes.len() < HEADER {
            return Err(table.error(
                0,
                Fault::Truncated {
                    needed: HEADER,
                    present: bytes.len(),
                },
            ));
        }
        table.check_signature()?;
        table.check_length(least)?;
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        if sum == 0 {
            Ok(table)
        } else {
            Err(table.error(CHECKSUM, Fault::Checksum { sum }))
        }
    }

    fn check_signature(&self) -> Result<(), TableError> {
        let found: [u8; 4] = self.array(0)?;
        if found == self.signature.as_bytes() {
            return Ok(());
        }
        Err(self.error(
            0,
            Fault::Signature {
                found: found.escape_ascii().to_string(),
            },
        ))
    }

    fn check_length(&self, least: usize) -> Result<(), TableError> {
        let given = self.u32(LENGTH)? as usize;
        let present = self.bytes.len();
        match given.cmp(&present) {
            Ordering::Greater => Err(self.error(
                LENGTH,
                Fault::Truncated {
                    needed: given,
                    present,
                },
            )),
            Ordering::Less => Err(self.error(LENGTH, Fault::Trailing { given, present })),
            Ordering::Equal if given < least => {
                Err(self.error(LENGTH, Fault::TooSmall { given, least }))
            }
            Ordering::Equal => Ok(()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn u8(&self, at: usize) -> Result<u8, TableError> {
        self.array(at).map(u8::from_le_bytes)
    }

    pub(super) fn u16(&self, at: usize) -> Result<u16, TableError> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&self, at: usize) -> Result<u32, TableError> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&self, at: usize) -> Result<u64, TableError> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// The range of a structure at `at` that says it has `given` bytes, must have `least`, and must end by `end`.
    pub(super) fn structure(
        &self,
        at: usize,
        kind: u8,
        given: usize,
        least: usize,
        end: usize,
    ) -> Result<Range<usize>, TableError> {
        if given < least {
            return Err(self.error(at, Fault::TooShort { kind, given, least }));
        }
        let to = at.saturating_add(given);
        if to > end {
            Err(self.error(at, Fault::PastEnd { to, end }))
        } else {
            Ok(at..to)
        }
    }

    pub(super) fn error(&self, offset: usize, fault: Fault) -> TableError {
        TableError {
            table: self.signature,
            offset,
            fault,
        }
    }

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], TableError> {
        let found = self
            .bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk().copied());
        found.ok_or_else(|| {
            self.error(
                at,
                Fault::PastEnd {
                    to: at.saturating_add(N),
                    end: self.bytes.len(),
                },
            )
        })
    }
}
