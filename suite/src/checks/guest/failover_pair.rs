//! A virtual function and an emulated interface, which a guest uses as one, keep the guest on the network while the
//! virtual function is unplugged, and the guest uses it again when it is back.
//!
//! Source: RHEL 9, 14.7.1, drawbacks (a guest with a VF cannot be migrated; a teaming pair lets it go meanwhile); Linux
//! Documentation/networking/net_failover.rst.

use std::time::Duration;

use anyhow::Context;
use harness::bench::{Bench, End, Running, STANDBY_REFUSED};
use harness::check::{Answer, Check, Finding, Problem};
use harness::pci::Bdf;
use harness::{handover_findings, require};

use super::echo::{HARMED, NO_WAY, passes};
use super::plugged::{
    DETACH_REFUSED, GUEST_KEEPS, NO_DRIVER, NO_LINK, REFUSED, card_in, is_a_card, is_forgotten,
    is_taken, lets_go, vfs,
};
use super::{LIMIT, NEEDS_TWO, PATIENCE};

const NO_PAIR: Finding = Finding::device(
    "vf-not-paired",
    "The VF has the address of the guest's emulated interface, and the guest does not use the two as one.",
    "Read the guest's console in the transcript; a VF's driver that keeps an address of its own, or changes it later, cannot be paired. The guest's kernel needs net_failover.",
);

const CUT_OFF: Finding = Finding::device(
    "cut-off-without-vf",
    "While the guest had no VF, its frames did not pass by the emulated interface on the PF, or not all of them.",
    "Look at `ip -d link show` of the PF and its macvtap: the card must take in frames for the guest's address by the PF while no VF has it; a PF driver without unicast filters needs promiscuous mode.",
);
const IDLE: Finding = Finding::device(
    "vf-idle-in-pair",
    "The guest uses the VF and its emulated interface as one, but its frames do not pass by the VF.",
    "Look at the VF's link in the guest: a half without a link is not used (Linux drivers/net/net_failover.c).",
);

/// Of 1455 frames or more that are answered, so many at least must come by the VF.
const FRAMES: u64 = 1000;
/// How long the VF's counter may take to tell: some drivers ask the card only now and then.
const COUNTERS: Duration = Duration::from_secs(5);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::failover_pair",
    proves: "a guest that uses a virtual function and an emulated interface as one keeps its network while the virtual function is unplugged, and uses it again afterwards",
    source: "RHEL 9, 14.7.1, drawbacks; Linux Documentation/networking/net_failover.rst",
    needs: NEEDS_TWO,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![
        STANDBY_REFUSED,
        REFUSED,
        NO_DRIVER,
        NO_LINK,
        NO_PAIR,
        CUT_OFF,
        IDLE,
        NO_WAY,
        HARMED,
        DETACH_REFUSED,
        GUEST_KEEPS
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vfs = vfs(bench, 2).await?;
    let guest = bench.guest('a').await?;
    let mac = bench.attach_standby(&guest).await?;
    let neighbour = bench.end_here(vfs[1]).await?;
    let pair = by_vf(bench, &guest, vfs[0], &mac, &neighbour).await?;
    let detached = bench.detach_primary(&guest, &mac).await?;
    is_taken(bench, &detached)?;
    lets_go(bench, &guest).await?;
    let pinged = bench.ping(&pair, &neighbour).await?;
    let unharmed = pinged.is_unharmed();
    require!(
        bench,
        unharmed,
        CUT_OFF,
        "to another VF, without the VF: {pinged}"
    );
    is_forgotten(bench, &guest, vfs[0]).await?;
    by_vf(bench, &guest, vfs[0], &mac, &neighbour).await?;
    Ok(())
}

/// Hands the VF to the guest, whose frames must pass by it. Returns the interface that the guest uses.
async fn by_vf(
    bench: &mut Bench,
    guest: &Running,
    vf: Bdf,
    mac: &str,
    neighbour: &End,
) -> Result<End, Problem> {
    let (pair, half) = joins(bench, guest, vf, mac).await?;
    let before = bench.frames_at(&half, 0, Duration::ZERO).await?;
    passes(bench, &pair, neighbour, "another VF, with the VF").await?;
    let enough = before + FRAMES;
    let after = bench.frames_at(&half, enough, COUNTERS).await?;
    let by_vf = after.saturating_sub(before);
    let text = format!("frames that came in by the VF meanwhile: {by_vf}");
    bench.assert(after > enough, &IDLE, text)?;
    Ok(pair)
}

/// Hands the VF to the guest, which must use it together with the emulated interface. Returns the
/// interface that stands for both, and the VF's own.
async fn joins(
    bench: &mut Bench,
    guest: &Running,
    vf: Bdf,
    mac: &str,
) -> Result<(End, End), Problem> {
    let attached = bench.attach_primary(guest, vf, mac).await?;
    require!(
        bench,
        attached.success(),
        REFUSED,
        "`virsh attach-device`: exit {}, {:?}",
        attached.status,
        attached.stderr
    );
    let card = card_in(bench, guest).await?;
    is_a_card(bench, guest, card).await?;
    let pair = bench.pair_in(guest, card, PATIENCE).await?;
    let text = format!("the guest uses both as one: {}", pair.is_some());
    bench.assert(pair.is_some(), &NO_PAIR, text)?;
    let half = bench.end_in(guest, card).await?;
    Ok((pair.context("a guest has lost what it had")?, half))
}
