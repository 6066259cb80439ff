//! The device offers virtual functions: by its capability, through its firmware and the BIOS, to the kernel and its driver.
//!
//! Source: RHEL 9, 14.7.2, prerequisites (lspci -v shows the capability) and step 1 (`sriov_totalvfs`). Linux 6.12
//! drivers/pci/iov.c: `sriov_init` (no VFs for TotalVFs 0), `sriov_enable` (no VFs without memory), `pci_sriov_set_totalvfs` (a
//! driver may lower the limit); `sriov_pf_attrs_are_visible` (the attribute is there for every function that can have VFs).

use harness::bench::{Bench, listed};
use harness::check::{Answer, Check, Finding, Problem};
use harness::facts::{DeviceFacts, SriovFacts};
use harness::pci::capability::{SrIov, VfBar};
use harness::require;

use super::vendor_knob::{self, INTEL, MARVELL, MELLANOX, NONE, SOLARFLARE};
use super::{LIMIT, read_to_the_end};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "device::sriov_capability",
    proves: "the device offers as many virtual functions as claimed, to the kernel and its driver",
    source: "RHEL 9, 14.7.2, prerequisites and step 1",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[
        NONE.hidden,
        NONE.empty,
        MELLANOX.hidden,
        MELLANOX.empty,
        SOLARFLARE.hidden,
        SOLARFLARE.empty,
        MARVELL.hidden,
        MARVELL.empty,
        INTEL.hidden,
        INTEL.empty,
        &BIOS_OFF,
        &KERNEL_SHOWS_NONE,
        &DRIVER_OFFERS_NONE,
        &BEYOND_HARDWARE,
        &NOT_AS_CLAIMED,
    ],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const BIOS_OFF: Finding = Finding::device(
    "vf-bars-unassigned",
    "The device could have virtual functions, but nobody gave their memory (VF BARs) an address: `SR-IOV` is off in the machine's firmware \
     setup, or there was no room. The kernel refuses to create any (ENOMEM).",
    "Switch on `SR-IOV` and `Above 4G decoding` in the machine's firmware setup; else let the kernel assign: \
     grubby --args=pci=realloc --update-kernel=ALL, then reboot.",
)
.on_debian(
    "Switch on `SR-IOV` and `Above 4G decoding` in the machine's firmware setup; else let the kernel assign: add pci=realloc to \
     GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, then reboot.",
);
const KERNEL_SHOWS_NONE: Finding = Finding::device(
    "kernel-shows-no-sriov",
    "The device has the capability, but the kernel shows no sriov_totalvfs: it was built without CONFIG_PCI_IOV, or found the capability's \
     registers to contradict each other (offset, stride, page sizes).",
    "grep CONFIG_PCI_IOV /boot/config-$(uname -r): if it is set, update the card's firmware. Boot the distribution's own kernel.",
);
const DRIVER_OFFERS_NONE: Finding = Finding::device(
    "driver-offers-no-vfs",
    "The hardware has virtual functions, but sriov_totalvfs is 0: the bound driver has lowered the limit to none.",
    "dmesg | grep BDF tells why; bind the distribution's own driver, without parameters that switch SR-IOV off.",
);
const BEYOND_HARDWARE: Finding = Finding::device(
    "totalvfs-beyond-hardware",
    "sriov_totalvfs is higher than TotalVFs in the capability; that can only be if the registers changed after the kernel read them.",
    "Power the machine off and on; if it stays so, report it to the vendor with: lspci -vvv -s BDF",
);
const NOT_AS_CLAIMED: Finding = Finding::device(
    "totalvfs-not-as-claimed",
    "With the profile's driver bound, sriov_totalvfs is not the number of virtual functions that the profile claims.",
    "Where the number is a setting of the card's firmware (mlxconfig, sfboot, HII), set it as claimed and power off and on; else update \
     firmware and driver, or correct total_vfs in the profile with its source.",
);

fn run(bench: &mut Bench) -> Answer {
    let facts = bench.facts.clone();
    let device = &facts.device;
    read_to_the_end(device.bdf, &device.capabilities)?;
    let capability = capability(bench, device)?;
    let kernel = kernel(bench, device)?;
    memory(bench, device, &capability)?;
    limit(bench, device, &capability, kernel)
}

fn capability(bench: &mut Bench, device: &DeviceFacts) -> Result<SrIov, Problem> {
    let (bdf, knob) = (device.bdf, vendor_knob::of(&bench.profile.driver.pf));
    let found = device.capabilities.sriov.clone();
    let place = found.as_ref().map_or("absent".into(), |capability| {
        format!("at {:#x}", capability.at)
    });
    require!(
        bench,
        found.is_some(),
        *knob.hidden,
        "{bdf}: SR-IOV capability in config space: {place}"
    );
    let Some(found) = found else {
        return Err(anyhow::anyhow!("an assertion that did not hold was passed over").into());
    };
    require!(
        bench,
        found.total_vfs > 0,
        *knob.empty,
        "{bdf}: TotalVFs in the capability is {}",
        found.total_vfs
    );
    Ok(found)
}

fn kernel(bench: &mut Bench, device: &DeviceFacts) -> Result<SriovFacts, Problem> {
    let (bdf, found) = (device.bdf, device.sriov);
    let shown = found.map_or("absent".into(), |kernel| kernel.totalvfs.to_string());
    require!(
        bench,
        found.is_some(),
        KERNEL_SHOWS_NONE,
        "{bdf}: sriov_totalvfs in sysfs: {shown}"
    );
    require!(
        bench,
        found.is_some_and(|kernel| kernel.totalvfs > 0),
        DRIVER_OFFERS_NONE,
        "{bdf}: sriov_totalvfs in sysfs: {shown}"
    );
    found.ok_or_else(|| anyhow::anyhow!("an assertion that did not hold was passed over").into())
}

/// A 32-bit BAR without an address reads 0 and cannot be told from none; so that there is any is asserted too.
fn memory(bench: &mut Bench, device: &DeviceFacts, capability: &SrIov) -> Result<(), Problem> {
    let assigned = capability.vf_bars.iter().all(|bar| bar.address() != 0);
    let bar = |bar: &VfBar| format!("BAR {} at {:#x}", bar.index, bar.address());
    let list = listed(capability.vf_bars.iter().map(bar));
    require!(
        bench,
        assigned && !capability.vf_bars.is_empty(),
        BIOS_OFF,
        "{}: memory of its VFs in the capability: {list}",
        device.bdf
    );
    Ok(())
}

fn limit(
    bench: &mut Bench,
    device: &DeviceFacts,
    capability: &SrIov,
    kernel: SriovFacts,
) -> Answer {
    let (bdf, shown, hardware) = (device.bdf, kernel.totalvfs, capability.total_vfs);
    require!(
        bench,
        shown <= hardware,
        BEYOND_HARDWARE,
        "{bdf}: sriov_totalvfs is {shown}, TotalVFs in the capability {hardware}"
    );
    let (claimed, driver) = (
        bench.profile.claims.total_vfs,
        bench.profile.driver.pf.clone(),
    );
    let bound = device
        .driver
        .as_ref()
        .is_some_and(|bound| bound.name == driver);
    match claimed {
        None => bench.log.note(format!(
            "sriov_totalvfs is {shown}; the profile claims no number"
        ))?,
        // Only the driver lowers the limit to its own, so without it the claim does not apply.
        Some(claimed) if !bound => bench.log.note(format!(
            "the claim of {claimed} VFs holds with {driver} bound, which it is not"
        ))?,
        Some(claimed) => require!(
            bench,
            shown == claimed,
            NOT_AS_CLAIMED,
            "{bdf}: sriov_totalvfs is {shown}, the profile claims {claimed}"
        ),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use harness::facts::Facts;
    use harness::pci::capability::SrIov;

    use super::CHECK;
    use crate::checks::fixture::{ask, facts, profile};

    fn told(change: impl Fn(&mut Facts)) -> String {
        let mut facts = facts();
        change(&mut facts);
        ask(&CHECK, profile(), facts).unwrap_err()
    }

    fn capability(facts: &mut Facts) -> &mut SrIov {
        facts.device.capabilities.sriov.as_mut().unwrap()
    }

    #[test]
    fn what_the_driver_leaves_of_the_hardware_passes() {
        assert_eq!(
            ask(&CHECK, profile(), facts()),
            Ok(vec![]),
            "7 of 8, as claimed"
        );
    }

    #[test]
    fn no_capability_and_no_count_lead_to_the_vendors_knob() {
        let absent = told(|facts| facts.device.capabilities.sriov = None);
        assert_eq!(
            absent,
            "no-sriov-capability: 0000:01:00.0: SR-IOV capability in config space: absent"
        );
        let zero = told(|facts| capability(facts).total_vfs = 0);
        assert_eq!(
            zero,
            "firmware-vf-count-zero: 0000:01:00.0: TotalVFs in the capability is 0"
        );
        let (mut facts, mut profile) = (facts(), profile());
        profile.driver.pf = "mlx5_core".into();
        facts.device.capabilities.sriov = None;
        assert!(
            ask(&CHECK, profile, facts)
                .unwrap_err()
                .starts_with("mlx5-sriov-off: ")
        );
    }

    #[test]
    fn an_unread_config_space_proves_no_absence() {
        let told = told(|facts| {
            facts.device.capabilities.sriov = None;
            facts.device.capabilities.complete = false;
        });
        assert!(
            told.starts_with(
                "bench: the config space of 0000:01:00.0 could not be read to its end"
            ),
            "{told}"
        );
    }

    #[test]
    fn the_bios_has_its_own_finding() {
        let unassigned = told(|facts| capability(facts).vf_bars[1].raw = 0xc);
        assert_eq!(
            unassigned,
            "vf-bars-unassigned: 0000:01:00.0: memory of its VFs in the capability: BAR 0 at 0x8000000000, BAR 3 at 0x0"
        );
        let none = told(|facts| capability(facts).vf_bars.clear());
        assert!(
            none.starts_with("vf-bars-unassigned: ") && none.ends_with(": none"),
            "{none}"
        );
    }

    #[test]
    fn kernel_and_driver_are_told_apart() {
        let kernel = told(|facts| facts.device.sriov = None);
        assert_eq!(
            kernel,
            "kernel-shows-no-sriov: 0000:01:00.0: sriov_totalvfs in sysfs: absent"
        );
        let driver = told(|facts| facts.device.sriov.as_mut().unwrap().totalvfs = 0);
        assert_eq!(
            driver,
            "driver-offers-no-vfs: 0000:01:00.0: sriov_totalvfs in sysfs: 0"
        );
    }

    #[test]
    fn the_claim_is_exact_and_the_hardware_a_limit() {
        let other = told(|facts| facts.device.sriov.as_mut().unwrap().totalvfs = 8);
        assert_eq!(
            other,
            "totalvfs-not-as-claimed: 0000:01:00.0: sriov_totalvfs is 8, the profile claims 7"
        );
        let beyond = told(|facts| facts.device.sriov.as_mut().unwrap().totalvfs = 9);
        assert_eq!(
            beyond,
            "totalvfs-beyond-hardware: 0000:01:00.0: sriov_totalvfs is 9, TotalVFs in the capability 8"
        );
    }

    #[test]
    fn without_the_driver_the_claim_does_not_apply() {
        let mut facts = facts();
        facts.device.sriov.as_mut().unwrap().totalvfs = 8;
        facts.device.driver = None;
        let notes = ask(&CHECK, profile(), facts).unwrap();
        assert_eq!(
            notes,
            ["the claim of 7 VFs holds with igb bound, which it is not"]
        );
    }
}
