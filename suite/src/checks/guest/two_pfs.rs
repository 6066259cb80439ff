//! One guest can have virtual functions of two physical functions at once, such as of both ports of a card: each is
//! a network card of its own there, and both come back.
//!
//! Source: RHEL 9, 14.7.1 (a device has one PF or more; several VFs can be assigned to one virtual machine) and 14.7.2,
//! step 5.

use anyhow::Context;
use harness::bench::{Bench, Running, listed};
use harness::check::{Answer, Check, Finding, Problem};
use harness::pci::Bdf;
use harness::{handover_findings, require, sysfs};

use super::hotplug::NOT_IN_XML;
use super::plugged::{
    DETACH_REFUSED, GUEST_KEEPS, NO_DRIVER, NO_LINK, hand_over, ids, is_a_card, is_back, take_back,
    vfs,
};
use super::unplug::NOT_BACK;
use super::{LIMIT, NEEDS_TWO_PFS, PATIENCE};

const SECOND_NO_LINK: Finding = Finding::bench(
    "second-pf-no-link",
    "The interface of the second PF, whose VF the guest is to have too, sees no link partner. So its VF could not have a link either.",
    "Connect the port of the second PF, or run again with a device that is connected; device::link_up of that PF says more.",
);
const NOT_OF_TWO: Finding = Finding::device(
    "vfs-not-of-two-pfs",
    "Each of the two PFs has made a VF, but the kernel does not show each as a VF of its PF (`physfn`).",
    "Read the kernel log of this check and both links in the report; see vf::identity.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::two_pfs",
    proves: "one guest can have virtual functions of two physical functions at once, each a network card of its own, and gives both back",
    source: "RHEL 9, 14.7.1 and 14.7.2, step 5",
    needs: NEEDS_TWO_PFS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![
        SECOND_NO_LINK,
        NOT_OF_TWO,
        NOT_IN_XML,
        NO_DRIVER,
        NO_LINK,
        DETACH_REFUSED,
        GUEST_KEEPS,
        NOT_BACK
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vfs = [vfs(bench, 1).await?[0], vf_of_second(bench).await?];
    are_of_two(bench, vfs).await?;
    let drivers = [
        bench.driver_of(vfs[0]).await?,
        bench.driver_of(vfs[1]).await?,
    ];
    let guest = bench.guest('a').await?;
    for vf in vfs {
        hand_over(bench, &guest, vf).await?;
    }
    are_told(bench, &guest, vfs).await?;
    let ids = ids(bench).await?;
    for card in bench.functions_in(&guest, ids, 2, PATIENCE).await? {
        is_a_card(bench, &guest, card).await?;
    }
    take_back(bench, &guest, &vfs).await?;
    for (vf, driver) in vfs.into_iter().zip(drivers) {
        is_back(bench, vf, driver.as_deref(), &NOT_BACK).await?;
    }
    Ok(())
}

/// A new VF of the second PF, which must have a link first: whether it is connected is not this device's doing.
async fn vf_of_second(bench: &mut Bench) -> Result<Bdf, Problem> {
    let mut second = bench.at_second()?;
    second.set_up(true).await?;
    let linked = second.wait_for_carrier(PATIENCE).await?;
    let partner = if linked { "a" } else { "no" };
    let text = format!("the second PF, {}, has {partner} link partner", second.pf());
    second.assert(linked, &SECOND_NO_LINK, text)?;
    Ok(second.create_vfs(1).await?[0].bdf)
}

async fn are_of_two(bench: &mut Bench, vfs: [Bdf; 2]) -> Answer {
    let second = bench.facts.second.as_ref().context("no second PF")?.bdf;
    let mut shown = Vec::new();
    let mut same = true;
    for (vf, pf) in vfs.into_iter().zip([bench.pf(), second]) {
        let physfn = bench.target(&sysfs::attribute(vf, "physfn")).await?;
        same &= physfn == Some(pf.to_string());
        shown.push(format!("{vf} is of {}, made by {pf}", listed(physfn)));
    }
    require!(bench, same, NOT_OF_TWO, "{}", listed(shown));
    Ok(())
}

async fn are_told(bench: &mut Bench, guest: &Running, vfs: [Bdf; 2]) -> Answer {
    let told = bench.told(guest.name(), false).await?;
    let both = vfs.into_iter().all(|vf| told.hostdev(vf).is_some());
    require!(
        bench,
        both,
        NOT_IN_XML,
        "libvirt's VFs of the running guest: {}",
        listed(told.hostdevs)
    );
    Ok(())
}
