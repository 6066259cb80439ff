//! The firmware describes an IOMMU: VT-d, AMD-Vi or SMMU.
//!
//! Source: RHEL 9, 14.7.2, prerequisites (CPU and firmware support an IOMMU: VT-d on Intel, AMD-Vi on AMD). The tables:
//! Linux 6.12 drivers/iommu/intel/dmar.c, drivers/iommu/amd/init.c, drivers/acpi/arm64/iort.c.

use anyhow::anyhow;
use harness::bench::Bench;
use harness::check::{Answer, Check, Finding, Problem};
use harness::facts::{IommuFacts, IommuKind};
use harness::require;

use super::LIMIT;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "host::iommu_hardware",
    proves: "the firmware describes an IOMMU with at least one unit",
    source: "RHEL 9, 14.7.2, prerequisites: VT-d or AMD-Vi",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[&NO_TABLE, &NO_UNIT],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const NO_TABLE: Finding = Finding::bench(
    "iommu-not-in-firmware",
    "The firmware has none of the ACPI tables DMAR (Intel VT-d), IVRS (AMD-Vi) and IORT (ARM SMMU). The processor or the \
     board has no IOMMU, or it is switched off in the firmware setup.",
    "Switch on `VT-d` (Intel), `IOMMU` or `AMD-Vi` (AMD) or `SMMU` (ARM) in the firmware setup; for a virtual machine \
     give it an IOMMU device, such as QEMU's intel-iommu. Then look for the table: ls /sys/firmware/acpi/tables",
);
const NO_UNIT: Finding = Finding::bench(
    "iommu-table-without-units",
    "The firmware has an IOMMU table, but lists no remapping unit in it, so the kernel has nothing to drive.",
    "Update the firmware, or load its default settings and switch the IOMMU on again; report the table to the vendor \
     (acpidump, iasl -d).",
);

fn run(bench: &mut Bench) -> Answer {
    let iommu = &bench.facts.host.iommu.clone();
    readable(iommu)?;
    let name = iommu
        .table
        .as_ref()
        .map_or("no", |table| table_name(table.kind));
    require!(
        bench,
        iommu.table.is_some(),
        NO_TABLE,
        "/sys/firmware/acpi/tables has {name} table of an IOMMU"
    );
    let units = iommu.table.as_ref().map_or(0, |table| table.units);
    require!(
        bench,
        units > 0,
        NO_UNIT,
        "/sys/firmware/acpi/tables/{name} lists {units} remapping units"
    );
    Ok(())
}

/// A table that is there but was not read says nothing about the machine.
fn readable(iommu: &IommuFacts) -> Result<(), Problem> {
    match &iommu.table_error {
        Some(error) => Err(anyhow!("the IOMMU's ACPI table could not be read: {error}").into()),
        None => Ok(()),
    }
}

fn table_name(kind: IommuKind) -> &'static str {
    match kind {
        IommuKind::VtD => "DMAR",
        IommuKind::AmdVi => "IVRS",
        IommuKind::Smmu => "IORT",
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::fixture::{ask, facts, profile};

    #[test]
    fn a_table_with_a_unit_passes() {
        assert!(ask(&CHECK, profile(), facts()).is_ok());
    }

    #[test]
    fn no_table_and_an_empty_table_are_told_apart() {
        let mut facts = facts();
        facts.host.iommu.table.as_mut().unwrap().units = 0;
        let told = ask(&CHECK, profile(), facts.clone()).unwrap_err();
        assert_eq!(
            told,
            "iommu-table-without-units: /sys/firmware/acpi/tables/DMAR lists 0 remapping units"
        );
        facts.host.iommu.table = None;
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert_eq!(
            told,
            "iommu-not-in-firmware: /sys/firmware/acpi/tables has no table of an IOMMU"
        );
    }

    #[test]
    fn an_unreadable_table_breaks_the_bench() {
        let mut facts = facts();
        facts.host.iommu.table = None;
        facts.host.iommu.table_error = Some("DMAR: only root may read it".into());
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert_eq!(
            told,
            "bench: the IOMMU's ACPI table could not be read: DMAR: only root may read it"
        );
    }
}
