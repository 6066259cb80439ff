//! What can be wrong with an ACPI table.

use std::fmt;

/// Why a table cannot be read: which table, where in it, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// The table's signature.
    pub table: &'static str,
    /// Where in the table.
    pub offset: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is another table.
    Signature {
        /// The signature found, as printable text.
        found: String,
    },
    /// The bytes end before the table does.
    Truncated {
        /// The bytes its header says, or those of the header itself.
        needed: usize,
        /// The bytes there are.
        present: usize,
    },
    /// There are more bytes than the header says.
    Trailing {
        /// The length the header gives.
        given: usize,
        /// The bytes there are.
        present: usize,
    },
    /// The header gives a length too short for a table of its kind.
    TooSmall {
        /// The length given.
        given: usize,
        /// The length it must at least have.
        least: usize,
    },
    /// The bytes do not add up to 0.
    Checksum {
        /// What they add up to.
        sum: u8,
    },
    /// A structure gives a length shorter than itself. A length of 0 would repeat for ever.
    TooShort {
        /// The structure's type.
        kind: u8,
        /// The length given.
        given: usize,
        /// The length it must at least have.
        least: usize,
    },
    /// A structure leads past the end of what contains it.
    PastEnd {
        /// Where the structure would end.
        to: usize,
        /// Where what contains it ends.
        end: usize,
    },
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "acpi table {} is broken at offset {}: {}; ",
            self.table, self.offset, self.fault
        )?;
        match self.fault {
            Fault::Truncated { .. } | Fault::Trailing { .. } | Fault::Signature { .. } => {
                write!(
                    f,
                    "read exactly /sys/firmware/acpi/tables/{}, as root",
                    self.table
                )
            }
            _ => f.write_str("this is a fault of the firmware, look for an update of it"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature { found } => write!(f, "its signature is `{found}`"),
            Self::Truncated { needed, present } => {
                write!(f, "it has only {present} of its {needed} bytes")
            }
            Self::Trailing { given, present } => {
                write!(f, "its header says {given} bytes and there are {present}")
            }
            Self::TooSmall { given, least } => write!(
                f,
                "its header says {given} bytes and it needs at least {least}"
            ),
            Self::Checksum { sum } => write!(f, "its bytes add up to {sum:#04x} instead of 0"),
            Self::TooShort { kind, given, least } => {
                write!(
                    f,
                    "a structure of type {kind:#x} says it has {given} bytes, but needs at least {least}"
                )
            }
            Self::PastEnd { to, end } => {
                write!(f, "a structure leads to byte {to}, past the end at {end}")
            }
        }
    }
}

impl std::error::Error for TableError {}
