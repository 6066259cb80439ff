//! One guest can have several virtual functions at once, each a network card of its own.
//!
//! Source: RHEL 9, 14.7.1 (several VFs can be assigned to one virtual machine).

use harness::bench::{Bench, PORTS};
use harness::check::{Answer, Check};
use harness::handover_findings;

use super::plugged::{NO_DRIVER, NO_LINK, cards_of, vfs};
use super::{LIMIT_TWO_STARTS, NEEDS_TWO};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::several_vfs",
    proves: "one guest can have several virtual functions at once, each a network card of its own",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS_TWO,
    // Each of so many VFs may take as long as one in the other checks.
    limit: LIMIT_TWO_STARTS,
    provokes: &[],
    findings: handover_findings![NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let count = bench.limit().min(PORTS.into());
    let vfs = vfs(bench, count).await?;
    let guest = bench.guest('a').await?;
    cards_of(bench, &guest, &vfs).await?;
    Ok(())
}
