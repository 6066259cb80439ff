//! What stands in a block: which one it is, and bytes that follow from that, so that no other block can stand in for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::traffic::fill;

/// The first bytes of each.
const MAGIC: [u8; 4] = *b"SRIO";
/// Magic, checksum, seed and LBA.
const HEADING: usize = 20;

/// Which block it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// What tells it from others at the same place: of another drive, or of another time.
    pub seed: u32,
    /// Its logical block address.
    pub lba: u64,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {} of seed {:#010x}", self.lba, self.seed)
    }
}

/// A block that is not the one that was written there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// What must be there.
    pub expected: Label,
    /// What is there, in words.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lba = self.expected.lba;
        write!(
            f,
            "at LBA {lba}: expected {}, found {}",
            self.expected, self.found
        )
    }
}

/// Fills a block, which has [`HEADING`] bytes at least.
pub(super) fn write(block: &mut [u8], label: Label) {
    let (heading, rest) = block.split_at_mut(HEADING);
    fill(rest, label.seed, label.lba);
    heading[..4].copy_from_slice(&MAGIC);
    heading[8..12].copy_from_slice(&label.seed.to_be_bytes());
    heading[12..].copy_from_slice(&label.lba.to_be_bytes());
    let checksum = crc32fast::hash(&block[8..]).to_be_bytes();
    block[4..8].copy_from_slice(&checksum);
}

/// What is wrong with a block, if anything. `scratch` is as long as the block, and holds what it should be afterwards.
pub(super) fn verify(block: &[u8], label: Label, scratch: &mut [u8]) -> Option<Mismatch> {
    write(scratch, label);
    (block != scratch).then(|| Mismatch {
        expected: label,
        found: found(block, scratch),
    })
}

/// Whether a block says that it is that one. Nothing else of it is looked at.
pub(super) fn stands_in(block: &[u8], label: Label) -> bool {
    block[..4] == MAGIC
        && block[8..12] == label.seed.to_be_bytes()
        && block[12..HEADING] == label.lba.to_be_bytes()
}

fn found(block: &[u8], expected: &[u8]) -> String {
    if let Some(label) = read(block) {
        return label.to_string();
    }
    if block.iter().all(|byte| *byte == 0) {
        return "nothing but zeros".to_owned();
    }
    let pairs = block.iter().zip(expected);
    let mut wrong = pairs.enumerate().filter(|(_, (is, was))| is != was);
    let first = wrong.next();
    first.map_or_else(String::new, |(at, (is, was))| {
        format!(
            "{} other bytes, the first at {at}: {is:#04x} instead of {was:#04x}",
            1 + wrong.count()
        )
    })
}

/// Which whole block it is.
fn read(block: &[u8]) -> Option<Label> {
    let (heading, _) = block.split_at_checked(HEADING)?;
    let checksum = crc32fast::hash(&block[8..]).to_be_bytes();
    let whole = heading[..4] == MAGIC && heading[4..8] == checksum;
    whole.then_some(Label {
        seed: u32::from_be_bytes(*heading[8..].first_chunk()?),
        lba: u64::from_be_bytes(*heading[12..].first_chunk()?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(seed: u32, lba: u64) -> Vec<u8> {
        let mut block = vec![0; 512];
        write(&mut block, Label { seed, lba });
        block
    }

    fn told(block: &[u8], seed: u32, lba: u64) -> Option<String> {
        let mismatch = verify(block, Label { seed, lba }, &mut vec![0; block.len()]);
        mismatch.map(|it| it.to_string())
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mut damaged = block(1, 7);
        damaged[300] ^= 0x10;
        let all = [
            told(&block(1, 7), 1, 7),
            told(&block(1, 9), 1, 7),
            told(&block(2, 7), 1, 7),
            told(&[0; 512], 1, 7),
            told(&damaged, 1, 7),
        ];
        let lines: Vec<String> = all.into_iter().map(|it| it.unwrap_or("-".into())).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    proptest! {
        #[test]
        fn any_damage_is_seen(seed: u32, lba: u64, at in 0_usize..512, flip in 1_u8..) {
            let mut damaged = block(seed, lba);
            damaged[at] ^= flip;
            prop_assert!(told(&damaged, seed, lba).is_some());
        }

        #[test]
        fn no_two_blocks_are_alike(one: (u32, u64), other: (u32, u64)) {
            let same = told(&block(one.0, one.1), other.0, other.1).is_none();
            prop_assert_eq!(same, one == other);
        }
    }
}
