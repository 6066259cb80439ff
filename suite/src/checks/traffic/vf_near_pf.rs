//! A guest sends nearly as many frames by a virtual function as the host does by the physical function, by as much as is claimed.
//! Without a claim, and where the machine is no real hardware, both are measured and nothing is judged.
//!
//! Source: RHEL 9, 14.7.1 (a VF performs almost like the physical card).

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};

use super::compare::{Question, compare};
use super::ready::{LARGE, LIMIT, NEEDS};
use super::rival::Rival;
use super::yardstick::Yardstick;
use crate::comparison_findings;

const SLOW: Finding = Finding::device(
    "vf-slower-than-pf",
    "The VF in the guest carries a smaller part of what the PF carries on the host than the profile claims.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`): a VF may have a rate limit (`ip link show` of the PF) or fewer queues than the PF; a guest may have too few processors, or one that is far from the card (NUMA).",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::vf_near_pf",
    proves: "a guest sends as large a part of the physical function's frames by a virtual function as is claimed",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: comparison_findings![SLOW],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let claim = bench.profile.claims.vf_near_pf;
    let question = Question {
        rival: Rival::Pf,
        yardstick: Yardstick::Rate,
        size: LARGE,
        claim: claim.map(|claim| (claim, &SLOW)),
    };
    compare(bench, question).await
}
