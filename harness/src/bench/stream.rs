//! As many frames as go from one interface to another, in verbs.

use std::fmt;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use super::echo::Talk;
use super::{Bench, End};
use crate::finding::Problem;
use crate::machine::Output;
use crate::pci::Bdf;
use crate::stream::{Backend, Received, Sent};

/// How much longer than its sender a receiver waits for the end.
const LONGER: u32 = 10;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// The size of the frames in bytes, without the check sequence.
    pub size: u16,
    /// For how many seconds.
    pub seconds: u32,
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
}

impl Streamed {
    /// What came in, in frames a second; 0 where it was less than two frames.
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
    pub fn frames_per_second(&self) -> f64 {
        let Received { tally, seconds, .. } = &self.received;
        if *seconds > 0.0 {
            tally.received as f64 / seconds
        } else {
            0.0
        }
    }
}

impl fmt::Display for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, received } = self;
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
        )
    }
}

/// Where frames of the PF's port and of its VFs arrive.
pub struct Far {
    /// The interface.
    pub end: End,
    /// How it is reached, in words.
    pub way: String,
}

impl Bench {
    /// The interface at the other end of the PF's cable, by the bench file; where it names none, that of a VF on this machine,
    /// which the adapter's own switch reaches.
    pub async fn far_end(&mut self, vf: Bdf) -> Result<Far, Problem> {
        let (bdf, way) = match self.settings.opposite(self.pf()) {
            Some(port) => (port, format!("{port}, by a cable")),
            None => (vf, format!("the VF {vf}, by the adapter's own switch")),
        };
        let end = self.end_here(bdf).await?;
        Ok(Far { end, way })
    }

    /// Sends frames from one end to the other for a time, as many as go.
    pub async fn stream(
        &mut self,
        from: &End,
        to: &End,
        course: &Course,
    ) -> Result<Streamed, Problem> {
        let Course {
            size,
            seconds,
            backend,
        } = course;
        let way = backend.map_or_else(String::new, |way| format!(" --backend {way}"));
        let near = format!(
            "send --interface {} --to {} --meet --size {size} --seconds {seconds}{way} --json",
            from.interface(),
            to.address()
        );
        let far = format!(
            "receive --interface {} --meet --seconds {} --json",
            to.interface(),
            seconds + LONGER
        );
        let talk = Talk::new(from, &near, to, &far);
        let [sent, received] = self.hear(&talk).await?;
        Ok(Streamed {
            sent: serde_json::from_slice(told("send", &sent)?)
                .context("`traffic send` told no result")?,
            received: serde_json::from_slice(told("receive", &received)?)
                .context("`traffic receive` told no result")?,
        })
    }
}

/// Exit code 1 is a result too: that not all frames came.
fn told<'a>(verb: &str, output: &'a Output) -> Result<&'a [u8], Problem> {
    if output.status > 1 || output.stdout.is_empty() {
        return Err(anyhow!("`traffic {verb}`: {}", output.stderr).into());
    }
    Ok(&output.stdout)
}
