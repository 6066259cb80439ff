//! The side that receives, and tells what became of what was sent.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use pnet_datalink::MacAddr;
use rings::{Arrived, FrameReceiver};
use serde::{Deserialize, Serialize};

use super::backend::Backend;
use super::mark::{LENGTH, Mark};
use super::send::cpu_time;
use super::shape::payload_of;
use super::tally::{Flow, Tally};
use crate::traffic::filler;

/// How long a receiver waits at once, and so how late it notices that its time is over.
const TICK: Duration = Duration::from_millis(10);

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Receiving {
    /// The address of the interface: frames for others are none of its.
    pub mac: MacAddr,
    /// It ends once so many flows have ended.
    pub flows: u16,
    /// No later than that.
    pub limit: Duration,
}

/// What has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// By which way.
    pub backend: Backend,
    /// What became of the frames.
    pub tally: Tally,
    /// The same of each flow, by its number.
    pub by_flow: BTreeMap<u16, Tally>,
    /// How many frames were not as they were sent.
    pub corrupt: u64,
    /// How many frames this machine lost because nobody took them in time. They are among the lost, but no fault of the wire.
    pub dropped: u64,
    /// How many bytes the frames had, without the check sequences.
    pub bytes: u64,
    /// From the first frame to the last, by the kernel's clock.
    pub seconds: f64,
    /// How long processors were at work for this process meanwhile, in it and in the kernel.
    pub cpu_seconds: f64,
    /// Whether the end of all flows has come.
    pub complete: bool,
}

impl Received {
    /// Whether all frames came, each once, in order and as it was sent.
    pub fn is_whole(&self) -> bool {
        let whole = Tally {
            received: self.tally.received,
            ..Tally::default()
        };
        self.complete && self.tally == whole && self.corrupt == 0
    }
}

/// All that has come so far.
struct Seen {
    mac: [u8; 6],
    flows: Vec<Option<Box<Known>>>,
    ended: u16,
    corrupt: u64,
    bytes: u64,
    first: Option<Duration>,
    last: Duration,
}

/// A flow, and what its frames are filled with.
struct Known {
    flow: Flow,
    filler: Vec<u8>,
}

impl Receiving {
    /// Receives until the end.
    pub fn run(&self, backend: Backend, receiver: &mut dyn FrameReceiver) -> io::Result<Received> {
        let (start, busy) = (Instant::now(), cpu_time()?);
        let mut seen = Seen::by(self.mac);
        while seen.ended < self.flows && start.elapsed() < self.limit {
            receiver.receive(TICK, &mut |arrived| seen.take(arrived))?;
        }
        Ok(Received {
            backend,
            tally: seen.tally(),
            by_flow: seen.by_flow(),
            corrupt: seen.corrupt,
            dropped: receiver.dropped()?,
            bytes: seen.bytes,
            seconds: seen.seconds(),
            cpu_seconds: cpu_time()?.saturating_sub(busy).as_secs_f64(),
            complete: seen.ended >= self.flows,
        })
    }
}

impl Seen {
    fn by(mac: MacAddr) -> Self {
        Self {
            mac: mac.octets(),
            flows: (0..=u16::MAX).map(|_| None).collect(),
            ended: 0,
            corrupt: 0,
            bytes: 0,
            first: None,
            last: Duration::ZERO,
        }
    }

    fn take(&mut self, arrived: &Arrived<'_>) {
        let ours = arrived.bytes.starts_with(&self.mac);
        let Some(payload) = payload_of(arrived.bytes).filter(|_| ours) else {
            return;
        };
        let Some((id, mark)) = Mark::read(payload) else {
            self.corrupt += 1;
            return;
        };
        let known = &mut self.flows[usize::from(id)];
        let Known { flow, filler } = &mut **known.get_or_insert_with(|| Box::new(Known::new(id)));
        let rest = &payload[LENGTH..];
        if filler.get(..rest.len()) != Some(rest) {
            self.corrupt += 1;
            return;
        }
        if let Mark::End(_) = mark {
            // Else it is that of an earlier stream, which was on its way for long.
            if flow.has_begun() {
                self.ended += u16::from(!flow.has_ended());
                flow.take(mark);
            }
            return;
        }
        flow.take(mark);
        self.bytes += arrived.bytes.len() as u64;
        self.first.get_or_insert(arrived.at);
        self.last = self.last.max(arrived.at);
    }

    fn tally(&self) -> Tally {
        let tallies = self.by_flow().into_values();
        tallies.fold(Tally::default(), Tally::and)
    }

    fn by_flow(&self) -> BTreeMap<u16, Tally> {
        let flows = (0..=u16::MAX).zip(&self.flows);
        let tally = |(id, known): (u16, &Option<Box<Known>>)| {
            known.as_ref().map(|known| (id, known.flow.tally()))
        };
        flows.filter_map(tally).collect()
    }

    fn seconds(&self) -> f64 {
        let first = self.first.unwrap_or(self.last);
        self.last.saturating_sub(first).as_secs_f64()
    }
}

impl Known {
    fn new(id: u16) -> Self {
        let filler = filler(id.into(), 0).take(usize::from(u16::MAX));
        Self {
            flow: Flow::default(),
            filler: filler.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rings::Template;

    use super::super::shape::{Carrier, Shape};
    use super::*;

    const HERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);

    fn template() -> Template {
        let shape = Shape {
            from: MacAddr(2, 0, 0, 0, 0, 1),
            to: HERE,
            carrier: Carrier::Ethernet,
            vlan: None,
            sizes: vec![100],
            flows: 1,
            first: 7,
        };
        shape.templates().unwrap().remove(0)
    }

    fn frame(mark: Mark) -> Vec<u8> {
        let Template { mut bytes, payload } = template();
        mark.write(&mut bytes[payload..]);
        bytes
    }

    /// What comes of frames that arrive a second apart.
    fn seen(frames: &[Vec<u8>]) -> Seen {
        let mut seen = Seen::by(HERE);
        for (second, bytes) in (10..).zip(frames) {
            let at = Duration::from_secs(second);
            seen.take(&Arrived { bytes, at });
        }
        seen
    }

    #[test]
    fn frames_are_counted_and_the_end_is_no_frame() {
        let marks = [Mark::Frame(0), Mark::Frame(2), Mark::End(4), Mark::End(4)];
        let seen = seen(&marks.map(frame));
        let expected = Tally {
            received: 2,
            lost: 2,
            ..Tally::default()
        };
        assert_eq!((seen.tally(), seen.ended), (expected, 1));
        assert_eq!(seen.by_flow(), [(7, expected)].into());
        assert_eq!(seen.bytes, 200);
        assert!((seen.seconds() - 1.0).abs() < 1e-9, "{}", seen.seconds());
    }

    #[test]
    fn the_end_of_an_earlier_stream_ends_nothing() {
        let seen = seen(&[frame(Mark::End(4))]);
        assert_eq!((seen.tally(), seen.ended), (Tally::default(), 0));
    }

    #[test]
    fn a_frame_with_any_other_byte_in_it_is_corrupt() {
        for place in 14..100 {
            let mut frame = frame(Mark::Frame(0));
            frame[place] ^= 1;
            let seen = seen(&[frame]);
            assert_eq!((seen.corrupt, seen.tally().received), (1, 0), "{place}");
        }
    }

    #[test]
    fn frames_of_others_are_not_counted() {
        let mut foreign = frame(Mark::Frame(0));
        foreign[12] = 0;
        let mut to_another = frame(Mark::Frame(0));
        to_another[5] = 3;
        let seen = seen(&[foreign, to_another, vec![0; 60], Vec::new()]);
        assert_eq!((seen.corrupt, seen.tally()), (0, Tally::default()));
    }
}
