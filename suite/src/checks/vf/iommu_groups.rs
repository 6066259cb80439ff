//! Every virtual function is alone in its IOMMU group, so that it can be given to a guest by itself.
//!
//! Source: RHEL 9, 14.7.1; Linux 6.12 drivers/iommu/iommu.c, `pci_device_group`.

use std::time::Duration;

use harness::bench::{Bench, listed};
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::{creation_findings, require};

const NO_GROUP: Finding = Finding::device(
    "vf-without-group",
    "A VF has no IOMMU group although the kernel has groups; VFIO cannot give it to a guest.",
    "Read the kernel log of this check for the IOMMU's reason (a device outside its scope), and update the system's firmware.",
);
const SHARED: Finding = Finding::device(
    "vf-group-shared",
    "A VF shares its IOMMU group with other devices: a port above the card does not isolate (ACS), and VFIO gives a group to one guest as a whole.",
    "See device::acs_path for the port. Use a slot behind the CPU's own root port, or enable ACS in the firmware setup; pcie_acs_override only hides it.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::iommu_groups",
    proves: "every virtual function is alone in its IOMMU group",
    source: "RHEL 9, 14.7.1; Linux 6.12 drivers/iommu/iommu.c, pci_device_group",
    needs: &[Need::Sriov, Need::PfDriver, Need::Iommu],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![NO_GROUP, SHARED],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    for vf in bench.create_bare_vfs(bench.few()).await? {
        let bdf = vf.bdf.to_string();
        let group = vf
            .iommu_group
            .map_or("none".to_owned(), |group| group.to_string());
        require!(
            bench,
            vf.iommu_group.is_some(),
            NO_GROUP,
            "IOMMU group of {bdf}: {group}"
        );
        let members = bench
            .list(&format!("/sys/kernel/iommu_groups/{group}/devices"))
            .await?
            .unwrap_or_default();
        require!(
            bench,
            members == [bdf.as_str()],
            SHARED,
            "IOMMU group {group} of {bdf} holds {}",
            listed(&members)
        );
    }
    Ok(())
}
