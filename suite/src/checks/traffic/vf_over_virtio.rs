//! How many times more frames a guest sends by a virtual function than by the card that was made to be emulated. Both must carry
//! frames; how much better the VF has to be nobody claims yet, so that it is measured and reported.
//!
//! Source: RHEL 9, 14.7.1 (a VF performs better than paravirtual cards).

use harness::bench::Bench;
use harness::check::{Answer, Check};
use harness::guest::Model;

use super::compare::{LIMIT, NEEDS, compare};
use crate::comparison_findings;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "traffic::vf_over_virtio",
    proves: "a guest sends frames unharmed by a virtual function as fast as they go, and how many times more than by a virtio card is reported",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: comparison_findings![],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    compare(bench, Model::Virtio, None).await
}
