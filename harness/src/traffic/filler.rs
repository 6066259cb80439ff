//! What a frame is filled with: it follows from where the frame belongs, so that no part of another
//! frame can stand in for it.

/// The bytes after the heading of a frame, as many as are taken.
pub(crate) fn filler(session: u32, sequence: u64) -> impl Iterator<Item = u8> {
    let seed = mixed(session.into()) ^ sequence;
    (0..).flat_map(move |block: u64| mixed(seed.wrapping_add(block << 40)).to_be_bytes())
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

    use super::filler;

    fn block(session: u32, sequence: u64) -> Vec<u8> {
        filler(session, sequence).take(8).collect()
    }

    #[test]
    fn the_same_place_has_the_same_filler() {
        assert_eq!(block(7, 8), block(7, 8));
    }

    #[test]
    fn neighbours_share_no_block() {
        let places = (0..32).flat_map(|session| (0..32).map(move |sequence| (session, sequence)));
        let blocks: BTreeSet<_> = places.map(|(a, b)| block(a, b)).collect();
        assert_eq!(blocks.len(), 32 * 32);
    }

    #[test]
    fn a_frame_repeats_no_block() {
        let bytes: Vec<u8> = filler(1, 1).take(9000).collect();
        let blocks: BTreeSet<_> = bytes.chunks(8).collect();
        assert_eq!(blocks.len(), 9000 / 8);
    }
}
