//! What a guest sends by a virtual function costs the host's processors less than what it sends by an emulated e1000e, by as much
//! as is claimed. Without a claim, and where the machine is no real hardware, both are measured and nothing is judged.
//!
//! All that the processors do meanwhile is counted: the guest itself, its emulator, interrupts and what they leave to be done, and
//! the receiver, where it is on this machine too. That others were busy with something else shows as noise.
//!
//! Source: RHEL 9, 14.7.1 (a VF uses less of the host's CPU than an emulated card).

use harness::bench::{Bench, EMULATED_REFUSED, EMULATED_UNUSABLE};
use harness::check::{Answer, Check, Finding};
use harness::guest::Model;

use super::compare::{Question, compare};
use super::ready::{LARGE, LIMIT, NEEDS};
use super::rival::Rival;
use super::yardstick::Yardstick;
use crate::comparison_findings;

const COSTLY: Finding = Finding::device(
    "vf-costs-host-cpu",
    "The frames of the VF cost the host's processors more than the profile claims, compared with those of an emulated e1000e on the same port.",
    "Read the samples beside the transcript (`samples.json`, a picture in `samples-1.svg`): `load` says how much of it were interrupts and guests. A VF that raises an interrupt for each frame, or a guest that leaves to the host for each (`perf kvm stat`), costs most.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::host_cpu",
    proves: "the frames of a virtual function cost the host's processors as many times less as is claimed than those of an emulated e1000e",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: comparison_findings![EMULATED_REFUSED, EMULATED_UNUSABLE, COSTLY],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let claim = bench.profile.claims.vf_cpu_over_emulated;
    let question = Question {
        rival: Rival::Emulated(Model::E1000e),
        yardstick: Yardstick::PerCpu,
        size: LARGE,
        claim: claim.map(|claim| (claim, &COSTLY)),
    };
    compare(bench, question).await
}
