//! A guest sends more frames by a virtual function than by an e1000e that the emulator makes on the same port, by as much as is
//! claimed. Without a claim, and where the machine is no real hardware, both are measured and nothing is judged.
//!
//! Source: RHEL 9, 14.7.1 (a VF performs almost like the physical card, and far better than an emulated one).

use harness::bench::{Bench, EMULATED_REFUSED, EMULATED_UNUSABLE};
use harness::check::{Answer, Check, Finding};
use harness::guest::Model;

use super::compare::{Question, compare};
use super::ready::{LARGE, LIMIT, NEEDS};
use super::rival::Rival;
use super::yardstick::Yardstick;
use crate::comparison_findings;

const SLOW: Finding = Finding::device(
    "vf-not-faster-than-emulated",
    "The VF carries fewer frames than the profile claims, compared with an emulated e1000e on the same port.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`): a VF that is slow by itself may have a slower link (device::pcie_link), a rate limit (`ip link show` of the PF) or too few queues; an e1000e that is fast makes the claim too high for this machine.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::vf_over_emulated",
    proves: "a guest sends as many times more frames by a virtual function as is claimed than by an emulated e1000e",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: comparison_findings![EMULATED_REFUSED, EMULATED_UNUSABLE, SLOW],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let claim = bench.profile.claims.vf_over_emulated;
    let question = Question {
        rival: Rival::Emulated(Model::E1000e),
        yardstick: Yardstick::Rate,
        size: LARGE,
        claim: claim.map(|claim| (claim, &SLOW)),
    };
    compare(bench, question).await
}
