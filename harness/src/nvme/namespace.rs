//! What a controller says of one of its namespaces.

use std::fmt;

use super::structure::{Malformed, Structure};

/// Identify Namespace (NVM Express NVM Command Set Specification; Identify, CNS 00h and, of any namespace, 11h), as far as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentifyNamespace {
    /// NSZE: its size in blocks; by CNS 00h 0 where the namespace is not active on that controller.
    pub nsze: u64,
    /// NMIC, bit 0: several controllers may be attached to it at once.
    pub shared: bool,
    /// LBADS of the format in use: a block has 2^LBADS bytes.
    pub lbads: u8,
    /// MS of the format in use: bytes of metadata for each block.
    pub ms: u16,
}

impl IdentifyNamespace {
    /// Decodes the answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let data = Structure::of("Identify Namespace structure", bytes)?;
        let flbas = data.u8(26);
        // Bits 3:0 and, above them, 6:5.
        let format = usize::from(flbas & 0xf | (flbas & 0x60) >> 1);
        let at = 128 + 4 * format;
        Ok(Self {
            nsze: data.u64(0),
            shared: data.u8(30) & 1 != 0,
            ms: data.u16(at),
            lbads: data.u8(at + 2),
        })
    }

    /// Bytes of a block; `None` where none can be as long as it says.
    pub fn block(&self) -> Option<u64> {
        // Below 2^9 it is reserved, and 0 is a format that is not available.
        (9..32).contains(&self.lbads).then(|| 1 << self.lbads)
    }
}

impl fmt::Display for IdentifyNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            nsze,
            shared,
            lbads,
            ms,
        } = self;
        let shared = if *shared { "shared" } else { "private" };
        write!(f, "nsze {nsze}, lbads {lbads}, ms {ms}, {shared}")
    }
}

#[cfg(test)]
mod tests {
    use super::IdentifyNamespace;

    #[test]
    fn the_format_in_use_may_be_beyond_the_sixteenth() {
        let mut bytes = vec![0; 4096];
        (bytes[26], bytes[30]) = (0x21, 1);
        bytes[128 + 4 * 17..][..4].copy_from_slice(&[8, 0, 12, 0]);
        let namespace = IdentifyNamespace::decode(&bytes).unwrap();
        assert_eq!(namespace.to_string(), "nsze 0, lbads 12, ms 8, shared");
        assert_eq!(namespace.block(), Some(4096));
    }

    #[test]
    fn a_block_has_512_bytes_at_least() {
        for lbads in [0, 8, 32, 255] {
            let mut bytes = vec![0; 4096];
            bytes[130] = lbads;
            assert_eq!(IdentifyNamespace::decode(&bytes).unwrap().block(), None);
        }
    }
}
