//! The frames of ping and echo: built and read, by pure functions.

use pnet_datalink::MacAddr;
use pnet_packet::Packet;
use pnet_packet::ethernet::{EtherType, EthernetPacket, MutableEthernetPacket};

use super::filler::filler;

/// Local Experimental Ethertype 1 of IEEE 802 (`ETH_P_802_EX1` of Linux include/uapi/linux/if_ether.h).
pub(super) const ETHERTYPE: EtherType = EtherType(0x88b5);
/// What tells our frames from those of others who experiment.
const MAGIC: [u8; 6] = *b"SR-IOV";
/// Destination, source and ethertype in bytes (`ETH_HLEN`).
pub(super) const HEADER: u16 = 14;
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
        let mut bytes = vec![0; usize::from(HEADER)];
        bytes.extend(self.payload());
        addressed(bytes, from, to)
    }

    fn payload(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.kind.word());
        bytes.extend(self.session.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.length.to_be_bytes());
        let room = usize::from(self.length.max(SMALLEST) - HEADER);
        let filler = filler(self.session, self.sequence);
        bytes.extend(filler.take(room - bytes.len()));
        bytes
    }

    /// `None` where not all of it is as it was sent.
    fn read(payload: &[u8]) -> Option<Self> {
        let (_, rest) = payload.split_first_chunk::<{ MAGIC.len() }>()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let (session, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (length, _) = rest.split_first_chunk()?;
        let message = Self {
            kind: Kind::of(*kind)?,
            session: u32::from_be_bytes(*session),
            sequence: u64::from_be_bytes(*sequence),
            length: u16::from_be_bytes(*length),
        };
        (message.payload() == payload).then_some(message)
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

    /// The answer to a hello or a probe: sent back, and all else left as it came, so that whoever
    /// asked sees what became of it.
    pub fn answer(&self) -> Option<Vec<u8>> {
        let (magic, rest) = self.0.payload().split_first_chunk()?;
        let (kind, _) = rest.split_first_chunk()?;
        if *magic != MAGIC || !matches!(Kind::of(*kind)?, Kind::Hello | Kind::Probe) {
            return None;
        }
        let mut bytes = self.0.packet().to_vec();
        let kind = usize::from(HEADER) + MAGIC.len();
        bytes[kind..][..4].copy_from_slice(&Kind::Answer.word());
        Some(addressed(bytes, self.to(), self.from()))
    }
}

/// Writes the header of a frame.
fn addressed(mut bytes: Vec<u8>, from: MacAddr, to: MacAddr) -> Vec<u8> {
    if let Some(mut packet) = MutableEthernetPacket::new(&mut bytes) {
        packet.set_destination(to);
        packet.set_source(from);
        packet.set_ethertype(ETHERTYPE);
    }
    bytes
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
            let _ = (envelope.message(), envelope.answer());
        }

        #[test]
        fn an_answer_says_the_same_the_other_way(message in message()) {
            let frame = message.frame(HERE, THERE);
            let answer = Envelope::open(&frame).unwrap().answer();
            let asks = matches!(message.kind, Kind::Hello | Kind::Probe);
            let expected = Message { kind: Kind::Answer, ..message }.frame(THERE, HERE);
            prop_assert_eq!(answer, asks.then_some(expected));
        }
    }

    #[test]
    fn frames_of_others_are_not_ours() {
        assert!(Envelope::open(&[]).is_none());
        assert!(Envelope::open(&[0; 60]).is_none());
    }
}
