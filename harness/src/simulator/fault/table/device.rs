//! Faults of the device and of the path to it, VFs aside.

use super::Row;
use crate::simulator::Fault;

pub(super) const ROWS: &[Row] = &[
    (
        Fault::IdsDisagree,
        "ids-disagree",
        "config space gives another device id than the kernel enumerated",
    ),
    (
        Fault::WrongDriver,
        "wrong-driver",
        "vfio-pci is bound to the PF",
    ),
    (
        Fault::NoSriovCapability,
        "no-sriov-capability",
        "the device has neither an SR-IOV nor an ARI capability",
    ),
    (
        Fault::FirmwareCountZero,
        "firmware-count-zero",
        "the SR-IOV capability has TotalVFs 0",
    ),
    (
        Fault::VendorKnobOff,
        "vendor-knob-off",
        "the driver finds VFs switched off in the card's firmware and sets sriov_totalvfs to 0",
    ),
    (
        Fault::VfBarsUnassigned,
        "vf-bars-unassigned",
        "nobody gave the VF BARs addresses (SR-IOV is off in the firmware setup)",
    ),
    (
        Fault::TotalvfsWrong,
        "totalvfs-wrong",
        "the device has one VF less than is claimed",
    ),
    (Fault::AcsMissing, "acs-missing", "the root port has no ACS"),
    (
        Fault::PfGroupShared,
        "pf-group-shared",
        "the PF shares its IOMMU group with a function that is not of its slot",
    ),
    (
        Fault::LinkDown,
        "link-down",
        "the PF's port has no link partner",
    ),
    (
        Fault::PcieDegraded,
        "pcie-degraded",
        "the PCIe link has trained to one lane at 2.5 GT/s",
    ),
    (
        Fault::BusWindowSmall,
        "bus-window-small",
        "the root port forwards no ARI and has one bus number, VFs need a second",
    ),
    (
        Fault::MsixTableSmall,
        "msix-table-small",
        "the PF's MSI-X table has a single vector",
    ),
];
