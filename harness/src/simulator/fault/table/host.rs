//! Faults of the machine: what it lacks, and how it is set up.

use super::Row;
use crate::simulator::Fault;

pub(super) const ROWS: &[Row] = &[
    (
        Fault::NoIommuTable,
        "no-iommu-table",
        "firmware lists no IOMMU in ACPI",
    ),
    (
        Fault::IommuOff,
        "iommu-off",
        "firmware lists an IOMMU, but the kernel does not use it",
    ),
    (
        Fault::NoInterruptRemapping,
        "no-interrupt-remapping",
        "neither firmware nor the kernel remaps interrupts",
    ),
    (
        Fault::AcsOverride,
        "acs-override",
        "the kernel was told to pretend that ACS is there",
    ),
    (
        Fault::Noiommu,
        "noiommu",
        "vfio allows devices without an IOMMU",
    ),
    (
        Fault::UnsafeInterrupts,
        "unsafe-interrupts",
        "vfio allows interrupts that are not isolated",
    ),
    (Fault::NoVfio, "no-vfio", "the kernel has no vfio-pci"),
    (Fault::NoKvm, "no-kvm", "there is no /dev/kvm"),
    (
        Fault::NoLibvirt,
        "no-libvirt",
        "libvirt's daemon does not answer",
    ),
    (
        Fault::WrongArchitecture,
        "wrong-architecture",
        "the kernel is a 32-bit one (i686)",
    ),
];
