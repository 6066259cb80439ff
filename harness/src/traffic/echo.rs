//! The side that answers.

use std::collections::BTreeSet;
use std::io;
use std::time::Instant;

use pnet_datalink::MacAddr;

use super::frame::{Envelope, Kind, Message};
use super::wire::Wire;

/// Answers pings.
#[derive(Clone, Debug)]
pub struct Echo {
    /// The address of its interface.
    pub mac: MacAddr,
    /// It answers none before so many pings have asked, 1 at least: so they begin together.
    pub parties: usize,
    /// Whether it ends once so many have ended.
    pub once: bool,
    /// When it ends in any case.
    pub until: Instant,
}

/// What an echo came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echoed {
    /// How many frames it answered.
    pub answered: u64,
    /// How many pings have asked.
    pub asked: usize,
    /// Whether it ended with a ping, rather than because its time was over.
    pub ended: bool,
}

/// A ping: who asks, and the number that tells it from another of the same one. The number alone would not do: where a
/// clock is coarse, pings that begin at the same time draw the same (fastrand takes its seed from the time).
type Session = (MacAddr, u32);

/// What a frame asks for.
enum Asked {
    /// To be answered.
    Answer,
    /// No more of this session.
    End(Session),
}

impl Echo {
    /// Answers until the end.
    pub fn run(&self, wire: &mut Wire) -> io::Result<Echoed> {
        let (mut begun, mut over) = (BTreeSet::new(), BTreeSet::new());
        let (mut answer, mut held_back) = (Vec::new(), Vec::new());
        let (mut answered, mut ended) = (0, false);
        while !ended && Instant::now() < self.until {
            match self.asked(wire, &mut begun, &mut answer)? {
                Some(Asked::Answer) if begun.len() < self.parties => held_back.push(answer.clone()),
                Some(Asked::Answer) => {
                    // All at once: who is answered first may begin to fill the wire.
                    for answer in held_back.drain(..) {
                        answered += u64::from(wire.send(&answer)?);
                    }
                    answered += u64::from(wire.send(&answer)?);
                }
                Some(Asked::End(session)) => {
                    over.insert(session);
                    ended = self.once && over.len() >= self.parties;
                }
                None => {}
            }
        }
        Ok(Echoed {
            answered,
            asked: begun.len(),
            ended,
        })
    }

    /// What the next frame asks for, and the answer. Only the end of a session that was answered counts, not that of
    /// one that was there before.
    fn asked(
        &self,
        wire: &mut Wire,
        begun: &mut BTreeSet<Session>,
        answer: &mut Vec<u8>,
    ) -> io::Result<Option<Asked>> {
        let received = wire.receive()?.and_then(Envelope::open);
        let Some(envelope) = received.filter(|envelope| self.is_addressed(envelope)) else {
            return Ok(None);
        };
        let from = envelope.from();
        if let Some(number) = envelope.asks() {
            let session = (from, number);
            envelope.write_answer(answer);
            // Whole or not is asked once only: it takes longer than the answer.
            if !begun.contains(&session) && envelope.message().is_some() {
                begun.insert(session);
            }
            return Ok(Some(Asked::Answer));
        }
        let ends = |it: &Message| it.kind == Kind::End && begun.contains(&(from, it.session));
        let ended = envelope.message().filter(ends);
        Ok(ended.map(|it| Asked::End((from, it.session))))
    }

    /// A wire may show what is sent by this interface too, and what others send to others.
    fn is_addressed(&self, envelope: &Envelope<'_>) -> bool {
        let from = envelope.from();
        envelope.to() == self.mac && from != self.mac && from.is_unicast()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pnet_datalink::{Channel, dummy};

    use super::super::cable::{cable, well};
    use super::super::frame::SMALLEST;
    use super::*;

    const HERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
    const THERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);

    fn message(kind: Kind, session: u32) -> Message {
        let (sequence, length) = (0, SMALLEST);
        Message {
            kind,
            session,
            sequence,
            length,
        }
    }

    /// What an echo makes of these frames, and its answers.
    fn answers(parties: usize, once: bool, frames: &[Vec<u8>]) -> (Echoed, Vec<Vec<u8>>) {
        let (mut near, mut far) = cable(well(), well());
        for frame in frames {
            near.send(frame).unwrap();
        }
        let (mac, until) = (HERE, Instant::now() + Duration::from_millis(50));
        let echo = Echo {
            mac,
            parties,
            once,
            until,
        };
        let echoed = echo.run(&mut far).unwrap();
        let mut answers = Vec::new();
        while let Some(answer) = near.receive().unwrap() {
            answers.push(answer.to_vec());
        }
        (echoed, answers)
    }

    #[test]
    fn a_hello_and_a_probe_are_answered_damaged_or_not() {
        let hello = message(Kind::Hello, 1).frame(THERE, HERE);
        let mut damaged = message(Kind::Probe, 1).frame(THERE, HERE);
        damaged[59] ^= 1;
        let (echoed, sent) = answers(1, false, &[hello, damaged.clone()]);
        assert_eq!((echoed.answered, echoed.ended), (2, false));
        let answer = Envelope::open(&sent[0]).unwrap();
        assert_eq!(answer.message(), Some(message(Kind::Answer, 1)));
        assert_eq!((answer.from(), answer.to()), (HERE, THERE));
        assert_eq!(Envelope::open(&sent[1]).unwrap().message(), None);
        // Past the addresses, the ethertype, what is the same in all frames, and the kind.
        assert_eq!(sent[1][24..], damaged[24..]);
    }

    #[test]
    fn what_is_not_for_it_is_not_answered() {
        let probe = message(Kind::Probe, 1);
        let multicast = MacAddr(3, 0, 0, 0, 0, 3);
        let mut foreign = probe.frame(THERE, HERE);
        foreign[12..14].copy_from_slice(&[8, 0]);
        let mut nobodys = probe.frame(THERE, HERE);
        nobodys[14] = b'?';
        let frames = [
            probe.frame(HERE, HERE),
            probe.frame(HERE, THERE),
            probe.frame(THERE, MacAddr::broadcast()),
            probe.frame(multicast, HERE),
            message(Kind::Answer, 1).frame(THERE, HERE),
            message(Kind::End, 1).frame(THERE, HERE),
            probe.frame(THERE, HERE)[..20].to_vec(),
            foreign,
            nobodys,
        ];
        let (echoed, sent) = answers(1, false, &frames);
        assert_eq!((echoed.answered, sent.len()), (0, 0));
    }

    #[test]
    fn the_end_of_a_ping_that_it_has_answered_ends_it() {
        let end = |session| message(Kind::End, session).frame(THERE, HERE);
        let hello = message(Kind::Hello, 1).frame(THERE, HERE);
        let (echoed, _) = answers(1, true, &[end(2), hello.clone(), end(2), hello, end(1)]);
        let expected = Echoed {
            answered: 2,
            asked: 1,
            ended: true,
        };
        assert_eq!(echoed, expected);
    }

    #[test]
    fn several_are_answered_once_all_have_asked_and_end_when_all_have_ended() {
        let hello = |session| message(Kind::Hello, session).frame(THERE, HERE);
        let end = |session| message(Kind::End, session).frame(THERE, HERE);
        let frames = [hello(1), hello(1), hello(2), hello(1), end(1), end(1)];
        let (alone, _) = answers(2, true, &frames[..2]);
        assert_eq!((alone.answered, alone.ended), (0, false));
        let (echoed, _) = answers(2, true, &frames);
        assert_eq!((echoed.answered, echoed.ended), (4, false));
        let frames = [frames.as_slice(), &[end(2), hello(1)]].concat();
        let (echoed, _) = answers(2, true, &frames);
        assert_eq!((echoed.answered, echoed.ended), (4, true));
    }

    #[test]
    fn two_that_draw_the_same_number_are_still_two() {
        let other = MacAddr(2, 0, 0, 0, 0, 3);
        let both = |kind| [THERE, other].map(|from| message(kind, 1).frame(from, HERE));
        let frames = [both(Kind::Hello), both(Kind::End)].concat();
        let (echoed, _) = answers(2, true, &frames);
        assert_eq!((echoed.asked, echoed.answered, echoed.ended), (2, 2, true));
        let (echoed, _) = answers(2, true, &frames[..3]);
        assert!(!echoed.ended, "only one of them has ended");
    }

    #[test]
    fn a_wire_that_breaks_is_an_error() {
        let mut config = dummy::Config::default();
        let arrives = config.inject_handle().unwrap();
        arrives.send(Err(io::Error::other("broken"))).unwrap();
        let channel = dummy::channel(&dummy::dummy_interface(0), config);
        let Ok(Channel::Ethernet(sender, receiver)) = channel else {
            panic!("a dummy is an Ethernet channel");
        };
        let echo = Echo {
            mac: HERE,
            parties: 1,
            once: true,
            until: Instant::now() + Duration::from_mins(1),
        };
        let error = echo.run(&mut Wire::new(sender, receiver)).unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }
}
