//! A virtual function that is taken back from a running guest is gone there, and on the host as it
//! was before: with its driver, with its attributes, and not part of the guest's next start.
//!
//! Source: RHEL 9, 14.7.1, first drawback (a VF must be taken from its guest before the PF can be changed); libvirt
//! docs/formatdomain.rst, `managed`; src/util/virhostdev.c, `virHostdevRestoreNetConfig`.

use std::time::Duration;

use anyhow::Context;
use harness::bench::{Bench, NOT_SEEN, listed};
use harness::check::{Answer, Check, Finding};
use harness::{guest_findings, require};

use super::{NEEDS, PATIENCE, Plugged, REFUSED, ids, plug};

const DETACH_REFUSED: Finding = Finding::device(
    "detach-refused",
    "libvirt or QEMU refused to take the VF back from the guest.",
    "Read libvirt's reason in the report, and the guest's console in the transcript.",
);
const GUEST_KEEPS: Finding = Finding::device(
    "guest-keeps-vf",
    "The VF was detached, but the guest still has it: its driver does not let go, or the unplug never came to its end.",
    "Read the guest's console in the transcript; update the VF driver there.",
);
const NOT_BACK: Finding = Finding::device(
    "vf-not-given-back",
    "The VF is free, but its driver on the host does not have it again. Nobody can use it until it is bound by hand.",
    "Read the kernel log of this check: a reset that failed leaves the VF dead (see vf::reset); else bind it with `virsh nodedev-reattach`.",
);
const STILL_TOLD: Finding = Finding::device(
    "detachment-not-kept",
    "The VF was detached, but libvirt still tells it of the guest. Its next start would take the VF again.",
    "Read the XML in the transcript and `journalctl -u libvirtd`; update libvirt.",
);
const ATTRIBUTES_DIFFER: Finding = Finding::device(
    "vf-attributes-not-restored",
    "After the guest the VF has other attributes than before. The next owner inherits an address or a switch that was not meant for him.",
    "Compare both lines in the report; set them by hand with `ip link set … vf …`, and update the PF's driver and libvirt.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::unplug",
    proves: "a virtual function that is taken back from a guest is gone there, and on the host as it was before",
    source: "RHEL 9, 14.7.1, drawbacks; libvirt docs/formatdomain.rst, managed",
    needs: NEEDS,
    limit: Duration::from_mins(8),
    provokes: &[],
    findings: guest_findings![
        REFUSED,
        NOT_SEEN,
        DETACH_REFUSED,
        GUEST_KEEPS,
        NOT_BACK,
        STILL_TOLD,
        ATTRIBUTES_DIFFER
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    detach(bench, &plugged).await?;
    out_of_the_guest(bench, &plugged).await?;
    back_on_the_host(bench, &plugged).await
}

async fn detach(bench: &mut Bench, Plugged { guest, vf, .. }: &Plugged) -> Answer {
    let told = bench.told(guest.name(), false).await?;
    let hostdev = told
        .hostdev(*vf)
        .context("libvirt does not tell the VF of the guest that has it")?;
    let detached = bench.detach_interface(guest, &hostdev.mac).await?;
    require!(
        bench,
        detached.success(),
        DETACH_REFUSED,
        "`virsh detach-interface`: exit {}, {:?}",
        detached.status,
        detached.stderr
    );
    Ok(())
}

async fn out_of_the_guest(bench: &mut Bench, Plugged { guest, vf, .. }: &Plugged) -> Answer {
    let (vendor, device) = ids(bench).await?;
    let gone = bench.gone_from(guest, vendor, device, PATIENCE).await?;
    let seen = if gone {
        "not there any more"
    } else {
        "still there"
    };
    require!(
        bench,
        gone,
        GUEST_KEEPS,
        "{vendor:04x}:{device:04x} in the guest: {seen}"
    );
    for (inactive, which) in [(false, "the running guest"), (true, "its next start")] {
        let told = bench.told(guest.name(), inactive).await?;
        let forgotten = told.hostdev(*vf).is_none();
        require!(
            bench,
            forgotten,
            STILL_TOLD,
            "libvirt's VFs of {which}: {}",
            listed(told.hostdevs)
        );
    }
    Ok(())
}

async fn back_on_the_host(bench: &mut Bench, Plugged { vf, before, .. }: &Plugged) -> Answer {
    let driver = bench.profile.driver.vf.clone();
    let bound = bench.wait_for_driver(*vf, &driver, PATIENCE).await?;
    let back = bound.as_ref() == Some(&driver);
    require!(
        bench,
        back,
        NOT_BACK,
        "on the host the VF's driver is {}, expected {driver}",
        listed(bound)
    );
    let after = bench.vf_attributes(0).await?;
    let same = after == *before;
    require!(
        bench,
        same,
        ATTRIBUTES_DIFFER,
        "the VF's attributes were {before}, are {after}"
    );
    Ok(())
}
