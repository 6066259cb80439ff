//! The side that asks: whether anybody answers, and then with frames of many sizes.

use std::io;
use std::iter::{from_fn, repeat_n};
use std::time::{Duration, Instant};

use pnet_datalink::MacAddr;

use super::frame::{Envelope, Kind, Message, SMALLEST};
use super::pinged::Pinged;
use super::window::Window;
use super::wire::Wire;

/// How long a frame may take, there and back. One that is late is not lost: a machine may be busy for seconds with something
/// else, such as taking a guest's memory down.
pub const DEADLINE: Duration = Duration::from_secs(5);
const HELLO_INTERVAL: Duration = Duration::from_millis(10);
/// The other side may miss some.
const ENDS: usize = 3;

/// A ping.
#[derive(Clone, Debug)]
pub struct Ping {
    /// The address of its interface.
    pub from: MacAddr,
    /// The address of the other side.
    pub to: MacAddr,
    /// What tells it from others at the same time: any number will do.
    pub session: u32,
    /// The frames.
    pub sizes: Sizes,
    /// How many of them may wait for their answer at once, of [`WIDTH`](super::WIDTH) at most.
    pub at_once: u8,
    /// They are all sent anew until this long has passed.
    pub at_least: Duration,
    /// How long the other side may take until it answers at all.
    pub wait: Duration,
    /// How long a frame may take, there and back; [`DEADLINE`] but for tests.
    pub deadline: Duration,
    /// When it ends in any case.
    pub until: Instant,
}

/// The sizes of frames, in bytes without the check sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The smallest.
    pub smallest: u16,
    /// None is above it.
    pub largest: u16,
    /// From one to the next.
    pub step: u16,
    /// How many of each.
    pub count: u32,
}

impl Sizes {
    fn each(self) -> impl ExactSizeIterator<Item = u16> {
        (self.smallest..=self.largest).step_by(self.step.max(1).into())
    }

    fn all(self) -> impl Iterator<Item = u16> {
        self.each()
            .flat_map(move |size| repeat_n(size, self.count as usize))
    }

    fn total(self) -> u64 {
        self.each().len() as u64 * u64::from(self.count)
    }
}

impl Ping {
    /// Sends all frames that there is time for, and tells the other side that it was all.
    pub fn run(&self, wire: &mut Wire) -> io::Result<Pinged> {
        let mut window = Window::of(self.at_once);
        let reached = self.reach(wire, &mut window)?;
        let rounds = if reached {
            self.probe(wire, &mut window)?
        } else {
            1
        };
        for _ in 0..ENDS {
            self.send(wire, Kind::End, 0, SMALLEST)?;
        }
        Ok(window.pinged(reached, rounds * self.sizes.total()))
    }

    /// Whether anybody answers.
    fn reach(&self, wire: &mut Wire, window: &mut Window) -> io::Result<bool> {
        let mut now = Instant::now();
        let mut next = now;
        let until = self.until.min(now + self.wait);
        loop {
            if now >= next {
                self.send(wire, Kind::Hello, 0, SMALLEST)?;
                next = now + HELLO_INTERVAL;
            }
            if self.answer(wire, window)?.is_some() {
                return Ok(true);
            }
            now = Instant::now();
            if now >= until {
                return Ok(false);
            }
        }
    }

    /// Sends as many frames as may wait at once, and another for each that is settled. Returns how
    /// often it has begun with all sizes.
    fn probe(&self, wire: &mut Wire, window: &mut Window) -> io::Result<u64> {
        let enough = Instant::now() + self.at_least;
        let (mut round, mut rounds) = (self.sizes.all(), 1);
        let mut sizes = from_fn(|| {
            let next = round.next();
            if next.is_some() || Instant::now() >= enough {
                return next;
            }
            rounds += 1;
            round = self.sizes.all();
            round.next()
        });
        while Instant::now() < self.until {
            self.fill(wire, window, &mut sizes)?;
            if window.is_empty() {
                break;
            }
            match self.answer(wire, window)? {
                Some(answer) => window.settle(answer, Instant::now()),
                // Not before: what this program was too slow to read is not late.
                None => window.expire(Instant::now(), self.deadline),
            }
        }
        Ok(rounds)
    }

    fn fill(
        &self,
        wire: &mut Wire,
        window: &mut Window,
        sizes: &mut impl Iterator<Item = u16>,
    ) -> io::Result<()> {
        while window.has_room()
            && let Some(size) = sizes.next()
        {
            let sequence = window.launch(size, Instant::now());
            self.send(wire, Kind::Probe, sequence, size)?;
        }
        Ok(())
    }

    /// That the kernel does not take a frame is a loss like any other.
    fn send(&self, wire: &mut Wire, kind: Kind, sequence: u64, length: u16) -> io::Result<()> {
        let session = self.session;
        let message = Message {
            kind,
            session,
            sequence,
            length,
        };
        wire.send(&message.frame(self.from, self.to)).map(drop)
    }

    /// The next answer. A damaged frame counts whosever it was: its session may be what is damaged.
    fn answer(&self, wire: &mut Wire, window: &mut Window) -> io::Result<Option<Message>> {
        let envelope = wire.receive()?.and_then(Envelope::open);
        let is_for_us = |it: &Envelope<'_>| it.from() == self.to && it.to() == self.from;
        let Some(envelope) = envelope.filter(is_for_us) else {
            return Ok(None);
        };
        let message = envelope.message();
        if message.is_none() {
            window.damaged();
        }
        Ok(message.filter(|message| self.is_asked_for(*message)))
    }

    fn is_asked_for(&self, message: Message) -> bool {
        message.kind == Kind::Answer && message.session == self.session
    }
}

#[cfg(test)]
mod tests;
