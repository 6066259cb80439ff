//! What a bench and the partner at the other end of its cable say to each other, as frames.
//!
//! They are of an ethertype of their own, so that neither side has to look at the frames of ping and echo meanwhile. Whatever is lost is
//! asked for again: each call has a number, and the same number is the same call.

use pnet_datalink::MacAddr;
use pnet_packet::ethernet::{EtherType, EthernetPacket, MutableEthernetPacket};
use serde::{Deserialize, Serialize};

use super::frame::{HEADER, SMALLEST};

/// OUI Extended Ethertype (IEEE 802): what follows is told by an OUI.
pub(super) const ETHERTYPE: EtherType = EtherType(0x88b7);
/// An OUI that is administered locally, and what tells these frames from those of others who do so too.
const MAGIC: [u8; 6] = [0x02, b'S', b'R', b'c', b'a', b'l'];
/// The magic, the checksum and the length in bytes.
const HEADING: usize = 12;
/// The longest note in bytes: with its headings it fits into an MTU of 1500.
const LONGEST: usize = 1486 - HEADING;

/// What one side says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Note {
    /// Do that, and tell what it came to, from that character on.
    Call {
        number: u64,
        words: Vec<String>,
        from: usize,
    },
    /// It is not over.
    Runs { number: u64 },
    /// A part of what it came to, of so many characters, from that one on.
    Part {
        number: u64,
        from: usize,
        text: String,
        total: usize,
    },
}

impl Note {
    /// The frame that says it; `None` for one that is too long.
    pub(super) fn frame(&self, from: MacAddr, to: MacAddr) -> Option<Vec<u8>> {
        let body = serde_json::to_vec(self).ok()?;
        let length = u16::try_from(body.len()).ok()?;
        if body.len() > LONGEST {
            return None;
        }
        let mut bytes = vec![0; HEADER.into()];
        let mut packet = MutableEthernetPacket::new(&mut bytes)?;
        packet.set_destination(to);
        packet.set_source(from);
        packet.set_ethertype(ETHERTYPE);
        bytes.extend(MAGIC);
        bytes.extend(crc32fast::hash(&body).to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().max(SMALLEST.into()), 0);
        Some(bytes)
    }

    /// What a frame says, with who says it to whom; `None` for the frames of others, and for damaged ones.
    pub(super) fn read(bytes: &[u8]) -> Option<(MacAddr, MacAddr, Self)> {
        let packet = EthernetPacket::new(bytes)?;
        let (from, to) = (packet.get_source(), packet.get_destination());
        (packet.get_ethertype() == ETHERTYPE).then_some(())?;
        let rest = bytes.get(HEADER.into()..)?.strip_prefix(&MAGIC)?;
        let (checksum, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let body = rest.get(..u16::from_be_bytes(*length).into())?;
        let whole = crc32fast::hash(body) == u32::from_be_bytes(*checksum);
        let note = serde_json::from_slice(body).ok().filter(|_| whole)?;
        Some((from, to, note))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
    const THERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);

    proptest! {
        #[test]
        fn what_was_said_is_read_and_nothing_damaged(number: u64, text in ".{0,60}", total: usize, at: prop::sample::Index, flip in 1..=u8::MAX) {
            let note = Note::Part { number, from: 1, text, total };
            let mut frame = note.frame(HERE, THERE).unwrap();
            prop_assert!(frame.len() >= 60);
            prop_assert_eq!(Note::read(&frame), Some((HERE, THERE, note)));
            let body = usize::from(u16::from_be_bytes([frame[24], frame[25]]));
            frame[26 + at.index(body)] ^= flip;
            prop_assert_eq!(Note::read(&frame), None);
        }

        #[test]
        fn no_bytes_make_it_fail(bytes: Vec<u8>) {
            let mut frame = Note::Runs { number: 1 }.frame(HERE, THERE).unwrap();
            frame.truncate(20);
            frame.extend(bytes);
            let _ = Note::read(&frame);
        }
    }

    #[test]
    fn what_is_too_long_is_no_frame() {
        let words = vec!["a".repeat(LONGEST)];
        let note = Note::Call {
            number: 1,
            words,
            from: 0,
        };
        assert_eq!(note.frame(HERE, THERE), None);
    }
}
