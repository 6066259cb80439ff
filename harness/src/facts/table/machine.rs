//! The rows of the machine.

use super::Row;
use crate::facts::{HostFacts, IommuFacts};

/// What is said of the machine.
pub(super) fn rows(host: &HostFacts) -> Vec<Row> {
    let virtualization = &host.virtualization;
    let mut rows = vec![
        ("kernel", format!("{} {}", host.kernel, host.architecture)),
        ("command line", host.command_line.clone()),
        ("distribution", host.distribution.name.clone()),
        ("processor", processor(host)),
        ("IOMMU, firmware", firmware_iommu(&host.iommu)),
        ("IOMMU, kernel", kernel_iommu(&host.iommu)),
        ("vfio-pci", vfio(host)),
        (
            "KVM",
            if host.kvm {
                "/dev/kvm is there"
            } else {
                "no /dev/kvm"
            }
            .to_owned(),
        ),
        (
            "libvirt",
            virtualization
                .libvirt
                .clone()
                .or_else(|| virtualization.error.clone())
                .unwrap_or_else(|| "unknown".into()),
        ),
    ];
    rows.extend(virtualization.qemu.clone().map(|version| ("QEMU", version)));
    if !host.root {
        rows.push((
            "read as",
            "an ordinary user: most of config space and all of ACPI stay closed; run it as root"
                .to_owned(),
        ));
    }
    rows
}

fn processor(host: &HostFacts) -> String {
    let cpu = &host.cpu;
    let kind = if cpu.hypervisor {
        ", of a virtual machine"
    } else {
        ""
    };
    let virtualization = if cpu.virtualization {
        ", can run guests"
    } else {
        ""
    };
    format!("{} {}{kind}{virtualization}", cpu.vendor, cpu.model)
        .trim()
        .to_owned()
}

fn firmware_iommu(iommu: &IommuFacts) -> String {
    match (&iommu.table, &iommu.table_error) {
        (Some(table), _) => {
            let remapping = match table.interrupt_remapping {
                Some(true) => ", interrupt remapping",
                Some(false) => ", no interrupt remapping",
                None => "",
            };
            let kind = serde_json::to_value(table.kind)
                .ok()
                .and_then(|kind| kind.as_str().map(str::to_owned))
                .unwrap_or_default();
            format!(
                "{kind}, {} {}{remapping}",
                table.units,
                plural(table.units, "unit")
            )
        }
        (None, Some(error)) => error.clone(),
        (None, None) => "no DMAR, IVRS or IORT table".to_owned(),
    }
}

fn kernel_iommu(iommu: &IommuFacts) -> String {
    let units = if iommu.units.is_empty() {
        "off".to_owned()
    } else {
        iommu.units.join(" ")
    };
    let remapped = if iommu.interrupt_remapping {
        "interrupts remapped"
    } else {
        "interrupts not remapped"
    };
    format!(
        "{units}, {} {}, {remapped}",
        iommu.groups,
        plural(iommu.groups, "group")
    )
}

fn vfio(host: &HostFacts) -> String {
    let vfio = &host.vfio;
    let mut parts = vec![if vfio.available {
        "available"
    } else {
        "not there"
    }];
    parts.extend((vfio.unsafe_interrupts == Some(true)).then_some("unsafe interrupts allowed"));
    parts.extend((vfio.noiommu == Some(true)).then_some("no-IOMMU mode on"));
    parts.join(", ")
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}
