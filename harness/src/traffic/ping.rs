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

/// A ping that is under way.
struct Asking<'a> {
    ping: &'a Ping,
    wire: &'a mut Wire,
    window: Window,
    /// The frame that is sent next.
    frame: Vec<u8>,
}

impl Ping {
    /// Sends all frames that there is time for, and tells the other side that it was all.
    pub fn run(&self, wire: &mut Wire) -> io::Result<Pinged> {
        let mut asking = Asking {
            ping: self,
            wire,
            window: Window::of(self.at_once),
            frame: Vec::new(),
        };
        let reached = asking.reach()?;
        let rounds = if reached { asking.probe()? } else { 1 };
        for _ in 0..ENDS {
            asking.send(Kind::End)?;
        }
        Ok(asking.window.pinged(reached, rounds * self.sizes.total()))
    }
}

impl Asking<'_> {
    /// Whether anybody answers.
    fn reach(&mut self) -> io::Result<bool> {
        let mut now = Instant::now();
        let mut next = now;
        let until = self.ping.until.min(now + self.ping.wait);
        loop {
            if now >= next {
                self.send(Kind::Hello)?;
                next = now + HELLO_INTERVAL;
            }
            if self.answer()?.is_some() {
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
    fn probe(&mut self) -> io::Result<u64> {
        let (all, enough) = (self.ping.sizes, Instant::now() + self.ping.at_least);
        let (mut round, mut rounds) = (all.all(), 1);
        let mut sizes = from_fn(|| {
            let next = round.next();
            if next.is_some() || Instant::now() >= enough {
                return next;
            }
            rounds += 1;
            round = all.all();
            round.next()
        });
        while Instant::now() < self.ping.until {
            self.fill(&mut sizes)?;
            if self.window.is_empty() {
                break;
            }
            match self.answer()? {
                Some((answer, at)) => self.window.settle(answer, at),
                // Not before: what this program was too slow to read is not late.
                None => self.window.expire(Instant::now(), self.ping.deadline),
            }
        }
        Ok(rounds)
    }

    fn fill(&mut self, sizes: &mut impl Iterator<Item = u16>) -> io::Result<()> {
        while self.window.has_room()
            && let Some(size) = sizes.next()
        {
            self.write(Kind::Probe, self.window.next(), size);
            // Its time begins once there is nothing left to do but to send it.
            self.window.launch(size, Instant::now());
            self.wire.send(&self.frame)?;
        }
        Ok(())
    }

    /// A frame that is no probe. That the kernel does not take it is a loss like any other.
    fn send(&mut self, kind: Kind) -> io::Result<()> {
        self.write(kind, 0, SMALLEST);
        self.wire.send(&self.frame).map(drop)
    }

    fn write(&mut self, kind: Kind, sequence: u64, length: u16) {
        let message = Message {
            kind,
            session: self.ping.session,
            sequence,
            length,
        };
        message.write(&mut self.frame, self.ping.from, self.ping.to);
    }

    /// The next answer, and when it came. A damaged frame counts whosever it was: its session may be what is damaged.
    fn answer(&mut self) -> io::Result<Option<(Message, Instant)>> {
        let ping = self.ping;
        let envelope = self.wire.receive()?.and_then(Envelope::open);
        let is_for_us = |it: &Envelope<'_>| it.from() == ping.to && it.to() == ping.from;
        let Some(envelope) = envelope.filter(is_for_us) else {
            return Ok(None);
        };
        let now = Instant::now();
        let Some(message) = envelope.message() else {
            self.window.damaged();
            return Ok(None);
        };
        let is_asked_for = message.kind == Kind::Answer && message.session == ping.session;
        Ok(is_asked_for.then_some((message, now)))
    }
}

#[cfg(test)]
mod tests;
