//! As many frames as go from several interfaces to one at once, in verbs.

use std::fmt;
use std::iter::once;

use anyhow::Context;
use futures_util::future::join_all;

use super::echo::{runs, silent, words};
use super::stream::{receive, received_of, send, sent_of};
use super::{Bench, Course, End, Load};
use crate::finding::Problem;
use crate::machine::Output;
use crate::stream::{Received, Sent, Tally};

/// What became of it.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// By each sender, and what has come of it.
    pub each: Vec<(Sent, Tally)>,
    /// By the receiver.
    pub received: Received,
    /// By the processors of this machine meanwhile.
    pub load: Load,
}

impl Crowd {
    /// What came in of each sender, in frames a second of all the time that any was sent in.
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
    pub fn frames_per_second(&self) -> Vec<f64> {
        let sent = self.each.iter().map(|(sent, _)| sent.seconds);
        let seconds = sent.fold(self.received.seconds, f64::max);
        let rate = |(_, tally): &(Sent, Tally)| tally.received as f64 / seconds;
        self.each.iter().map(rate).collect()
    }

    /// Whether any came to a halt.
    pub fn stalls(&self) -> bool {
        let stalled = self.each.iter().any(|(sent, _)| sent.stalled);
        stalled || !self.received.complete
    }

    /// What part of all frames this machine lost because nobody took them in time.
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
    pub fn lost_by_receiver(&self) -> f64 {
        let sent: u64 = self.each.iter().map(|(sent, _)| sent.frames).sum();
        self.received.dropped as f64 / sent.max(1) as f64
    }

    /// Whether frames arrived damaged, or more than once.
    pub fn harms(&self) -> bool {
        self.received.corrupt > 0 || self.received.tally.duplicates > 0
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stalled = self.each.iter().filter(|(sent, _)| sent.stalled).count();
        let Received { tally, corrupt, .. } = &self.received;
        write!(
            f,
            "of {} senders {stalled} could send no more in the end; {} frames arrived, {} lost ({} of them by the receiver), {} twice, {corrupt} damaged",
            self.each.len(),
            tally.received,
            tally.lost,
            self.received.dropped,
            tally.duplicates
        )?;
        if !self.received.complete {
            f.write_str("; not all ends have come")?;
        }
        Ok(())
    }
}

impl Bench {
    /// Sends frames from all ends to one for a time, as many as go. They begin together.
    pub async fn crowd(
        &mut self,
        from: &[End],
        to: &End,
        course: &Course,
    ) -> Result<Crowd, Problem> {
        let flows = flows(from.len());
        let senders = u16::try_from(from.len()).unwrap_or(u16::MAX);
        let course = self.offered(course, senders);
        let sides = sides(from, to, &course, &flows);
        let before = self.load().await?;
        let outputs = join_all(sides.iter().map(|(end, words)| runs(end, words))).await;
        let load = self.load_since(before).await?;
        for ((end, words), output) in sides.iter().zip(&outputs) {
            self.said(end, words, output)?;
        }
        let said = sides.iter().zip(outputs);
        let said: Vec<Output> = said
            .map(|((end, _), output)| output.map_err(|error| silent(end, error)))
            .collect::<Result<_, _>>()?;
        crowd(&said, &flows, load)
    }
}

/// As many numbers of flows: not those of the last time, of which something may still be on its way.
fn flows(count: usize) -> Vec<u16> {
    let first = fastrand::u16(..);
    let all = (first..=u16::MAX).chain(0..first);
    all.take(count).collect()
}

/// What this program is told at each end, at first where the frames arrive.
fn sides<'a>(
    from: &'a [End],
    to: &'a End,
    course: &Course,
    flows: &[u16],
) -> Vec<(&'a End, Vec<String>)> {
    let count = from.len();
    let receive = receive(to, course);
    let receive = format!("{receive} --senders {count} --flows {count}");
    let sends = from.iter().zip(flows);
    let sends = sends.map(|(end, flow)| {
        let send = send(end, to, course);
        (end, words(&format!("{send} --flow {flow}")))
    });
    once((to, words(&receive))).chain(sends).collect()
}

/// The receiver is the first: where it has failed, the senders only complain of its silence.
fn crowd(said: &[Output], flows: &[u16], load: Load) -> Result<Crowd, Problem> {
    let (first, senders) = said.split_first().context("somebody receives")?;
    let received = received_of(first)?;
    let tally = |flow| received.by_flow.get(flow).copied().unwrap_or_default();
    let each = senders.iter().zip(flows);
    let each = each.map(|(output, flow)| Ok((sent_of(output)?, tally(flow))));
    Ok(Crowd {
        each: each.collect::<Result<_, Problem>>()?,
        received,
        load,
    })
}
