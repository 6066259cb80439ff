//! Two guests with a virtual function each exchange frames of all sizes through the adapter's switch.
//!
//! Source: RHEL 9, 14.7.1 (one network device presents VFs to several virtual machines).

use harness::bench::Bench;
use harness::check::{Answer, Check};
use harness::handover_findings;

use super::echo::{HARMED, NO_WAY, passes};
use super::plugged::{NO_DRIVER, NO_LINK, card_in, hand_over, is_a_card, vfs};
use super::{LIMIT_TWO_STARTS, NEEDS_TWO};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::two_guests",
    proves: "two guests with a virtual function each exchange frames of all sizes through the adapter's switch",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS_TWO,
    limit: LIMIT_TWO_STARTS,
    provokes: &[],
    findings: handover_findings![NO_DRIVER, NO_LINK, NO_WAY, HARMED],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let mut ends = Vec::new();
    for (letter, vf) in ['a', 'b'].into_iter().zip(vfs(bench, 2).await?) {
        let guest = bench.guest(letter).await?;
        hand_over(bench, &guest, vf).await?;
        let card = card_in(bench, &guest).await?;
        is_a_card(bench, &guest, card).await?;
        ends.push(bench.end_in(&guest, card).await?);
    }
    passes(bench, &ends[0], &ends[1], "the other guest").await?;
    // It is the last to need a second one.
    bench.resting_guest('b').await?;
    Ok(())
}
