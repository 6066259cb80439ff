//! What a frame is filled with: it follows from where the frame belongs, so that no part of another
//! frame can stand in for it.

/// How many bytes of it are made at once.
const BLOCK: usize = 8;

/// Fills the bytes after the heading of a frame.
pub(crate) fn fill(bytes: &mut [u8], session: u32, sequence: u64) {
    let mut blocks = blocks(session, sequence);
    let mut whole = bytes.chunks_exact_mut(BLOCK);
    for (bytes, block) in whole.by_ref().zip(blocks.by_ref()) {
        bytes.copy_from_slice(&block);
    }
    let rest = whole.into_remainder();
    for (byte, filler) in rest.iter_mut().zip(blocks.flatten()) {
        *byte = filler;
    }
}

/// Whether bytes are as they were filled.
pub(super) fn is_filled(bytes: &[u8], session: u32, sequence: u64) -> bool {
    let mut blocks = blocks(session, sequence);
    let whole = bytes.chunks_exact(BLOCK);
    let rest = whole.remainder();
    let is_whole = whole
        .zip(blocks.by_ref())
        .all(|(bytes, block)| bytes == block);
    is_whole
        && rest
            .iter()
            .zip(blocks.flatten())
            .all(|(byte, filler)| *byte == filler)
}

fn blocks(session: u32, sequence: u64) -> impl Iterator<Item = [u8; BLOCK]> {
    let seed = mixed(session.into()) ^ sequence;
    (0..).map(move |block: u64| mixed(seed.wrapping_add(block << 40)).to_be_bytes())
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number
/// Generators, 2014). Each number has another for its own, so what differs in session or in
/// sequence differs in the first block.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{fill, is_filled};

    fn filled(session: u32, sequence: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        fill(&mut bytes, session, sequence);
        bytes
    }

    proptest! {
        #[test]
        fn what_was_filled_is_filled_and_nothing_else(session: u32, sequence: u64, length in 1_usize..100, at: prop::sample::Index, flip in 1..=u8::MAX) {
            let mut bytes = filled(session, sequence, length);
            prop_assert!(is_filled(&bytes, session, sequence));
            bytes[at.index(length)] ^= flip;
            prop_assert!(!is_filled(&bytes, session, sequence));
        }

        #[test]
        fn a_shorter_one_is_the_beginning_of_a_longer_one(session: u32, sequence: u64, length in 0_usize..100) {
            prop_assert_eq!(filled(session, sequence, length), &filled(session, sequence, 100)[..length]);
        }
    }

    #[test]
    fn neighbours_share_no_block() {
        let places = (0..32).flat_map(|session| (0..32).map(move |sequence| (session, sequence)));
        let blocks: BTreeSet<_> = places.map(|(a, b)| filled(a, b, 8)).collect();
        assert_eq!(blocks.len(), 32 * 32);
    }

    #[test]
    fn a_frame_repeats_no_block() {
        let bytes = filled(1, 1, 9000);
        let blocks: BTreeSet<_> = bytes.chunks(8).collect();
        assert_eq!(blocks.len(), 9000 / 8);
    }
}
