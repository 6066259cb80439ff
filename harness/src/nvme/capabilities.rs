//! What a primary controller has to give to secondary ones.

use std::fmt;

use super::command::Resource;
use super::structure::{Malformed, Structure};

/// Primary Controller Capabilities (NVM Express Base Specification; Identify, CNS 14h).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryCapabilities {
    /// CNTLID: the primary controller's identifier.
    pub cntlid: u16,
    /// Virtual queue resources; `None` where CRT says that they cannot be given away. One is a queue pair.
    pub vq: Option<Flexible>,
    /// Virtual interrupt resources; likewise. One is a vector.
    pub vi: Option<Flexible>,
}

/// Resources of one type: what there is of them, and where they are. The fields of VQ and VI have the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flexible {
    /// VQFRT, VIFRT: how many flexible ones the primary and all secondary controllers have together.
    pub total: u32,
    /// VQRFA, VIRFA: how many of them secondary controllers have.
    pub assigned: u32,
    /// VQRFAP, VIRFAP: how many of them the primary controller has.
    pub primary: u16,
    /// VQPRT, VIPRT: how many private ones the primary controller has beside them.
    pub private: u16,
    /// VQFRSM, VIFRSM: how many a secondary controller may have at most.
    pub secondary_max: u16,
    /// VQGRAN, VIGRAN: they are given in multiples of that; 0 says nothing of it.
    pub granularity: u16,
}

impl PrimaryCapabilities {
    /// Decodes the answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let data = Structure::of("Primary Controller Capabilities structure", bytes)?;
        let crt = data.u8(4);
        let of = |bit: u8, at| (crt & bit != 0).then(|| Flexible::at(&data, at));
        Ok(Self {
            cntlid: data.u16(0),
            vq: of(1, 32),
            vi: of(2, 64),
        })
    }

    /// How many flexible ones the primary controller has, in the order of [`Resource::ALL`].
    pub fn held(&self) -> [u16; 2] {
        Resource::ALL.map(|resource| self.of(resource).map_or(0, |own| own.primary))
    }

    /// What there is of a type.
    pub fn of(&self, resource: Resource) -> Option<Flexible> {
        match resource {
            Resource::Queues => self.vq,
            Resource::Interrupts => self.vi,
        }
    }
}

impl Flexible {
    fn at(data: &Structure<'_>, at: usize) -> Self {
        Self {
            total: data.u32(at),
            assigned: data.u32(at + 4),
            primary: data.u16(at + 8),
            private: data.u16(at + 10),
            secondary_max: data.u16(at + 12),
            granularity: data.u16(at + 14),
        }
    }

    /// How many of the flexible ones nobody has; `None` where more are given away than there are.
    pub fn free(&self) -> Option<u32> {
        let left = self.total.checked_sub(self.assigned)?;
        left.checked_sub(self.primary.into())
    }
}

impl fmt::Display for Flexible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            total,
            assigned,
            primary,
            private,
            secondary_max,
            granularity,
        } = self;
        write!(
            f,
            "{total} flexible, of which secondary controllers have {assigned} and the primary one {primary} beside {private} private; \
             at most {secondary_max} for each secondary one, in steps of {granularity}"
        )
    }
}

impl fmt::Display for PrimaryCapabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cntlid {:#x}", self.cntlid)?;
        for (name, resources) in [("VQ", self.vq), ("VI", self.vi)] {
            match resources {
                Some(resources) => write!(f, "\n{name}: {resources}")?,
                None => write!(f, "\n{name}: not supported")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_are_not_supported_are_none() {
        let mut bytes = vec![0; 4096];
        bytes[4] = 2;
        bytes[64] = 9;
        let decoded = PrimaryCapabilities::decode(&bytes).unwrap();
        assert_eq!(decoded.vq, None);
        assert_eq!(decoded.vi.map(|vi| vi.total), Some(9));
    }

    #[test]
    fn what_is_free_is_what_nobody_has() {
        let flexible = |total, assigned, primary| Flexible {
            total,
            assigned,
            primary,
            private: 3,
            secondary_max: 2,
            granularity: 1,
        };
        let free = [(8, 3, 1), (8, 8, 0), (8, 7, 2), (8, 9, 0)]
            .map(|(total, assigned, primary)| flexible(total, assigned, primary).free());
        assert_eq!(free, [Some(4), Some(0), None, None]);
    }

    #[test]
    fn what_is_too_short_is_told_in_one_line() {
        let error = PrimaryCapabilities::decode(&[0; 512]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no Primary Controller Capabilities structure: it has 4096 bytes, and 512 came"
        );
    }
}
