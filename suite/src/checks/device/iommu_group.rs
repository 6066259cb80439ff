//! The physical function shares its IOMMU group with nothing but functions of its own slot.
//!
//! Source: RHEL 9, 14.7.2, prerequisites (DMA isolation). Linux 6.12 drivers/iommu/iommu.c, `pci_device_group`: a group
//! grows upwards to the first port that isolates, and over the functions of a slot that do not isolate themselves
//! (`get_pci_function_alias_group`); the latter does not reach the virtual functions, which count as single functions.

use harness::bench::{Bench, listed};
use harness::check::{Answer, Check, Finding};
use harness::facts::{DeviceFacts, IommuGroup};
use harness::need::Need;
use harness::pci::Bdf;
use harness::require;

use super::LIMIT;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "device::iommu_group",
    proves: "the physical function shares its IOMMU group with nothing but functions of its own slot",
    source: "RHEL 9, 14.7.2, prerequisites: DMA isolation; Linux 6.12 drivers/iommu/iommu.c, pci_device_group",
    needs: &[Need::Iommu],
    limit: LIMIT,
    provokes: &[],
    findings: &[&NO_GROUP, &SHARED],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const NO_GROUP: Finding = Finding::device(
    "iommu-group-missing",
    "The kernel has IOMMU groups, but this function is in none: no IOMMU unit of the firmware's table serves its bus.",
    "Put the card into another slot; report the firmware's table (acpidump -n DMAR, IVRS or IORT) to the system's vendor.",
);
const SHARED: Finding = Finding::device(
    "iommu-group-shared",
    "Other devices or ports are in the group of this function, so they can reach each other's memory past the IOMMU, and VFs can \
     only be handed out together with them. A port between them has no access control (ACS).",
    "Switch on `ACS` in the firmware setup, or put the card into a slot with a root port of its own; see device::acs_path. Do not use \
     pcie_acs_override.",
);

fn run(bench: &mut Bench) -> Answer {
    let facts = bench.facts.clone();
    let device = &facts.device;
    let (bdf, groups) = (device.bdf, facts.host.iommu.groups);
    let number = device
        .iommu_group
        .as_ref()
        .map_or("none".into(), |group| group.id.to_string());
    require!(
        bench,
        device.iommu_group.is_some(),
        NO_GROUP,
        "{bdf}: its IOMMU group is {number}; the kernel has {groups}"
    );
    let Some(group) = &device.iommu_group else {
        return Ok(());
    };
    let siblings = listed(
        group
            .members
            .iter()
            .copied()
            .filter(|member| is_sibling(device, *member)),
    );
    if siblings != "none" {
        bench.log.note(format!("functions of the same slot in group {number}: {siblings} (hand out the physical functions together)"))?;
    }
    let intruders = intruders(device, group);
    require!(
        bench,
        intruders.is_empty(),
        SHARED,
        "{bdf}: foreign members of its IOMMU group {number}: {}",
        listed(intruders)
    );
    Ok(())
}

/// Everything in the group that is neither the function nor a sibling.
fn intruders(device: &DeviceFacts, group: &IommuGroup) -> Vec<Bdf> {
    let foreign = |member: &Bdf| *member != device.bdf && !is_sibling(device, *member);
    group.members.iter().copied().filter(foreign).collect()
}

/// Another physical function of the slot. A VF may have an address of the slot too, but must be in a group of its own.
fn is_sibling(device: &DeviceFacts, other: Bdf) -> bool {
    let own = device.bdf;
    let same_slot = (other.domain, other.bus, other.device) == (own.domain, own.bus, own.device);
    same_slot && other != own && !device.vfs.iter().any(|vf| vf.bdf == other)
}

#[cfg(test)]
mod tests {
    use harness::facts::{Facts, VfFacts};

    use super::CHECK;
    use crate::checks::fixture::{ask, bdf, facts, profile};

    fn with_members(members: &[&str]) -> Facts {
        let mut facts = facts();
        facts.device.iommu_group.as_mut().unwrap().members =
            members.iter().map(|text| bdf(text)).collect();
        facts
    }

    #[test]
    fn alone_or_with_its_own_slot_passes() {
        assert_eq!(ask(&CHECK, profile(), facts()), Ok(vec![]));
        let notes = ask(&CHECK, profile(), with_members(&["01:00.0", "01:00.1"])).unwrap();
        assert_eq!(
            notes,
            [
                "functions of the same slot in group 12: 0000:01:00.1 (hand out the physical functions together)"
            ]
        );
    }

    #[test]
    fn ports_and_neighbours_are_named() {
        let told = ask(
            &CHECK,
            profile(),
            with_members(&["00:03.0", "01:00.0", "01:00.1", "02:00.0"]),
        )
        .unwrap_err();
        assert_eq!(
            told,
            "iommu-group-shared: 0000:01:00.0: foreign members of its IOMMU group 12: 0000:00:03.0, 0000:02:00.0"
        );
    }

    #[test]
    fn a_vf_in_the_group_is_foreign_even_in_the_same_slot() {
        let mut facts = with_members(&["01:00.0", "01:00.2"]);
        facts.device.vfs = vec![VfFacts {
            index: 0,
            bdf: bdf("01:00.2"),
            driver: None,
            iommu_group: Some(12),
        }];
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert_eq!(
            told,
            "iommu-group-shared: 0000:01:00.0: foreign members of its IOMMU group 12: 0000:01:00.2"
        );
    }

    #[test]
    fn no_group_at_all_is_another_finding() {
        let mut facts = facts();
        facts.device.iommu_group = None;
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert_eq!(
            told,
            "iommu-group-missing: 0000:01:00.0: its IOMMU group is none; the kernel has 7"
        );
    }
}
