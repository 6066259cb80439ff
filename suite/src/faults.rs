//! The fault table: for each fault, exactly the checks that must catch it.
//!
//! It is the proof that every check can fail, and a map for readers: which question is answered by whom.

use harness::plan::matches;
use harness::simulator::Fault;

use crate::checks;

/// One fault, and who must catch it.
pub struct Row {
    /// What is wrong.
    pub fault: Fault,
    /// The profile on whose simulator it is tried.
    pub profile: &'static str,
    /// Globs of the checks that must fail or err; all others must not. `vf::*` stands where whoever
    /// creates VFs meets the fault.
    pub caught_by: &'static [&'static str],
}

impl Row {
    /// The ids of the checks that must catch it.
    pub fn checks(&self) -> impl Iterator<Item = &'static str> {
        let caught_by = self.caught_by;
        checks::ids()
            .into_iter()
            .filter(move |id| caught_by.iter().any(|glob| matches(glob, id)))
    }
}

const fn nic(fault: Fault, caught_by: &'static [&'static str]) -> Row {
    Row {
        fault,
        profile: "mock-nic",
        caught_by,
    }
}

/// Who meets a kernel that creates no VFs, whether a check asks for them or a rule of udev.
const NO_VFS: &[&str] = &["vf::*", "guest::*", "persist::udev_rule", "persist::stable"];

/// All faults.
pub const TABLE: &[Row] = &[
    nic(
        Fault::NoIommuTable,
        &[
            "host::iommu_hardware",
            "host::iommu_active",
            "host::interrupt_remapping",
        ],
    ),
    nic(Fault::IommuOff, &["host::iommu_active"]),
    nic(Fault::NoInterruptRemapping, &["host::interrupt_remapping"]),
    nic(Fault::AcsOverride, &["host::isolation_overrides"]),
    nic(Fault::Noiommu, &["host::isolation_overrides"]),
    nic(Fault::UnsafeInterrupts, &["host::isolation_overrides"]),
    nic(Fault::NoVfio, &["host::vfio"]),
    nic(Fault::NoKvm, &["host::virtualization"]),
    nic(Fault::NoLibvirt, &["host::virtualization"]),
    nic(Fault::WrongArchitecture, &["host::architecture"]),
    nic(Fault::IdsDisagree, &["device::identity"]),
    nic(Fault::WrongDriver, &["device::identity"]),
    nic(Fault::NoSriovCapability, &["device::sriov_capability"]),
    nic(Fault::FirmwareCountZero, &["device::sriov_capability"]),
    nic(Fault::VendorKnobOff, &["device::sriov_capability"]),
    nic(
        Fault::VfBarsUnassigned,
        &[
            "device::sriov_capability",
            "device::vf_resources",
            "vf::*",
            "guest::*",
            "persist::udev_rule",
            "persist::stable",
        ],
    ),
    nic(
        Fault::TotalvfsWrong,
        &["device::sriov_capability", "vf::create_maximum"],
    ),
    nic(
        Fault::AcsMissing,
        &[
            "device::acs_path",
            "device::iommu_group",
            "vf::iommu_groups",
        ],
    ),
    nic(Fault::PfGroupShared, &["device::iommu_group"]),
    nic(Fault::LinkDown, &["device::link_up", "guest::hotplug"]),
    nic(Fault::PcieDegraded, &["device::pcie_link"]),
    nic(
        Fault::BusWindowSmall,
        &[
            "device::vf_resources",
            "vf::*",
            "guest::*",
            "persist::udev_rule",
            "persist::stable",
        ],
    ),
    nic(Fault::MsixTableSmall, &["device::vf_resources"]),
    nic(Fault::CreationOutOfVectors, NO_VFS),
    nic(Fault::CreationOutOfMemory, NO_VFS),
    nic(Fault::DriverWithoutSriov, NO_VFS),
    nic(Fault::OneVfShort, NO_VFS),
    nic(
        Fault::MaximumRefused,
        &["vf::create_maximum", "vf::identity"],
    ),
    nic(Fault::RemovalKeepsVfs, &["vf::remove"]),
    nic(Fault::RemovalHangs, &["vf::remove"]),
    nic(Fault::TooManyAccepted, &["vf::beyond_maximum"]),
    nic(
        Fault::ChangeAccepted,
        &["vf::change_while_enabled", "vf::concurrent_writers"],
    ),
    nic(Fault::SameCountRefused, &["vf::same_count"]),
    nic(Fault::GarbageAccepted, &["vf::malformed_count"]),
    nic(Fault::WritersBothWin, &["vf::concurrent_writers"]),
    nic(Fault::VfAtWrongAddress, &["vf::identity"]),
    nic(
        Fault::VfIdsWrong,
        &[
            "vf::identity",
            "vf::driver_binds",
            "guest::*",
            "persist::stable",
        ],
    ),
    nic(Fault::PhysfnMissing, &["vf::identity"]),
    nic(Fault::VfGroupsShared, &["vf::iommu_groups"]),
    nic(
        Fault::VfDriverRefuses,
        &[
            "vf::driver_binds",
            "vf::autoprobe_off",
            "vf::reset",
            "guest::*",
            "persist::stable",
        ],
    ),
    nic(Fault::AutoprobeIgnored, &["vf::autoprobe_off"]),
    nic(Fault::VfMsixShort, &["vf::msix_vectors"]),
    nic(Fault::VfResetFails, &["vf::reset"]),
    nic(Fault::VfResetMethodMissing, &["vf::reset"]),
    nic(Fault::VfResetLosesVf, &["vf::reset"]),
    nic(Fault::CycleWearsOut, &["vf::cycle"]),
    nic(Fault::ReloadLosesDriver, &["vf::pf_driver_reload"]),
    nic(Fault::ReloadKeepsVfs, &["vf::pf_driver_reload"]),
    nic(
        Fault::CarrierStaysDown,
        &["vf::pf_down_up", "guest::hotplug"],
    ),
    nic(Fault::DownUpLosesVfs, &["vf::pf_down_up"]),
    nic(Fault::MtuIgnored, &["vf::mtu"]),
    nic(Fault::MtuBeyondAccepted, &["vf::mtu"]),
    nic(
        Fault::KernelWarns,
        &["vf::create_one", "persist::udev_rule"],
    ),
    nic(Fault::RemovalWarns, &["vf::create_one"]),
    nic(Fault::AttachRefused, &["guest::*"]),
    nic(Fault::HostKeepsVf, &["guest::hotplug"]),
    nic(Fault::AttachmentNotKept, &["guest::hotplug"]),
    nic(Fault::GuestSeesNoVf, &["guest::*"]),
    nic(Fault::GuestDriverRefuses, &["guest::hotplug"]),
    nic(Fault::GuestNoLink, &["guest::hotplug"]),
    nic(Fault::GuestNeverUp, &["guest::*"]),
    nic(Fault::GuestModuleMissing, &["guest::*"]),
    nic(Fault::GuestKeepsVf, &["guest::unplug"]),
    nic(Fault::VfStaysOnVfio, &["guest::unplug"]),
    nic(Fault::DetachmentNotKept, &["guest::unplug"]),
    nic(Fault::AttributesKept, &["guest::unplug"]),
    nic(Fault::VfsLostAtReboot, &["persist::udev_rule"]),
    nic(Fault::VfsOnWrongPort, &["persist::udev_rule"]),
    nic(Fault::KernelWarnsAtBoot, &["persist::udev_rule"]),
    nic(Fault::LateAfterLibvirt, &["persist::order"]),
    nic(Fault::GroupChanged, &["persist::stable"]),
    nic(Fault::NameChanged, &["persist::stable"]),
    nic(Fault::MacPolicyChanged, &["persist::stable"]),
    nic(Fault::RuleNotRemoved, &["persist::removed"]),
    nic(Fault::DeviceGoneAfterReboot, &["persist::*"]),
    nic(Fault::DeviceMovedByReboot, &["persist::*"]),
    nic(Fault::KernelChangesAtReboot, &["persist::*"]),
];
