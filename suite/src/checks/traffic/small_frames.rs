//! How many of the smallest frames a guest sends by a virtual function, beside those by an emulated e1000e: the number of frames
//! is what costs a machine and an adapter most, and where the two differ most. Both must carry them to the end, unharmed and no
//! faster than the wire; how many it has to be nobody claims, so that it is measured and reported. So is the highest rate at which the
//! VF loses none of them, and that at which it loses few.
//!
//! Source: RFC 2544, 9.1 (its sizes for Ethernet begin with 64 bytes, which are 60 without the check sequence).

use std::fmt;

use harness::bench::{Bench, Course, EMULATED_REFUSED, EMULATED_UNUSABLE, End};
use harness::check::{Answer, Check, Problem};
use harness::guest::Model;
use harness::judge::Search;
use harness::stream::whole;

use super::carries::carries;
use super::compare::{Question, beside};
use super::ready::{LIMIT, NEEDS, Ready, course, ready};
use super::rival::Rival;
use super::yardstick::Yardstick;
use crate::comparison_findings;

/// The smallest frames of Ethernet, in bytes without the check sequence (IEEE 802.3, 4.4.2: 64 with it).
const SMALLEST: u16 = 60;

/// What part of them is few.
const FEW: f64 = 0.005;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::small_frames",
    proves: "a guest sends the smallest frames unharmed by a virtual function as fast as they go, and how many is reported",
    source: "RFC 2544, 9.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: comparison_findings![EMULATED_REFUSED, EMULATED_UNUSABLE],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let question = Question {
        rival: Rival::Emulated(Model::E1000e),
        yardstick: Yardstick::Rate,
        size: SMALLEST,
        claim: None,
    };
    let ready = ready(bench).await?;
    beside(bench, &ready, question).await?;
    lossless(bench, &ready).await
}

/// The highest rate of the VF without loss, and with little.
async fn lossless(bench: &mut Bench, Ready { vf, far, .. }: &Ready) -> Answer {
    let course = Course {
        size: SMALLEST,
        ..course(bench)
    };
    let freely = bench.stream(vf, &far.end, &course).await?;
    carries(bench, "the VF", &freely)?;
    let highest = freely.frames_per_second();
    let mut found = Found::default();
    for (allowed, name) in [(0.0, "NDR"), (FEW, "PDR")] {
        let search = Search::from(highest, allowed).knowing(found.asked);
        found = find(bench, [vf, &far.end], &course, search, found).await?;
        let percent = allowed * 100.0;
        bench.log.note(format!(
            "the highest rate of the VF with {percent} % of the frames lost at most ({name}): {found}, of {highest:.0} sent as fast as they go"
        ))?;
    }
    Ok(())
}

/// The highest rate that holds.
#[derive(Clone, Copy, Default)]
struct Found {
    /// The rate that was asked for; none where none holds.
    asked: Option<f64>,
    /// What arrived: whoever sends may have been slower than asked.
    arrived: f64,
    /// How many frames of all trials were lost by the receiver, and not by the VF.
    dropped: u64,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.asked {
            None => f.write_str("none")?,
            Some(_) => write!(f, "{:.0} frames/s", self.arrived)?,
        }
        match self.dropped {
            0 => Ok(()),
            dropped => write!(
                f,
                " ({dropped} frames of all trials were lost by the receiver, not by the VF)"
            ),
        }
    }
}

/// Searches on from what was found with less loss.
async fn find(
    bench: &mut Bench,
    [vf, far]: [&End; 2],
    course: &Course,
    mut search: Search,
    mut found: Found,
) -> Result<Found, Problem> {
    while let Some(rate) = search.rate() {
        let course = Course {
            rate: Some(whole(rate)),
            ..*course
        };
        let streamed = bench.stream(vf, far, &course).await?;
        carries(bench, "the VF", &streamed)?;
        let before = search.highest();
        search.take(streamed.loss());
        found.dropped += streamed.received.dropped;
        if search.highest() > before {
            found.asked = search.highest();
            found.arrived = streamed.frames_per_second();
        }
    }
    Ok(found)
}
