//! How many of the smallest frames a guest sends by a virtual function, beside those by an emulated e1000e: the number of frames
//! is what costs a machine and an adapter most, and where the two differ most. Both must carry them to the end, unharmed and no
//! faster than the wire; how many it has to be nobody claims, so that it is measured and reported.
//!
//! Source: RFC 2544, 9.1 (its sizes for Ethernet begin with 64 bytes, which are 60 without the check sequence).

use harness::bench::{Bench, EMULATED_REFUSED, EMULATED_UNUSABLE};
use harness::check::{Answer, Check};
use harness::guest::Model;

use super::compare::{Question, compare};
use super::ready::{LIMIT, NEEDS};
use super::rival::Rival;
use super::yardstick::Yardstick;
use crate::comparison_findings;

/// The smallest frames of Ethernet, in bytes without the check sequence (IEEE 802.3, 4.4.2: 64 with it).
const SMALLEST: u16 = 60;

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
    compare(bench, question).await
}
