//! What a controller says of itself.

use std::fmt;

use super::structure::{Malformed, Structure};

/// Identify Controller (NVM Express Base Specification; Identify, CNS 01h), as far as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifyController {
    /// SN: the serial number.
    pub sn: String,
    /// MN: the model number.
    pub mn: String,
    /// CNTLID: its identifier in its subsystem.
    pub cntlid: u16,
    /// VER: the revision of the specification that it is of; 0 says nothing of it.
    pub ver: u32,
    /// CMIC: what a subsystem may have several of. Bit 1: controllers. Bit 2: it belongs to a VF.
    pub cmic: u8,
    /// MDTS: the longest transfer is 2^MDTS pages of the smallest size; 0 is no limit.
    pub mdts: u8,
    /// OACS: optional admin commands.
    pub oacs: u16,
    /// NN: the highest namespace identifier there can be.
    pub nn: u32,
    /// UNVMCAP: what no namespace has yet, in bytes.
    pub unvmcap: u128,
}

impl IdentifyController {
    /// Decodes the answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let data = Structure::of("Identify Controller structure", bytes)?;
        Ok(Self {
            sn: data.text(4, 20),
            mn: data.text(24, 40),
            cntlid: data.u16(78),
            ver: data.u32(80),
            cmic: data.u8(76),
            mdts: data.u8(77),
            oacs: data.u16(256),
            nn: data.u32(516),
            unvmcap: data.u128(296),
        })
    }

    /// OACS, bit 3: namespaces can be made, attached and the like.
    pub fn manages_namespaces(&self) -> bool {
        self.oacs & 1 << 3 != 0
    }

    /// OACS, bit 7: the Virtualization Management command.
    pub fn manages_virtualization(&self) -> bool {
        self.oacs & 1 << 7 != 0
    }
}

impl fmt::Display for IdentifyController {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sn,
            mn,
            cntlid,
            ver,
            cmic,
            mdts,
            oacs,
            nn,
            unvmcap,
        } = self;
        write!(
            f,
            "sn {sn}\nmn {mn}\ncntlid {cntlid:#x}\nver {ver:#x}\ncmic {cmic:#x}\nmdts {mdts}\noacs {oacs:#x}\nnn {nn}\nunvmcap {unvmcap}"
        )
    }
}
