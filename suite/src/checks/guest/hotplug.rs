//! A virtual function is handed to a running guest by the command of the requirement, and is a
//! network card with a link there.
//!
//! Source: RHEL 9, 14.7.2, step 5 and "verification"; libvirt docs/formatdomain.rst, `interface` of type `hostdev`.

use std::time::Duration;

use harness::bench::{Bench, NOT_SEEN, listed};
use harness::check::{Answer, Check, Finding};
use harness::pci::Bdf;
use harness::{guest_findings, require};

use super::{NEEDS, PATIENCE, Plugged, REFUSED, plug};

const NOT_VFIO: Finding = Finding::device(
    "vf-not-on-vfio",
    "The VF was attached, but vfio-pci does not drive it on the host.",
    "Read the kernel log of this check; a driver that does not let go of the VF must be updated.",
);
const NOT_IN_XML: Finding = Finding::device(
    "attachment-not-told",
    "The attachment succeeded, but libvirt does not tell it of the running guest, or not of its next start.",
    "Read the XML in the transcript and `journalctl -u libvirtd`; update libvirt.",
);
const NO_DRIVER: Finding = Finding::device(
    "guest-driver-does-not-bind",
    "The guest's kernel finds the VF, but the driver of the profile does not bind to it there.",
    "Read the guest's console in the transcript: a driver says there why it gave up. Its PF's driver and firmware must fit it.",
);
const NO_LINK: Finding = Finding::device(
    "guest-vf-no-link",
    "The VF's interface in the guest has no link.",
    "See device::link_up for the PF's own link; look at `ip link show` of the PF: the VF's link-state must not be disabled; read the guest's console in the transcript.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::hotplug",
    proves: "a virtual function is handed to a running guest by the command of the requirement, and is a network card with a link there",
    source: "RHEL 9, 14.7.2, step 5 and verification",
    needs: NEEDS,
    limit: Duration::from_mins(6),
    provokes: &[],
    findings: guest_findings![REFUSED, NOT_VFIO, NOT_IN_XML, NOT_SEEN, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    on_the_host(bench, plugged.vf).await?;
    in_libvirt(bench, &plugged).await?;
    in_the_guest(bench, &plugged).await
}

/// libvirt takes a driver of the vendor's own for guests where there is one, such as mlx5_vfio_pci
/// (libvirt docs/formatdomain.rst, `driver` of a `hostdev`); all are called so.
fn is_vfio(driver: &str) -> bool {
    driver.replace('-', "_").ends_with("vfio_pci")
}

async fn on_the_host(bench: &mut Bench, vf: Bdf) -> Answer {
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

async fn in_libvirt(bench: &mut Bench, plugged: &Plugged) -> Answer {
    for (inactive, which) in [(false, "the running guest"), (true, "its next start")] {
        let told = bench.told(plugged.guest.name(), inactive).await?;
        let managed = told
            .hostdev(plugged.vf)
            .is_some_and(|hostdev| hostdev.managed);
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

async fn in_the_guest(bench: &mut Bench, Plugged { guest, card, .. }: &Plugged) -> Answer {
    let driver = bench.profile.driver.vf.clone();
    let bound = bench.driver_in(guest, *card, &driver, PATIENCE).await?;
    let binds = bound.as_ref() == Some(&driver);
    require!(
        bench,
        binds,
        NO_DRIVER,
        "in the guest the VF's driver is {}, expected {driver}",
        listed(bound)
    );
    let link = bench.carrier_in(guest, *card, PATIENCE).await?;
    let seen = if link { "a link" } else { "no link" };
    require!(
        bench,
        link,
        NO_LINK,
        "the VF's interface in the guest has {seen}"
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
