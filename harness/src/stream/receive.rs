//! The side that receives, and tells what became of what was sent.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use pnet_datalink::MacAddr;
use rings::{Arrived, FrameReceiver};
use serde::{Deserialize, Serialize};

use super::backend::{Backend, offloads};
use super::live::{Live, Moment};
use super::mark::{LENGTH, Mark, STAMP, is_stamped, time};
use super::send::cpu_time;
use super::shape::payload_of;
use super::tally::{Flow, Tally};
use crate::latency::{Latency, Times};
use crate::traffic::{Interface, fill};

/// How long a receiver waits at once, and so how late it notices that its time is over.
const TICK: Duration = Duration::from_millis(10);

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Receiving {
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
    /// What the interface is left to do, as ethtool calls it; `None` where it does not say.
    pub offloads: Option<Vec<String>>,
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
    /// How long the stamped ones took; none where none was. By the clock of whoever sent them, and by the kernel's here.
    pub latency: Option<Latency>,
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
    stamped: u64,
    times: Times,
}

/// A flow, and what its frames are filled with.
struct Known {
    flow: Flow,
    filler: Vec<u8>,
}

impl Receiving {
    /// Receives what is for an interface until the end. Whoever watches is told of each second.
    pub fn run(
        &self,
        interface: &Interface,
        (backend, receiver): (Backend, &mut dyn FrameReceiver),
        watch: &mut dyn FnMut(Moment),
    ) -> io::Result<Received> {
        let offloads = offloads(interface);
        let (start, busy) = (Instant::now(), cpu_time()?);
        let (mut seen, mut live) = (Seen::by(interface.mac), Live::new(watch));
        while seen.ended < self.flows && start.elapsed() < self.limit {
            live.tick(start.elapsed(), || seen.sums());
            receiver.receive(TICK, &mut |arrived| seen.take(arrived))?;
        }
        Ok(Received {
            backend,
            offloads,
            tally: seen.tally(),
            by_flow: seen.by_flow(),
            corrupt: seen.corrupt,
            dropped: receiver.dropped()?,
            bytes: seen.bytes,
            latency: (seen.stamped > 0).then(|| seen.times.latency()),
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
            stamped: 0,
            times: Times::new(),
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
        let sent = is_stamped(payload).then(|| time(payload));
        let start = LENGTH + sent.map_or(0, |_| STAMP);
        let is_whole = payload.get(start..) == filler.get(start - LENGTH..payload.len() - LENGTH);
        if !is_whole || sent == Some(None) {
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
        if let Some(sent) = sent.flatten() {
            self.stamped += 1;
            self.times.between(Duration::from_nanos(sent), arrived.at);
        }
    }

    fn tally(&self) -> Tally {
        let tallies = self.by_flow().into_values();
        tallies.fold(Tally::default(), Tally::and)
    }

    /// How many frames have come, their bytes, and how many are lost.
    fn sums(&self) -> (u64, u64, u64) {
        let Tally { received, lost, .. } = self.tally();
        (received, self.bytes, lost)
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
        let mut filler = vec![0; u16::MAX.into()];
        fill(&mut filler, id.into(), 0);
        Self {
            flow: Flow::default(),
            filler,
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
            stamped: false,
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
    fn a_stamped_frame_tells_how_long_it_took_and_a_damaged_stamp_is_noticed() {
        let stamped = |at: Duration| {
            let mut frame = frame(Mark::Frame(0));
            let time = u64::try_from(at.as_nanos()).unwrap();
            super::super::mark::stamp(&mut frame[template().payload..], time);
            frame
        };
        let whole = seen(&[stamped(Duration::from_millis(9_999))]);
        assert_eq!((whole.stamped, whole.corrupt), (1, 0));
        assert_eq!(whole.times.latency().max_ns, 1_000_000);
        for place in 14..100 {
            let mut frame = stamped(Duration::from_secs(1));
            frame[place] ^= 1;
            assert_eq!(seen(&[frame]).corrupt, 1, "{place}");
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
