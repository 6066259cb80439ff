//! The controllers that a primary one has made of itself: those of its VFs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::command::Resource;
use super::structure::{Malformed, Structure};

/// The first entry, and how long one is.
const FIRST: usize = 32;
const ENTRY: usize = 32;
/// How many fit.
const MOST: usize = 127;

/// An entry of the Secondary Controller List (NVM Express Base Specification; Identify, CNS 15h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondaryController {
    /// SCID: its identifier.
    pub scid: u16,
    /// PCID: the identifier of its primary controller.
    pub pcid: u16,
    /// SCS, bit 0: whether it is online.
    pub online: bool,
    /// VFN: the number of its VF, from 1; 0 for none.
    pub vfn: u16,
    /// NVQ: how many queue resources it has.
    pub nvq: u16,
    /// NVI: how many interrupt resources it has.
    pub nvi: u16,
}

/// Decodes the list.
pub fn secondary_controllers(bytes: &[u8]) -> Result<Vec<SecondaryController>, Malformed> {
    let data = Structure::of("Secondary Controller List", bytes)?;
    let count = usize::from(data.u8(0));
    if count > MOST {
        return Err(data.refused(format!(
            "{count} entries are said to follow, and {MOST} fit"
        )));
    }
    let entries = (0..count).map(|index| SecondaryController::at(&data, FIRST + index * ENTRY));
    Ok(entries.collect())
}

impl SecondaryController {
    fn at(data: &Structure<'_>, at: usize) -> Self {
        Self {
            scid: data.u16(at),
            pcid: data.u16(at + 2),
            online: data.u8(at + 4) & 1 != 0,
            vfn: data.u16(at + 8),
            nvq: data.u16(at + 10),
            nvi: data.u16(at + 12),
        }
    }

    /// How many it has of a type.
    pub fn of(&self, resource: Resource) -> u16 {
        match resource {
            Resource::Queues => self.nvq,
            Resource::Interrupts => self.nvi,
        }
    }

    /// Whether it is as one is that nobody has given anything: offline, and without resources.
    pub fn is_bare(&self) -> bool {
        !self.online && self.nvq == 0 && self.nvi == 0
    }
}

impl fmt::Display for SecondaryController {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.online { "online" } else { "offline" };
        let Self {
            scid,
            pcid,
            vfn,
            nvq,
            nvi,
            ..
        } = self;
        write!(
            f,
            "controller {scid:#x} of {pcid:#x}, VF {vfn}: {state}, {nvq} VQ, {nvi} VI"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_their_order() {
        let mut bytes = vec![0; 4096];
        bytes[0] = 2;
        bytes[32..46].copy_from_slice(&[7, 0, 1, 0, 1, 0, 0, 0, 1, 0, 2, 0, 3, 0]);
        bytes[64..66].copy_from_slice(&[0, 1]);
        let all = secondary_controllers(&bytes).unwrap();
        let told: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "controller 0x7 of 0x1, VF 1: online, 2 VQ, 3 VI",
                "controller 0x100 of 0x0, VF 0: offline, 0 VQ, 0 VI"
            ]
        );
        assert_eq!([all[0].is_bare(), all[1].is_bare()], [false, true]);
    }

    #[test]
    fn more_than_fit_are_refused() {
        let mut bytes = vec![0; 4096];
        bytes[0] = 128;
        let error = secondary_controllers(&bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no Secondary Controller List: 128 entries are said to follow, and 127 fit"
        );
    }
}
