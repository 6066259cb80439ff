//! A virtual function is handed to a running guest by the command of the requirement, and is a
//! network card with a link there.
//!
//! Source: RHEL 9, 14.7.2, step 5 and "verification"; libvirt docs/formatdomain.rst, `interface` of type `hostdev`.

use harness::bench::{Bench, Running, listed};
use harness::check::{Answer, Check, Finding};
use harness::pci::Bdf;
use harness::{handover_findings, require};

use super::plugged::{NO_DRIVER, NO_LINK, Plugged, is_a_card, plug};
use super::{LIMIT, NEEDS, PATIENCE};

pub(in crate::checks) const NOT_VFIO: Finding = Finding::device(
    "vf-not-on-vfio",
    "The VF was attached, but vfio-pci does not drive it on the host.",
    "Read the kernel log of this check; a driver that does not let go of the VF must be updated.",
);
pub(in crate::checks) const NOT_IN_XML: Finding = Finding::device(
    "attachment-not-told",
    "The attachment succeeded, but libvirt does not tell it of the running guest, or not of its next start.",
    "Read the XML in the transcript and `journalctl -u libvirtd`; update libvirt.",
);

const ADDRESS_DIFFERS: Finding = Finding::device(
    "guest-address-differs",
    "The address that libvirt gave the VF is not the one that the PF's driver knows, or that the guest sees. Frames for the guest do not reach it.",
    "Compare the three in the report; update the PF's driver, its firmware and libvirt.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::hotplug",
    proves: "a virtual function is handed to a running guest by the command of the requirement, and is a network card with a link there",
    source: "RHEL 9, 14.7.2, step 5 and verification",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![NOT_VFIO, NOT_IN_XML, ADDRESS_DIFFERS, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    on_the_host(bench, plugged.vf).await?;
    in_libvirt(bench, &plugged.guest, plugged.vf).await?;
    is_a_card(bench, &plugged.guest, plugged.card).await?;
    has_its_address(bench, &plugged).await
}

/// libvirt takes a driver of the vendor's own for guests where there is one, such as mlx5_vfio_pci
/// (libvirt docs/formatdomain.rst, `driver` of a `hostdev`); all are called so.
fn is_vfio(driver: &str) -> bool {
    driver.replace('-', "_").ends_with("vfio_pci")
}

pub(in crate::checks) async fn on_the_host(bench: &mut Bench, vf: Bdf) -> Answer {
    let bound = bench.driver_of(vf).await?;
    let vfio = bound.as_deref().is_some_and(is_vfio);
    require!(
        bench,
        vfio,
        NOT_VFIO,
        "on the host the VF's driver is {}",
        listed(bound)
    );
    Ok(())
}

pub(in crate::checks) async fn in_libvirt(bench: &mut Bench, guest: &Running, vf: Bdf) -> Answer {
    for (inactive, which) in [(false, "the running guest"), (true, "its next start")] {
        let told = bench.told(guest.name(), inactive).await?;
        let managed = told.hostdev(vf).is_some_and(|hostdev| hostdev.managed);
        require!(
            bench,
            managed,
            NOT_IN_XML,
            "libvirt's VFs of {which}: {}",
            listed(told.hostdevs)
        );
    }
    Ok(())
}

async fn has_its_address(bench: &mut Bench, plugged: &Plugged) -> Answer {
    let Plugged {
        guest, vf, card, ..
    } = plugged;
    let told = bench.told(guest.name(), false).await?;
    let given = told.hostdev(*vf).and_then(|own| own.mac.as_deref());
    let given = given.unwrap_or_default();
    let known = bench.vf_attributes(0).await?["address"].clone();
    let seen = bench.address_in(guest, *card, PATIENCE).await?;
    require!(
        bench,
        known == given && seen.as_deref() == Some(given),
        ADDRESS_DIFFERS,
        "libvirt gave {given}, the PF's driver knows {known}, the guest sees {}",
        listed(seen)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_vfio;

    #[test]
    fn drivers_for_guests_are_told_from_others() {
        assert!(
            ["vfio-pci", "mlx5_vfio_pci", "nvgrace-gpu-vfio-pci"]
                .into_iter()
                .all(is_vfio)
        );
        assert!(
            !["igbvf", "pci-stub", "vfio-platform"]
                .into_iter()
                .any(is_vfio)
        );
    }
}
