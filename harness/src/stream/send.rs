//! The side that sends.

use std::io;
use std::time::{Duration, Instant, SystemTime};

use rings::FrameSender;
use serde::{Deserialize, Serialize};

use super::backend::{Backend, offloads};
use super::live::{Live, Moment};
use super::mark::{Mark, flow, stamp};
use super::pace::Pace;
use super::shape::Shape;
use crate::traffic::Interface;

/// How often the end of each flow is told: some may be lost.
const ENDS: usize = 3;
const END_INTERVAL: Duration = Duration::from_millis(20);
/// How much longer than asked for a sleep takes, at most: the timer slack (prctl(2), `PR_SET_TIMERSLACK`: 50 us) and waking up.
const OVERSLEPT: Duration = Duration::from_micros(150);
/// How long a sender waits for the kernel to take anything at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent, and for how long.
#[derive(Clone, Debug)]
pub struct Sending {
    /// What the frames look like.
    pub shape: Shape,
    /// Frames in a second; none for as many as go.
    pub rate: Option<f64>,
    /// No more frames than that.
    pub count: u64,
    /// No longer than that.
    pub limit: Duration,
}

/// What was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// By which way.
    pub backend: Backend,
    /// What the interface is left to do, as ethtool calls it; `None` where it does not say.
    pub offloads: Option<Vec<String>>,
    /// How many frames the kernel took.
    pub frames: u64,
    /// How many bytes they had, without the check sequences.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// How long processors were at work for this process meanwhile, in it and in the kernel.
    pub cpu_seconds: f64,
    /// How often the kernel had no room.
    pub full: u64,
    /// In the end it had none for seconds: a queue has stopped.
    pub stalled: bool,
}

/// The numbers of the frames of all flows.
struct Numbers {
    first: u16,
    next: Vec<u64>,
    /// The flows and the lengths of the frames that are on their way to the kernel, which may not take all of them.
    patched: Vec<(u16, usize)>,
    frames: u64,
    /// Of all payloads.
    bytes: u64,
    /// How often there was no room.
    full: u64,
    /// What the frames are stamped with that are sent next.
    stamp: Option<u64>,
}

impl Numbers {
    fn of(shape: &Shape) -> Self {
        Self {
            stamp: shape.stamped.then(now),
            first: shape.first,
            next: vec![0; shape.flows.into()],
            patched: Vec::with_capacity(256),
            frames: 0,
            bytes: 0,
            full: 0,
        }
    }

    fn write(&mut self, payload: &mut [u8]) {
        let index = flow(payload).wrapping_sub(self.first);
        let next = &mut self.next[usize::from(index)];
        Mark::Frame(*next).write(payload);
        *next += 1;
        self.stamp(payload);
        self.patched.push((index, payload.len()));
    }

    /// So many of them were taken; the others come again, with the same numbers.
    fn taken(&mut self, count: usize) {
        for (place, (index, length)) in self.patched.drain(..).enumerate() {
            if place < count {
                self.frames += 1;
                self.bytes += length as u64;
            } else {
                self.next[usize::from(index)] -= 1;
            }
        }
    }

    fn write_end(&self, payload: &mut [u8]) {
        let index = flow(payload).wrapping_sub(self.first);
        Mark::End(self.next[usize::from(index)]).write(payload);
        self.stamp(payload);
    }

    fn stamp(&self, payload: &mut [u8]) {
        if let Some(time) = self.stamp {
            stamp(payload, time);
        }
    }
}

impl Sending {
    /// Sends all of it by an interface, and then says that it was all. Whoever watches is told of each second.
    pub fn run(
        &self,
        interface: &Interface,
        (backend, sender): (Backend, &mut dyn FrameSender),
        watch: &mut dyn FnMut(Moment),
    ) -> io::Result<Sent> {
        let (mut numbers, offloads) = (Numbers::of(&self.shape), offloads(interface));
        let (start, busy) = (Instant::now(), cpu_time()?);
        let frames = self.frames(sender, &mut numbers, start, Live::new(watch));
        let stalled = stalls(frames.and_then(|()| sender.finish()))?;
        let (time, busy) = (start.elapsed(), cpu_time()?.saturating_sub(busy));
        Ok(Sent {
            backend,
            offloads,
            frames: numbers.frames,
            bytes: self.bytes(&numbers),
            seconds: time.as_secs_f64(),
            cpu_seconds: busy.as_secs_f64(),
            full: numbers.full,
            stalled: stalled || stalls(self.ends(sender, &numbers))?,
        })
    }

    fn frames(
        &self,
        sender: &mut dyn FrameSender,
        numbers: &mut Numbers,
        start: Instant,
        mut live: Live<'_>,
    ) -> io::Result<()> {
        let mut pace = Pace::new(self.rate);
        let mut last = Duration::ZERO;
        loop {
            let since = start.elapsed();
            live.tick(since, || (numbers.frames, self.bytes(numbers), 0));
            let left = usize::try_from(self.count - numbers.frames).unwrap_or(usize::MAX);
            if left == 0 || since >= self.limit {
                return Ok(());
            }
            let wanted = pace.allowed(since, sender.batch().min(left));
            if wanted == 0 {
                rest(pace.wait());
                continue;
            }
            // One look at the clock for all that go at once.
            numbers.stamp = self.shape.stamped.then(now);
            let taken = sender.send(wanted, &mut |payload| numbers.write(payload))?;
            numbers.taken(taken);
            pace.went(taken);
            if taken > 0 {
                last = since;
            } else if since.saturating_sub(last) >= PATIENCE {
                return Err(io::ErrorKind::TimedOut.into());
            } else {
                numbers.full += 1;
            }
        }
    }

    /// How many bytes all frames had.
    fn bytes(&self, numbers: &Numbers) -> u64 {
        numbers.bytes + numbers.frames * self.shape.payload() as u64
    }

    /// Says several times that it was all: a receiver whose buffer is full yet loses what comes at once.
    fn ends(&self, sender: &mut dyn FrameSender, numbers: &Numbers) -> io::Result<()> {
        for _ in 0..ENDS {
            self.end(sender, numbers)?;
            std::thread::sleep(END_INTERVAL);
        }
        Ok(())
    }

    fn end(&self, sender: &mut dyn FrameSender, numbers: &Numbers) -> io::Result<()> {
        // One by one: only so do all ways come to all flows.
        let mut left = self.shape.sizes.len() * usize::from(self.shape.flows);
        let until = Instant::now() + PATIENCE;
        while left > 0 {
            left -= sender.send(1, &mut |payload| numbers.write_end(payload))?;
            if Instant::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        sender.finish()
    }
}

/// Whether the interface took no more, which is a result and no error.
fn stalls(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(true),
        result => result.map(|()| false),
    }
}

/// Since 1970, in nanoseconds, by the clock that the kernel tells of frames that come in when they came.
fn now() -> u64 {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// Waits for that long, and not much longer: a sleep ends some time after it should.
fn rest(wait: Duration) {
    match wait.checked_sub(OVERSLEPT) {
        Some(wait) => std::thread::sleep(wait),
        None => std::hint::spin_loop(),
    }
}

/// How long processors were at work for this process so far (getrusage(2)).
pub(super) fn cpu_time() -> io::Result<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let time = |time: nix::sys::time::TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        Duration::from_secs(seconds) + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}
