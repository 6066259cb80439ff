//! The frames of ping and echo: built and read, by pure functions.

use pnet_datalink::MacAddr;
use pnet_packet::Packet;
use pnet_packet::ethernet::{EtherType, EthernetPacket, MutableEthernetPacket};

use super::filler::{fill, is_filled};

/// Local Experimental Ethertype 1 of IEEE 802 (`ETH_P_802_EX1` of Linux include/uapi/linux/if_ether.h).
pub(super) const ETHERTYPE: EtherType = EtherType(0x88b5);
/// What tells our frames from those of others who experiment.
const MAGIC: [u8; 6] = *b"SR-IOV";
/// Destination, source and ethertype in bytes (`ETH_HLEN`).
pub(super) const HEADER: u16 = 14;
/// What stands before the filler in bytes.
const HEADING: usize = 24;
/// The shortest frame without its check sequence in bytes (`ETH_ZLEN`): none has to be padded.
pub const SMALLEST: u16 = 60;
/// The longest frame in bytes, by what adapters mean by jumbo frames.
pub const LARGEST: u16 = 9018;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks whether anybody answers.
    Hello,
    /// Measures.
    Probe,
    /// Answers one of these two.
    Answer,
    /// Says that its session sends nothing more.
    End,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Hello, Self::Probe, Self::Answer, Self::End];

    /// How it stands in a frame. No two share a letter in the same place: a damaged one is none.
    fn word(self) -> [u8; 4] {
        match self {
            Self::Hello => *b"helo",
            Self::Probe => *b"prob",
            Self::Answer => *b"answ",
            Self::End => *b"over",
        }
    }

    fn of(word: [u8; 4]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is for.
    pub kind: Kind,
    /// Whose it is: several may ping at once on one adapter.
    pub session: u32,
    /// Which of its session it is.
    pub sequence: u64,
    /// The whole frame's length in bytes, from [`SMALLEST`] to [`LARGEST`].
    pub length: u16,
}

impl Message {
    /// The frame that says it.
    pub fn frame(&self, from: MacAddr, to: MacAddr) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes, from, to);
        bytes
    }

    /// Writes the frame that says it over whatever was there.
    pub(super) fn write(&self, bytes: &mut Vec<u8>, from: MacAddr, to: MacAddr) {
        bytes.resize(self.length.max(SMALLEST).into(), 0);
        let (header, payload) = bytes.split_at_mut(HEADER.into());
        address(header, from, to);
        let (heading, rest) = payload.split_at_mut(HEADING);
        heading.copy_from_slice(&self.heading());
        fill(rest, self.session, self.sequence);
    }

    fn heading(&self) -> [u8; HEADING] {
        let mut heading = [0; HEADING];
        heading[..6].copy_from_slice(&MAGIC);
        heading[6..10].copy_from_slice(&self.kind.word());
        heading[10..14].copy_from_slice(&self.session.to_be_bytes());
        heading[14..22].copy_from_slice(&self.sequence.to_be_bytes());
        heading[22..].copy_from_slice(&self.length.to_be_bytes());
        heading
    }

    /// What a heading says; `None` for one that is none of ours.
    fn of(heading: [u8; HEADING]) -> Option<Self> {
        let (magic, rest) = heading.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let (session, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let length = rest.first_chunk()?;
        (*magic == MAGIC).then_some(())?;
        Some(Self {
            kind: Kind::of(*kind)?,
            session: u32::from_be_bytes(*session),
            sequence: u64::from_be_bytes(*sequence),
            length: u16::from_be_bytes(*length),
        })
    }

    /// `None` where not all of it is as it was sent.
    fn read(payload: &[u8]) -> Option<Self> {
        let (heading, rest) = payload.split_first_chunk()?;
        let message = Self::of(*heading)?;
        let length = usize::from(message.length.max(SMALLEST) - HEADER);
        let is_whole =
            length == payload.len() && is_filled(rest, message.session, message.sequence);
        is_whole.then_some(message)
    }
}

/// An Ethernet frame of our type. What is in it may be damaged.
pub struct Envelope<'a>(EthernetPacket<'a>);

impl<'a> Envelope<'a> {
    /// `None` for the frames of others.
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let packet = EthernetPacket::new(bytes)?;
        (packet.get_ethertype() == ETHERTYPE).then_some(Self(packet))
    }

    /// Who sent it.
    pub fn from(&self) -> MacAddr {
        self.0.get_source()
    }

    /// Whom it is for.
    pub fn to(&self) -> MacAddr {
        self.0.get_destination()
    }

    /// What it says; `None` if it is damaged, or was never ours.
    pub fn message(&self) -> Option<Message> {
        Message::read(self.0.payload())
    }

    /// Whose it is, if it is a hello or a probe: what there is to answer, damaged or not.
    pub(super) fn asks(&self) -> Option<u32> {
        let heading = self.0.payload().first_chunk()?;
        let message = Message::of(*heading)?;
        matches!(message.kind, Kind::Hello | Kind::Probe).then_some(message.session)
    }

    /// Writes the answer over whatever was there: sent back, and all else left as it came, so that whoever
    /// asked sees what became of it.
    pub(super) fn write_answer(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend(self.0.packet());
        let kind = usize::from(HEADER) + MAGIC.len();
        bytes[kind..][..4].copy_from_slice(&Kind::Answer.word());
        address(bytes, self.to(), self.from());
    }
}

/// Writes the header of a frame.
fn address(bytes: &mut [u8], from: MacAddr, to: MacAddr) {
    if let Some(mut packet) = MutableEthernetPacket::new(bytes) {
        packet.set_destination(to);
        packet.set_source(from);
        packet.set_ethertype(ETHERTYPE);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    const HERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
    const THERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);

    fn message() -> impl Strategy<Value = Message> {
        let kind = select(Kind::ALL.to_vec());
        (kind, any::<u32>(), any::<u64>(), SMALLEST..=LARGEST).prop_map(
            |(kind, session, sequence, length)| Message {
                kind,
                session,
                sequence,
                length,
            },
        )
    }

    fn read(frame: &[u8]) -> Option<Message> {
        Envelope::open(frame)?.message()
    }

    proptest! {
        #[test]
        fn what_is_built_is_read(message in message()) {
            let frame = message.frame(HERE, THERE);
            prop_assert_eq!(frame.len(), usize::from(message.length));
            let envelope = Envelope::open(&frame).unwrap();
            prop_assert_eq!((envelope.from(), envelope.to()), (HERE, THERE));
            prop_assert_eq!(envelope.message(), Some(message));
        }

        #[test]
        fn any_flipped_byte_is_noticed(message in message(), at: Index, flip in 1..=u8::MAX) {
            let mut frame = message.frame(HERE, THERE);
            // The heading is the likeliest to be overlooked, and a small part of a long frame.
            for at in [at.index(24), at.index(frame.len() - usize::from(HEADER))] {
                frame[usize::from(HEADER) + at] ^= flip;
                prop_assert_eq!(read(&frame), None);
                frame[usize::from(HEADER) + at] ^= flip;
            }
        }

        #[test]
        fn a_frame_that_is_cut_or_longer_is_noticed(message in message(), at: Index) {
            let mut frame = message.frame(HERE, THERE);
            prop_assert_eq!(read(&frame[..at.index(frame.len())]), None);
            frame.push(0);
            prop_assert_eq!(read(&frame), None);
        }

        #[test]
        fn no_bytes_make_it_fail(bytes: Vec<u8>) {
            let mut frame = Message { kind: Kind::End, session: 0, sequence: 0, length: SMALLEST }.frame(HERE, THERE);
            frame.truncate(usize::from(HEADER));
            frame.extend(bytes);
            let envelope = Envelope::open(&frame).unwrap();
            let _ = (envelope.message(), envelope.asks());
        }

        #[test]
        fn an_answer_says_the_same_the_other_way(message in message()) {
            let frame = message.frame(HERE, THERE);
            let envelope = Envelope::open(&frame).unwrap();
            let asks = matches!(message.kind, Kind::Hello | Kind::Probe);
            prop_assert_eq!(envelope.asks(), asks.then_some(message.session));
            let mut answer = vec![1; 70];
            envelope.write_answer(&mut answer);
            let expected = Message { kind: Kind::Answer, ..message }.frame(THERE, HERE);
            prop_assert_eq!(answer, expected);
        }
    }

    #[test]
    fn frames_of_others_are_not_ours() {
        assert!(Envelope::open(&[]).is_none());
        assert!(Envelope::open(&[0; 60]).is_none());
    }
}
