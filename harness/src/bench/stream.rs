//! As many frames as go from one interface to another, in verbs.

use std::fmt;

use anyhow::Context;
use futures_util::future::join;
use serde::{Deserialize, Serialize};

use reports::Environment;

use super::echo::{Talk, result};
use super::{Bench, End, Load};
use crate::facts::environment;
use crate::finding::Problem;
use crate::machine::Output;
use crate::stream::{Backend, Received, Sent, line_rate, whole};

/// How much longer than its sender a receiver waits for the end.
const LONGER: u32 = 10;

/// What the kernel cannot tell from no time at all, in seconds: a tick.
const SHORTEST: f64 = 0.01;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// The size of the frames in bytes, without the check sequence.
    pub size: u16,
    /// For how many seconds.
    pub seconds: u32,
    /// No more frames a second than that; without it as many as go.
    pub rate: Option<u32>,
    /// By which way; without it the best that works.
    pub backend: Option<Backend>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Streamed {
    /// By the sender.
    pub sent: Sent,
    /// By the receiver.
    pub received: Received,
    /// By the processors of this machine meanwhile, of which some is what the two sides need to find each other and to end. It is
    /// that of both sides where both are on this machine or in its guests.
    pub load: Load,
}

impl Streamed {
    /// What came in, in frames a second of all the time that was sent in: what stops in between is not the faster for it.
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
    pub fn frames_per_second(&self) -> f64 {
        let seconds = self.sent.seconds.max(self.received.seconds);
        self.received.tally.received as f64 / seconds
    }

    /// What came in for each second that a processor of this machine was busy.
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
    pub fn frames_per_cpu_second(&self) -> f64 {
        self.received.tally.received as f64 / self.load.busy.max(SHORTEST)
    }

    /// What part of the frames did not come.
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
    pub fn loss(&self) -> f64 {
        1.0 - self.received.tally.received as f64 / self.sent.frames.max(1) as f64
    }

    /// Whether it came to a halt: the interface took no more, or nothing arrived any more, not even the end.
    pub fn stalls(&self) -> bool {
        self.sent.stalled || !self.received.complete
    }

    /// Whether frames arrived damaged, or more than once.
    pub fn harms(&self) -> bool {
        self.received.corrupt > 0 || self.received.tally.duplicates > 0
    }
}

impl fmt::Display for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, received, .. } = self;
        let tally = &received.tally;
        write!(
            f,
            "{:.0} frames/s arrived, {} were sent by {}: {} lost ({} of them by the receiver), {} twice, {} out of order, {} damaged",
            self.frames_per_second(),
            sent.frames,
            sent.backend,
            tally.lost,
            received.dropped,
            tally.duplicates,
            tally.reordered,
            received.corrupt
        )?;
        if sent.stalled {
            f.write_str("; in the end the interface took no more")?;
        }
        if !received.complete {
            f.write_str("; the end has not come")?;
        }
        Ok(())
    }
}

impl Bench {
    /// Sends frames from one end to the other for a time, as many as go.
    pub async fn stream(
        &mut self,
        from: &End,
        to: &End,
        course: &Course,
    ) -> Result<Streamed, Problem> {
        let talk = talk(from, to, self.offered(course, 1));
        let before = self.load().await?;
        let outputs = self.hear(&talk).await?;
        let load = self.load_since(before).await?;
        streamed(&outputs, load)
    }

    /// Sends frames both ways at once. Tells what became of those of the first, and of those of the second.
    pub async fn both_ways(
        &mut self,
        [one, other]: [&End; 2],
        course: &Course,
    ) -> Result<[Streamed; 2], Problem> {
        let course = self.offered(course, 1);
        let talks = [talk(one, other, course), talk(other, one, course)];
        let before = self.load().await?;
        let heard = join(talks[0].run(), talks[1].run()).await;
        let load = self.load_since(before).await?;
        let first = self.heard(&talks[0], heard.0)?;
        let second = self.heard(&talks[1], heard.1)?;
        Ok([streamed(&first, load)?, streamed(&second, load)?])
    }

    /// What each of so many senders to one end is told. An emulated wire holds nobody back, so that where there is one the
    /// senders themselves keep to what a real one would carry.
    pub(super) fn offered(&self, course: &Course, senders: u16) -> Course {
        let speed = self.facts.device.net.first().and_then(|net| net.speed);
        let emulated = environment(&self.facts.host, &self.facts.device) == Environment::Lab;
        let Some(speed) = speed.filter(|_| emulated) else {
            return *course;
        };
        let share = whole(line_rate(speed, course.size) / f64::from(senders.max(1)));
        Course {
            rate: Some(course.rate.map_or(share, |rate| rate.min(share))),
            ..*course
        }
    }
}

fn talk<'a>(from: &'a End, to: &'a End, course: Course) -> Talk<'a> {
    Talk::new(from, &send(from, to, &course), to, &receive(to, &course))
}

/// What the program is told that sends.
pub(super) fn send(from: &End, to: &End, course: &Course) -> String {
    let Course {
        size,
        seconds,
        rate,
        backend,
    } = course;
    let way = backend.map_or_else(String::new, |way| format!(" --backend {way}"));
    let rate = rate.map_or_else(String::new, |rate| format!(" --rate {rate}"));
    format!(
        "send --interface {} --to {} --meet --size {size} --seconds {seconds}{rate}{way} --json",
        from.interface(),
        to.address()
    )
}

/// What the program is told that receives.
pub(super) fn receive(to: &End, course: &Course) -> String {
    format!(
        "receive --interface {} --meet --seconds {} --json",
        to.interface(),
        course.seconds + LONGER
    )
}

fn streamed([sent, received]: &[Output; 2], load: Load) -> Result<Streamed, Problem> {
    // First the receiver: where it has failed, the sender only complains of its silence.
    Ok(Streamed {
        received: received_of(received)?,
        sent: sent_of(sent)?,
        load,
    })
}

pub(super) fn received_of(output: &Output) -> Result<Received, Problem> {
    let json = result("receive", output)?;
    Ok(serde_json::from_slice(json).context("`traffic receive` told no result")?)
}

pub(super) fn sent_of(output: &Output) -> Result<Sent, Problem> {
    let json = result("send", output)?;
    Ok(serde_json::from_slice(json).context("`traffic send` told no result")?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Load, Streamed};
    use crate::stream::{Backend, Received, Sent, Tally};

    /// A hundred frames in ten seconds, all of which have come.
    fn streamed() -> Streamed {
        let (frames, bytes, seconds) = (100, 6000, 10.0);
        Streamed {
            sent: Sent {
                backend: Backend::Xdp,
                offloads: None,
                frames,
                bytes,
                seconds,
                cpu_seconds: 1.0,
                full: 0,
                stalled: false,
            },
            received: Received {
                backend: Backend::Batched,
                offloads: None,
                tally: Tally {
                    received: frames,
                    ..Tally::default()
                },
                by_flow: BTreeMap::new(),
                corrupt: 0,
                dropped: 0,
                latency: None,
                bytes,
                seconds,
                cpu_seconds: 1.0,
                complete: true,
            },
            load: Load {
                busy: 4.0,
                ..Load::default()
            },
        }
    }

    #[test]
    fn a_frame_costs_what_the_processors_were_busy_with() {
        let free = Streamed {
            load: Load::default(),
            ..streamed()
        };
        assert!((streamed().frames_per_cpu_second() - 25.0).abs() < 1e-9);
        assert!((free.frames_per_cpu_second() - 10_000.0).abs() < 1e-9);
    }

    #[test]
    fn what_comes_to_a_halt_early_is_not_the_faster_for_it() {
        let mut halted = streamed();
        halted.received.seconds = 1.0;
        assert!((halted.frames_per_second() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_halt_of_either_side_is_one() {
        let (mut stopped, mut endless) = (streamed(), streamed());
        stopped.sent.stalled = true;
        endless.received.complete = false;
        let stalls = [streamed(), stopped, endless].map(|it| it.stalls());
        assert_eq!(stalls, [false, true, true]);
    }

    #[test]
    fn damaged_and_doubled_frames_are_harmed_and_lost_ones_are_not() {
        let [mut damaged, mut doubled, mut lost] = [(); 3].map(|()| streamed());
        damaged.received.corrupt = 1;
        doubled.received.tally.duplicates = 1;
        lost.received.tally.lost = 1;
        let harms = [damaged, doubled, lost].map(|it| it.harms());
        assert_eq!(harms, [true, true, false]);
    }
}
