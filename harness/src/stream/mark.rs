//! What stands first in the payload of a frame: to which flow it belongs, and which of that flow it is.
//!
//! The number stands there twice, the second time inverted, so that a damaged one is noticed, and so that it never changes
//! the checksum of UDP: a word and its inversion add up to the same always (RFC 1071, section 2). So does the time
//! after it, where a frame is stamped. A frame is built once and only these are written anew. The flow, and that before all of it, are in the shortest frame of UDP over IPv4, of
//! whose 60 bytes 18 are left.

/// How long it is in bytes.
pub(super) const LENGTH: usize = 18;
/// What tells the last frame of a flow from the others.
const END: u64 = 1 << 63;
/// What tells a stamped frame from others.
const STAMPED: u64 = 1 << 62;
/// How long a stamp is in bytes.
pub(super) const STAMP: usize = 16;

/// What a frame is of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The frame of that number, from 0 on.
    Frame(u64),
    /// The end of the flow, which had that many.
    End(u64),
}

impl Mark {
    /// Writes it into a payload, whose flow stays. The payload must have room for it.
    pub fn write(self, payload: &mut [u8]) {
        let number = match self {
            Self::Frame(number) => number,
            Self::End(count) => count | END,
        };
        payload[2..10].copy_from_slice(&number.to_be_bytes());
        payload[10..LENGTH].copy_from_slice(&(!number).to_be_bytes());
    }

    /// The flow of a payload, and its mark; `None` for a damaged one or one that is no stream's.
    pub fn read(payload: &[u8]) -> Option<(u16, Self)> {
        let (flow, rest) = payload.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (inverted, _) = rest.split_first_chunk()?;
        let number = u64::from_be_bytes(*number);
        let count = number & !(END | STAMPED);
        let mark = if number & END == 0 {
            Self::Frame(count)
        } else {
            Self::End(count)
        };
        (number == !u64::from_be_bytes(*inverted)).then_some((u16::from_be_bytes(*flow), mark))
    }
}

/// Writes into a payload that has its mark when it is sent, in nanoseconds. It must have room for that.
pub(super) fn stamp(payload: &mut [u8], time: u64) {
    for (at, bit) in STAMPED.to_be_bytes().into_iter().enumerate() {
        payload[2 + at] |= bit;
        payload[10 + at] &= !bit;
    }
    payload[LENGTH..][..8].copy_from_slice(&time.to_be_bytes());
    payload[LENGTH + 8..][..8].copy_from_slice(&(!time).to_be_bytes());
}

/// Whether a payload that has a mark is stamped.
pub(super) fn is_stamped(payload: &[u8]) -> bool {
    u64::from(payload[2]) << 56 & STAMPED != 0
}

/// When a stamped payload was sent; `None` for a damaged one.
pub(super) fn time(payload: &[u8]) -> Option<u64> {
    let (time, rest) = payload.get(LENGTH..)?.split_first_chunk()?;
    let (inverted, _) = rest.split_first_chunk()?;
    let time = u64::from_be_bytes(*time);
    (time == !u64::from_be_bytes(*inverted)).then_some(time)
}

/// The flow of a payload.
pub(super) fn flow(payload: &[u8]) -> u16 {
    u16::from_be_bytes([payload[0], payload[1]])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LENGTH, Mark, STAMP, flow, is_stamped, stamp, time};

    fn payload(flow: u16, mark: Mark) -> [u8; LENGTH] {
        let mut payload = [0; LENGTH];
        payload[..2].copy_from_slice(&flow.to_be_bytes());
        mark.write(&mut payload);
        payload
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(number in 0..u64::MAX / 4, end: bool, id: u16) {
            let mark = if end { Mark::End(number) } else { Mark::Frame(number) };
            let payload = payload(id, mark);
            prop_assert_eq!(Mark::read(&payload), Some((id, mark)));
            prop_assert_eq!(flow(&payload), id);
        }

        #[test]
        fn a_damaged_number_is_noticed(number in 0..u64::MAX / 4, bit in 16_usize..144) {
            let mut payload = payload(7, Mark::Frame(number));
            payload[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Mark::read(&payload), None);
        }

        #[test]
        fn the_checksum_does_not_depend_on_the_number(number in 0..u64::MAX / 4) {
            let checksum = |number| pnet_packet::util::checksum(&payload(7, Mark::Frame(number)), usize::MAX);
            prop_assert_eq!(checksum(number), checksum(0));
        }
    }

    #[test]
    fn a_stamp_changes_neither_the_mark_nor_the_checksum_and_damage_is_noticed() {
        let stamped = |at| {
            let mut payload = [0; LENGTH + STAMP];
            Mark::Frame(5).write(&mut payload);
            assert!(!is_stamped(&payload));
            stamp(&mut payload, at);
            payload
        };
        let checksum = |payload: &[u8]| pnet_packet::util::checksum(payload, usize::MAX);
        let mut payload = stamped(77);
        assert!(is_stamped(&payload));
        assert_eq!(Mark::read(&payload), Some((0, Mark::Frame(5))));
        assert_eq!(time(&payload), Some(77));
        assert_eq!(checksum(&payload), checksum(&stamped(u64::MAX - 1)));
        payload[LENGTH + 3] ^= 1;
        assert_eq!(time(&payload), None);
        assert_eq!(time(&payload[..LENGTH + STAMP - 1]), None);
    }

    #[test]
    fn what_is_too_short_is_no_mark() {
        assert_eq!(Mark::read(&[0; LENGTH - 1]), None);
    }
}
