//! Frames of all sizes up to the MTU pass between a guest's virtual function and the PF, and between
//! it and another virtual function, both ways.
//!
//! Source: RHEL 9, 14.7.1 (a VF is a network card of the guest, and shares the PF's connection).

use harness::bench::{Bench, End};
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};

use super::plugged::{NO_DRIVER, NO_LINK, card_in, hand_over, is_a_card, vfs};
use super::{LIMIT, NEEDS_TWO};

pub(in crate::checks) const NO_WAY: Finding = Finding::device(
    "no-way-for-frames",
    "No frame that the VF in the guest sent to its neighbour was answered within 10 s.",
    "See device::link_up for a link of the neighbour. Look at `ip link show` of the PF: address, VLAN and spoofchk of the VF; a switch in the card that does not forward between its functions is a setting of the PF's driver.",
);
pub(in crate::checks) const HARMED: Finding = Finding::device(
    "frames-harmed",
    "Frames passed, but some were lost, damaged or came twice, at a rate at which nothing may be lost.",
    "The sizes in the report say which: those above a limit mean an MTU that is not what it says; single ones mean a queue that overflows. Read the kernel log of this check and `ip -s link`.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::echo",
    proves: "frames of all sizes up to the MTU pass between a guest's virtual function and the PF, and between it and another virtual function, both ways",
    source: "RHEL 9, 14.7.1",
    needs: NEEDS_TWO,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![NO_DRIVER, NO_LINK, NO_WAY, HARMED],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vfs = vfs(bench, 2).await?;
    let guest = bench.guest('a').await?;
    hand_over(bench, &guest, vfs[0]).await?;
    let card = card_in(bench, &guest).await?;
    is_a_card(bench, &guest, card).await?;
    let here = bench.end_in(&guest, card).await?;
    for (neighbour, what) in [(bench.pf(), "the PF"), (vfs[1], "another VF")] {
        let there = bench.end_here(neighbour).await?;
        passes(bench, &here, &there, what).await?;
    }
    Ok(())
}

/// Frames of all sizes must pass from one end to the other and back.
pub(in crate::checks) async fn passes(
    bench: &mut Bench,
    from: &End,
    to: &End,
    what: &str,
) -> Answer {
    let pinged = bench.ping(from, to).await?;
    require!(bench, pinged.reached, NO_WAY, "to {what}: {pinged}");
    let unharmed = pinged.is_unharmed();
    require!(bench, unharmed, HARMED, "to {what} and back: {pinged}");
    Ok(())
}
