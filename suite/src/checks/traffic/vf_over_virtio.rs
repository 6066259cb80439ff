//! A guest sends more frames by a virtual function than by a virtio card, which was made to be emulated, by as much as is claimed.
//! Without a claim, and where the machine is no real hardware, both are measured and nothing is judged.
//!
//! Source: RHEL 9, 14.7.1 (a VF performs better than paravirtual cards).

use harness::bench::{Bench, EMULATED_REFUSED, EMULATED_UNUSABLE};
use harness::check::{Answer, Check, Finding};
use harness::guest::Model;

use super::compare::{Question, compare};
use super::ready::{LARGE, LIMIT, NEEDS};
use super::rival::Rival;
use super::yardstick::Yardstick;
use crate::comparison_findings;

const SLOW: Finding = Finding::device(
    "vf-not-faster-than-virtio",
    "The VF carries fewer frames than the profile claims, compared with a virtio card on the same port.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`): a VF that is slow by itself may have a slower link (device::pcie_link), a rate limit (`ip link show` of the PF) or too few queues; a virtio card that is fast makes the claim too high for this machine.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::vf_over_virtio",
    proves: "a guest sends as many times more frames by a virtual function as is claimed than by a virtio card",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: comparison_findings![EMULATED_REFUSED, EMULATED_UNUSABLE, SLOW],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let claim = bench.profile.claims.vf_over_virtio;
    let question = Question {
        rival: Rival::Emulated(Model::Virtio),
        yardstick: Yardstick::Rate,
        size: LARGE,
        claim: claim.map(|claim| (claim, &SLOW)),
    };
    compare(bench, question).await
}
