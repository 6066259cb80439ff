//! Reads what firmware and kernel say of the IOMMU, and which group a device is in.

use std::io;

use super::{IommuFacts, IommuGroup, IommuKind, IommuTable, read};
use crate::acpi::{Dmar, Iort, Ivrs, TableError};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

const TABLES: &str = "/sys/firmware/acpi/tables";
const GROUPS: &str = "/sys/kernel/iommu_groups";

/// Reads what firmware and kernel say of the IOMMU.
pub(super) async fn iommu(host: &dyn Host) -> io::Result<IommuFacts> {
    let (table, table_error) = match table(host).await? {
        Some(Ok(table)) => (Some(table), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    Ok(IommuFacts {
        table,
        table_error,
        units: read::names(host, "/sys/class/iommu").await?,
        groups: read::names(host, GROUPS).await?.len(),
        interrupt_remapping: remaps_interrupts(&read::text(host, "/proc/interrupts").await?),
    })
}

/// A machine has at most one of the three.
async fn table(host: &dyn Host) -> io::Result<Option<Result<IommuTable, String>>> {
    let there = read::names(host, TABLES).await?;
    let known = [
        ("DMAR", IommuKind::VtD),
        ("IVRS", IommuKind::AmdVi),
        ("IORT", IommuKind::Smmu),
    ];
    let Some((name, kind)) = known
        .into_iter()
        .find(|(name, _)| there.iter().any(|file| file == name))
    else {
        return Ok(None);
    };
    let path = format!("{TABLES}/{name}");
    let parsed = match host.read(&path).await {
        Ok(bytes) => parse_table(kind, &bytes).map_err(|error| format!("{path}: {error}")),
        Err(error) => Err(format!(
            "{}; only root may read it",
            read::named(&path, &error)
        )),
    };
    Ok(Some(parsed))
}

/// How many units a table lists, and whether it says that they remap interrupts: IVRS and IORT do not.
fn parse_table(kind: IommuKind, bytes: &[u8]) -> Result<IommuTable, TableError> {
    let (units, interrupt_remapping) = match kind {
        IommuKind::VtD => {
            Dmar::parse(bytes).map(|table| (table.units.len(), Some(table.interrupt_remapping)))?
        }
        IommuKind::AmdVi => Ivrs::parse(bytes).map(|table| (table.units(), None))?,
        IommuKind::Smmu => {
            Iort::parse(bytes).map(|table| (table.smmu_v3.len() + table.smmu.len(), None))?
        }
    };
    Ok(IommuTable {
        kind,
        units,
        interrupt_remapping,
    })
}

/// The interrupt chips of the kernel that remap say so in their names: `IR-PCI-MSI` on x86, with a
/// `v` before it in some virtual machines (Linux 6.12 `drivers/iommu/intel/irq_remapping.c` and
/// `drivers/iommu/amd/iommu.c`, `msi_parent_ops`); `ITS-…` on ARM (`drivers/irqchip/irq-gic-v3-its-msi-parent.c`).
fn remaps_interrupts(interrupts: &str) -> bool {
    let mut words = interrupts.split_whitespace();
    words.any(|word| {
        ["IR-", "vIR-", "ITS-"]
            .iter()
            .any(|prefix| word.starts_with(prefix))
    })
}

/// The IOMMU group of a PCI function; `None` where the kernel makes no groups.
pub async fn iommu_group(host: &dyn Host, bdf: Bdf) -> io::Result<Option<IommuGroup>> {
    let Some(id) = iommu_group_number(host, bdf).await? else {
        return Ok(None);
    };
    let names = read::names(host, &format!("{GROUPS}/{id}/devices")).await?;
    // A group may hold platform devices too, whose names are no PCI addresses.
    let mut members: Vec<Bdf> = names.iter().filter_map(|name| name.parse().ok()).collect();
    members.sort();
    Ok(Some(IommuGroup { id, members }))
}

/// The number of the IOMMU group of a PCI function.
pub(super) async fn iommu_group_number(host: &dyn Host, bdf: Bdf) -> io::Result<Option<u32>> {
    let target = read::target(host, &sysfs::attribute(bdf, "iommu_group")).await?;
    Ok(target.and_then(|name| name.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{IGB, lab, run};

    #[test]
    fn remapping_chips_have_a_prefix() {
        assert!(remaps_interrupts(include_str!("recorded/interrupts")));
        assert!(remaps_interrupts(
            " 24: 0 0 vIR-PCI-MSIX-0000:01:00.0 0-edge eth0"
        ));
        assert!(remaps_interrupts(
            " 30: 0 ITS-PCI-MSI-0000:01:00.0 0 Edge nvme0q0"
        ));
        assert!(!remaps_interrupts(
            " 24: 1 0 IO-APIC 5-edge ACPI:Ged\n 28: 0 0 PCI-MSIX-0000:00:01.0 0-edge virtio0"
        ));
    }

    #[test]
    fn a_cut_table_is_an_error_that_names_the_file() {
        let dmar = &include_bytes!("recorded/dmar")[..40];
        let facts = run(iommu(&lab().file("/sys/firmware/acpi/tables/DMAR", dmar))).unwrap();
        assert_eq!(facts.table, None);
        assert!(
            facts
                .table_error
                .unwrap()
                .starts_with("/sys/firmware/acpi/tables/DMAR: ")
        );
    }

    #[test]
    fn a_group_lists_its_pci_functions_only() {
        let machine = lab()
            .link_to("/sys/kernel/iommu_groups/9/devices/arm-smmu.1", "")
            .link_to("/sys/kernel/iommu_groups/9/devices/0000:00:1f.0", "");
        let group = run(iommu_group(&machine, IGB.parse().unwrap()))
            .unwrap()
            .unwrap();
        let members: Vec<String> = group.members.iter().map(ToString::to_string).collect();
        assert_eq!(
            (group.id, members),
            (9, vec!["0000:00:1f.0".to_owned(), IGB.to_owned()])
        );
    }
}
