//! A virtual function that is taken back from a running guest is gone there, and on the host as it
//! was before: with its driver, with its attributes, and not part of the guest's next start.
//!
//! Source: RHEL 9, 14.7.1, first drawback (a VF must be taken from its guest before the PF can be changed); libvirt
//! docs/formatdomain.rst, `managed`; src/hypervisor/virhostdev.c, `virHostdevRestoreNetConfig`.

use harness::bench::{Bench, Running, listed};
use harness::check::{Answer, Check, Finding};
use harness::pci::Bdf;
use harness::{handover_findings, require};
use serde_json::Value;

use super::plugged::{Before, DETACH_REFUSED, GUEST_KEEPS, Plugged, is_back, plug, unplug};
use super::{LIMIT, NEEDS};

pub(super) const NOT_BACK: Finding = Finding::device(
    "vf-not-given-back",
    "The VF is free, but its driver on the host does not have it again. Nobody can use it until it is bound by hand.",
    "Read the kernel log of this check: a reset that failed leaves the VF dead (see vf::reset); else bind it with `virsh nodedev-reattach`.",
);
pub(in crate::checks) const STILL_TOLD: Finding = Finding::device(
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
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![
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
    unplug(bench, &plugged).await?;
    out_of_libvirt(bench, &plugged.guest, plugged.vf).await?;
    back_on_the_host(bench, &plugged).await
}

/// [`unplug`] has seen that the guest that runs is rid of it.
pub(in crate::checks) async fn out_of_libvirt(
    bench: &mut Bench,
    guest: &Running,
    vf: Bdf,
) -> Answer {
    let told = bench.told(guest.name(), true).await?;
    let forgotten = told.hostdev(vf).is_none();
    require!(
        bench,
        forgotten,
        STILL_TOLD,
        "libvirt's VFs of the guest's next start: {}",
        listed(told.hostdevs)
    );
    Ok(())
}

async fn back_on_the_host(bench: &mut Bench, Plugged { vf, before, .. }: &Plugged) -> Answer {
    is_back(bench, *vf, before.driver.as_deref(), &NOT_BACK).await?;
    let after = bench.vf_attributes(0).await?;
    let restored = is_restored(before, &after);
    require!(
        bench,
        restored,
        ATTRIBUTES_DIFFER,
        "the VF's attributes were {}, are {after}",
        before.attributes
    );
    Ok(())
}

/// Whether the VF is to the PF's driver what it was. Where the VF had an interface, libvirt tells the
/// PF's driver that one's address, which the driver need not have known before. A driver that knew none and takes no
/// empty address gets another one that belongs to nobody (libvirt src/util/virnetdev.c, `altZeroMAC`).
fn is_restored(before: &Before, after: &Value) -> bool {
    let own = before.address.as_deref();
    let address = after["address"].as_str();
    let had_none = before.attributes["address"] == "00:00:00:00:00:00";
    let substitute = (address == Some("02:00:00:00:00:00")) && had_none;
    let mut expected = before.attributes.clone();
    if address.is_some() && (address == own || substitute) {
        expected["address"] = after["address"].clone();
    }
    expected == *after
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Before, is_restored};

    #[test]
    fn the_address_may_become_that_of_the_interface() {
        let before = Before {
            attributes: json!({"address": "00:00:00:00:00:00", "trust": false}),
            driver: Some("ixgbevf".into()),
            address: Some("ee:55:32:aa:f0:57".into()),
        };
        let after = |address: &str, trust: bool| json!({"address": address, "trust": trust});
        for restored in [
            "00:00:00:00:00:00",
            "ee:55:32:aa:f0:57",
            "02:00:00:00:00:00",
        ] {
            assert!(is_restored(&before, &after(restored, false)), "{restored}");
            assert!(!is_restored(&before, &after(restored, true)), "{restored}");
        }
        assert!(!is_restored(&before, &after("52:54:00:3f:6b:65", false)));
        let known = Before {
            attributes: json!({"address": "ee:55:32:aa:f0:57", "trust": false}),
            ..before
        };
        assert!(!is_restored(&known, &after("02:00:00:00:00:00", false)));
    }
}
