//! A guest that got a virtual function while it ran has it again when it is started the next time
//! (`--config`).
//!
//! Source: RHEL 9, 14.7.2, step 5; libvirt docs/manpages/virsh.rst, `attach-interface`, `--config`.

use harness::bench::Bench;
use harness::check::{Answer, Check};
use harness::handover_findings;

use super::plugged::{NO_DRIVER, NO_LINK, START_REFUSED, card_in, is_a_card, plug};
use super::{LIMIT_TWO_STARTS, NEEDS};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::restart_keeps",
    proves: "a guest that got a virtual function while it ran has it again when it is started the next time",
    source: "RHEL 9, 14.7.2, step 5; libvirt docs/manpages/virsh.rst",
    needs: NEEDS,
    limit: LIMIT_TWO_STARTS,
    provokes: &[],
    findings: handover_findings![START_REFUSED, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    plug(bench).await?;
    bench.resting_guest('a').await?;
    let guest = bench.start_guest('a', &START_REFUSED).await?;
    let card = card_in(bench, &guest).await?;
    is_a_card(bench, &guest, card).await
}
