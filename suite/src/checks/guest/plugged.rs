//! A guest that has a VF: how it gets it, what the VF must be there, how it gives it back.

use anyhow::Context;
use harness::bench::{Bench, Running, listed};
use harness::check::{Answer, Finding, Problem};
use harness::machine::Output;
use harness::pci::Bdf;
use harness::require;
use serde_json::Value;

use super::PATIENCE;

pub(in crate::checks) const REFUSED: Finding = Finding::device(
    "attach-refused",
    "libvirt or QEMU refused to hand the VF to the guest.",
    "Read libvirt's reason in the report. A group that is not viable lacks ACS above the VF (see device::acs_path); a VF that is in use belongs to somebody else.",
);
pub(in crate::checks) const START_REFUSED: Finding = Finding::device(
    "start-with-vf-refused",
    "libvirt or QEMU refused to start the guest with the VF. Without it the guest starts.",
    "Read libvirt's reason in the report, and the emulator's log in the transcript.",
);
pub(in crate::checks) const NO_DRIVER: Finding = Finding::device(
    "guest-driver-does-not-bind",
    "The guest's kernel finds the VF, but the driver of the profile does not bind to it there.",
    "Read the guest's console in the transcript: a driver says there why it gave up. Its PF's driver and firmware must fit it.",
);
pub(in crate::checks) const NO_LINK: Finding = Finding::device(
    "guest-vf-no-link",
    "The VF's interface in the guest has no link.",
    "See device::link_up for the PF's own link; look at `ip link show` of the PF: the VF's link-state must not be disabled; read the guest's console in the transcript.",
);
pub(in crate::checks) const DETACH_REFUSED: Finding = Finding::device(
    "detach-refused",
    "libvirt or QEMU refused to take the VF back from the guest.",
    "Read libvirt's reason in the report, and the guest's console in the transcript.",
);
pub(in crate::checks) const GUEST_KEEPS: Finding = Finding::device(
    "guest-keeps-vf",
    "The VF was detached, but the guest still has it: its driver does not let go, or the unplug never came to its end.",
    "Read the guest's console in the transcript; update the VF driver there.",
);

/// A running guest with a VF.
pub(in crate::checks) struct Plugged {
    pub(in crate::checks) guest: Running,
    /// Where the VF is on the host.
    pub(in crate::checks) vf: Bdf,
    /// Where it is in the guest.
    pub(in crate::checks) card: Bdf,
    pub(in crate::checks) before: Before,
}

/// The VF on the host before anybody handed it over.
pub(in crate::checks) struct Before {
    /// What the PF's driver knew of it.
    pub(in crate::checks) attributes: Value,
    /// Its driver: none where the machine keeps drivers away from VFs.
    pub(in crate::checks) driver: Option<String>,
    /// The address of its interface.
    pub(in crate::checks) address: Option<String>,
}

/// Creates a VF and hands it to a running guest by the command of the requirement.
pub(in crate::checks) async fn plug(bench: &mut Bench) -> Result<Plugged, Problem> {
    let vf = vfs(bench, 1).await?[0];
    let guest = bench.guest('a').await?;
    let before = before(bench, vf).await?;
    hand_over(bench, &guest, vf).await?;
    let card = card_in(bench, &guest).await?;
    Ok(Plugged {
        guest,
        vf,
        card,
        before,
    })
}

/// Some drivers make a VF's interface only some time after they have bound to it.
async fn before(bench: &mut Bench, vf: Bdf) -> Result<Before, Problem> {
    let driver = bench.driver_of(vf).await?;
    if driver.is_some() {
        bench.wait_for_class(vf, "net", PATIENCE).await?;
    }
    let nets = bench.nets_of(vf).await?;
    Ok(Before {
        attributes: bench.vf_attributes(0).await?,
        driver,
        address: nets.into_iter().next().map(|net| net.mac),
    })
}

/// As [`plug`]; in the guest the VF is a network card with a link.
pub(in crate::checks) async fn plug_card(bench: &mut Bench) -> Result<Plugged, Problem> {
    let plugged = plug(bench).await?;
    is_a_card(bench, &plugged.guest, plugged.card).await?;
    Ok(plugged)
}

/// On the host the VF must have the driver that it had.
pub(in crate::checks) async fn is_back(
    bench: &mut Bench,
    vf: Bdf,
    driver: Option<&str>,
    finding: &'static Finding,
) -> Answer {
    let expected = driver.unwrap_or("none").to_owned();
    let bound = match driver {
        Some(driver) => bench.wait_for_driver(vf, driver, PATIENCE).await?,
        None => bench.driver_of(vf).await?,
    };
    let holds = bound.as_deref() == driver;
    let text = format!(
        "on the host the VF's driver is {}, was {expected}",
        listed(bound)
    );
    bench.assert(holds, finding, text)
}

/// That many new VFs of a PF that is up.
pub(in crate::checks) async fn vfs(bench: &mut Bench, count: u16) -> Result<Vec<Bdf>, Problem> {
    bench.set_up(true).await?;
    let vfs = bench.create_vfs(count).await?;
    Ok(vfs.into_iter().map(|vf| vf.bdf).collect())
}

pub(in crate::checks) async fn hand_over(bench: &mut Bench, guest: &Running, vf: Bdf) -> Answer {
    let attached = bench.attach(guest, vf).await?;
    require!(
        bench,
        attached.success(),
        REFUSED,
        "attaching {vf} to a guest: exit {}, {:?}",
        attached.status,
        attached.stderr
    );
    Ok(())
}

/// Gives the VF to a guest that rests, for its next start.
pub(in crate::checks) async fn give(bench: &mut Bench, name: &str, vf: Bdf) -> Answer {
    let given = bench.attach_for_start(name, vf).await?;
    require!(
        bench,
        given.success(),
        REFUSED,
        "attaching {vf} for a guest's next start: exit {}, {:?}",
        given.status,
        given.stderr
    );
    Ok(())
}

/// Where the only VF is in the guest, which must find it.
pub(in crate::checks) async fn card_in(bench: &mut Bench, guest: &Running) -> Result<Bdf, Problem> {
    let ids = ids(bench).await?;
    let cards = bench.functions_in(guest, ids, 1, PATIENCE).await?;
    Ok(*cards.first().context("a guest has lost what it had")?)
}

/// Hands several VFs to a guest, in which each must be a network card. Returns where they are there.
pub(in crate::checks) async fn cards_of(
    bench: &mut Bench,
    guest: &Running,
    vfs: &[Bdf],
) -> Result<Vec<Bdf>, Problem> {
    for vf in vfs {
        hand_over(bench, guest, *vf).await?;
    }
    let ids = ids(bench).await?;
    let cards = bench.functions_in(guest, ids, vfs.len(), PATIENCE).await?;
    for card in &cards {
        is_a_card(bench, guest, *card).await?;
    }
    Ok(cards)
}

/// Vendor and device of a VF, which a guest sees as the host does.
pub(in crate::checks) async fn ids(bench: &mut Bench) -> Result<[u16; 2], Problem> {
    let device = bench.sriov().await?.vf_device;
    Ok([bench.facts.device.ids.vendor, device])
}

/// In the guest the driver of the profile must bind to the VF.
pub(in crate::checks) async fn is_driven(bench: &mut Bench, guest: &Running, card: Bdf) -> Answer {
    let driver = bench.profile.driver.vf.clone();
    let bound = bench.driver_in(guest, card, &driver, PATIENCE).await?;
    let binds = bound.as_ref() == Some(&driver);
    require!(
        bench,
        binds,
        NO_DRIVER,
        "in the guest the VF's driver is {}, expected {driver}",
        listed(bound)
    );
    Ok(())
}

/// In the guest the VF must be a network card with a driver and a link.
pub(in crate::checks) async fn is_a_card(bench: &mut Bench, guest: &Running, card: Bdf) -> Answer {
    is_driven(bench, guest, card).await?;
    let link = bench.carrier_in(guest, card, PATIENCE).await?;
    let seen = match &link {
        Ok(()) => "a link".to_owned(),
        Err(why) => format!("no link: {why}"),
    };
    require!(
        bench,
        link.is_ok(),
        NO_LINK,
        "the VF's interface in the guest has {seen}"
    );
    Ok(())
}

/// The guest must still have the VF, which had a link ([`plug_card`]), as if nothing had happened.
pub(in crate::checks) async fn still_has(
    bench: &mut Bench,
    Plugged {
        guest, vf, card, ..
    }: &Plugged,
    finding: &'static Finding,
) -> Answer {
    still_seen(bench, guest, *vf, *card, finding).await?;
    let link = bench.carrier_in(guest, *card, PATIENCE).await?;
    let text = format!("the link of the guest's card: {link:?}");
    bench.assert(link.is_ok(), finding, text)
}

/// libvirt must still tell the VF of the guest, and the guest see it, where it saw it before.
pub(in crate::checks) async fn still_seen(
    bench: &mut Bench,
    guest: &Running,
    vf: Bdf,
    card: Bdf,
    finding: &'static Finding,
) -> Answer {
    let told = bench.told(guest.name(), false).await?;
    let has = told.hostdev(vf).is_some();
    let text = format!("libvirt's VFs of the guest: {}", listed(told.hostdevs));
    bench.assert(has, finding, text)?;
    let ids = ids(bench).await?;
    let seen = bench.functions_now(guest, ids).await?;
    let text = format!("VFs that the guest sees: {}", listed(&seen));
    bench.assert(seen == [card], finding, text)
}

/// As [`take_back`], of what was plugged.
pub(in crate::checks) async fn unplug(
    bench: &mut Bench,
    Plugged { guest, vf, .. }: &Plugged,
) -> Answer {
    take_back(bench, guest, &[*vf]).await
}

/// Takes all its VFs back from a running guest and from its next start; the guest must let them go, and libvirt hear of it.
pub(in crate::checks) async fn take_back(
    bench: &mut Bench,
    guest: &Running,
    vfs: &[Bdf],
) -> Answer {
    for vf in vfs {
        let detached = bench.detach(guest, *vf).await?;
        is_taken(bench, &detached)?;
    }
    lets_go(bench, guest).await?;
    for vf in vfs {
        is_forgotten(bench, guest, *vf).await?;
    }
    Ok(())
}

/// libvirt must hear that a guest has let the VF go: only then it gives the VF back to the host.
pub(in crate::checks) async fn is_forgotten(bench: &mut Bench, guest: &Running, vf: Bdf) -> Answer {
    let told = bench.wait_until_forgotten(guest, vf, PATIENCE).await?;
    let text = format!("libvirt's VFs of the guest: {}", listed(&told.hostdevs));
    bench.assert(told.hostdev(vf).is_none(), &GUEST_KEEPS, text)
}

/// libvirt must not have refused to take the VF back.
pub(in crate::checks) fn is_taken(bench: &mut Bench, detached: &Output) -> Answer {
    require!(
        bench,
        detached.success(),
        DETACH_REFUSED,
        "taking the VF back from the guest: exit {}, {:?}",
        detached.status,
        detached.stderr
    );
    Ok(())
}

/// The guest must let go of all VFs.
pub(in crate::checks) async fn lets_go(bench: &mut Bench, guest: &Running) -> Answer {
    let ids = ids(bench).await?;
    let left = bench.gone_from(guest, ids, PATIENCE).await?;
    require!(
        bench,
        left.is_empty(),
        GUEST_KEEPS,
        "VFs that the guest still sees: {}",
        listed(&left)
    );
    Ok(())
}
