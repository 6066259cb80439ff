//! A guest that is started with a virtual function has it from its first moment on, as a network card with a link.
//!
//! Source: RHEL 9, 14.7.2, step 5 (`--config`); libvirt docs/formatdomain.rst, `interface` of type `hostdev`.

use harness::bench::Bench;
use harness::check::{Answer, Check};
use harness::handover_findings;

use super::plugged::{NO_DRIVER, NO_LINK, START_REFUSED, card_in, give, is_a_card, vfs};
use super::{LIMIT, NEEDS};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::cold_attach",
    proves: "a guest that is started with a virtual function has it from its first moment on, as a network card with a link",
    source: "RHEL 9, 14.7.2, step 5; libvirt docs/formatdomain.rst",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![START_REFUSED, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vf = vfs(bench, 1).await?[0];
    let name = bench.resting_guest('a').await?;
    give(bench, &name, vf).await?;
    let guest = bench.start_guest('a', &START_REFUSED).await?;
    let card = card_in(bench, &guest).await?;
    is_a_card(bench, &guest, card).await
}
