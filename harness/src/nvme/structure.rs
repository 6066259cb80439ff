//! The data that Identify returns: 4096 bytes, least significant first.

use std::fmt;

/// How long it is (NVM Express Base Specification, Identify command).
const LENGTH: usize = 4096;

/// What is no Identify data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    what: &'static str,
    why: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {}: {}", self.what, self.why)
    }
}

impl std::error::Error for Malformed {}

/// The bytes of one answer.
pub(super) struct Structure<'a> {
    what: &'static str,
    bytes: &'a [u8; LENGTH],
}

impl<'a> Structure<'a> {
    pub(super) fn of(what: &'static str, bytes: &'a [u8]) -> Result<Self, Malformed> {
        let whole = bytes.try_into().map_err(|_| Malformed {
            what,
            why: format!("it has {LENGTH} bytes, and {} came", bytes.len()),
        })?;
        Ok(Self { what, bytes: whole })
    }

    pub(super) fn refused(&self, why: String) -> Malformed {
        Malformed {
            what: self.what,
            why,
        }
    }

    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.bytes[at..at + N]);
        bytes
    }

    pub(super) fn u8(&self, at: usize) -> u8 {
        self.bytes[at]
    }

    pub(super) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.bytes(at))
    }

    pub(super) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    pub(super) fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }

    pub(super) fn u128(&self, at: usize) -> u128 {
        u128::from_le_bytes(self.bytes(at))
    }

    /// ASCII, filled up with blanks. What is none is shown as such and not refused.
    pub(super) fn text(&self, at: usize, length: usize) -> String {
        let text = String::from_utf8_lossy(&self.bytes[at..at + length]);
        text.trim_matches([' ', '\0']).to_owned()
    }
}
