//! The fault table: for each fault, exactly the checks that must catch it.
//!
//! It is the proof that every check can fail, and a map for readers: which question is answered by whom.

mod groups;

use harness::plan::matches;
use harness::simulator::Fault;

use crate::checks;
use groups::{
    BESIDE_EMULATED, HANDS_OVER, IS_A_CARD, NO_VFS, RATIO_CLAIMED, STARTS_WITH, STREAMS,
    TAKES_BACK, TAKES_ONLINE, WRITES_BY_VF,
};

/// One fault, and who must catch it.
pub struct Row {
    /// What is wrong.
    pub fault: Fault,
    /// The profile on whose simulator it is tried.
    pub profile: &'static str,
    /// Globs of the checks that must fail or err; all others must not. `vf::*` stands where whoever
    /// creates VFs meets the fault.
    pub caught_by: &'static [&'static str],
    /// Those that must too, because they are all of one kind.
    pub also: &'static [&'static str],
}

impl Row {
    /// All its globs.
    pub fn globs(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.caught_by.iter().chain(self.also).copied()
    }

    /// The ids of the checks that must catch it.
    pub fn checks(&self) -> impl Iterator<Item = &'static str> {
        let globs: Vec<_> = self.globs().collect();
        checks::ids()
            .into_iter()
            .filter(move |id| globs.iter().any(|glob| matches(glob, id)))
    }
}

const fn nic(fault: Fault, caught_by: &'static [&'static str]) -> Row {
    Row {
        fault,
        profile: "mock-nic",
        caught_by,
        also: &[],
    }
}

const fn nvme(fault: Fault, caught_by: &'static [&'static str]) -> Row {
    Row {
        profile: "mock-nvme",
        ..nic(fault, caught_by)
    }
}

const fn nvme_and(
    fault: Fault,
    caught_by: &'static [&'static str],
    also: &'static [&'static str],
) -> Row {
    Row {
        also,
        ..nvme(fault, caught_by)
    }
}

const fn nic_and(
    fault: Fault,
    caught_by: &'static [&'static str],
    also: &'static [&'static str],
) -> Row {
    Row {
        also,
        ..nic(fault, caught_by)
    }
}

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
            "traffic::*",
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
    nic_and(Fault::LinkDown, &["device::link_up"], IS_A_CARD),
    nic(Fault::PcieDegraded, &["device::pcie_link"]),
    nic(
        Fault::BusWindowSmall,
        &[
            "device::vf_resources",
            "vf::*",
            "guest::*",
            "traffic::*",
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
        &[
            "vf::change_while_enabled",
            "vf::concurrent_writers",
            "guest::numvfs_change_refused",
        ],
    ),
    nic(Fault::SameCountRefused, &["vf::same_count"]),
    nic(Fault::GarbageAccepted, &["vf::malformed_count"]),
    nic(Fault::WritersBothWin, &["vf::concurrent_writers"]),
    nic(Fault::VfAtWrongAddress, &["vf::identity"]),
    nic_and(
        Fault::VfIdsWrong,
        &["vf::identity", "vf::driver_binds", "persist::stable"],
        IS_A_CARD,
    ),
    nic(Fault::PhysfnMissing, &["vf::identity", "guest::two_pfs"]),
    nic(Fault::VfGroupsShared, &["vf::iommu_groups"]),
    nic_and(
        Fault::VfDriverRefuses,
        &[
            "vf::driver_binds",
            "vf::autoprobe_off",
            "vf::reset",
            "persist::stable",
        ],
        IS_A_CARD,
    ),
    nic(Fault::AutoprobeIgnored, &["vf::autoprobe_off"]),
    nic(Fault::VfMsixShort, &["vf::msix_vectors"]),
    nic(Fault::VfResetFails, &["vf::reset"]),
    nic(Fault::VfResetMethodMissing, &["vf::reset"]),
    nic(Fault::VfResetLosesVf, &["vf::reset"]),
    nic(Fault::CycleWearsOut, &["vf::cycle"]),
    nic(Fault::ReloadLosesDriver, &["vf::pf_driver_reload"]),
    nic(Fault::ReloadKeepsVfs, &["vf::pf_driver_reload"]),
    nic_and(Fault::CarrierStaysDown, &["vf::pf_down_up"], IS_A_CARD),
    nic(
        Fault::DownUpLosesVfs,
        &["vf::pf_down_up", "guest::inactive_pf"],
    ),
    nic(Fault::MtuIgnored, &["vf::mtu"]),
    nic(Fault::MtuBeyondAccepted, &["vf::mtu"]),
    nic(
        Fault::KernelWarns,
        &["vf::create_one", "persist::udev_rule"],
    ),
    nic(Fault::RemovalWarns, &["vf::create_one"]),
    nic_and(Fault::AttachRefused, &["guest::inactive_pf"], HANDS_OVER),
    nic_and(Fault::MemlockTooSmall, &["guest::inactive_pf"], HANDS_OVER),
    nic_and(
        Fault::HandoverForbidden,
        &["guest::inactive_pf"],
        HANDS_OVER,
    ),
    nic_and(Fault::DaemonGone, &["guest::inactive_pf"], HANDS_OVER),
    nic(Fault::DiskFull, &["guest::*", "traffic::*"]),
    nic(Fault::HostKeepsVf, &["guest::hotplug"]),
    nic(
        Fault::AttachmentNotKept,
        &[
            "guest::hotplug",
            "guest::killed_clean",
            "guest::restart_keeps",
        ],
    ),
    nic_and(
        Fault::GuestSeesNoVf,
        &["guest::cold_attach", "guest::stale_config"],
        HANDS_OVER,
    ),
    nic(Fault::GuestDriverRefuses, IS_A_CARD),
    nic(Fault::GuestNoLink, IS_A_CARD),
    nic_and(
        Fault::GuestHangsWithVf,
        &["guest::cold_attach", "guest::stale_config"],
        HANDS_OVER,
    ),
    nic(Fault::GuestRestartsWithVf, HANDS_OVER),
    nic(Fault::NoGuestStarts, &["guest::*", "traffic::*"]),
    nic(Fault::GuestNeverUp, &["guest::*", "traffic::*"]),
    nic(Fault::GuestModuleMissing, &["guest::*", "traffic::*"]),
    nic(Fault::GuestModuleDoesNotLoad, &["guest::*", "traffic::*"]),
    nic(Fault::NoQemuImg, &["guest::*", "traffic::*"]),
    nic(Fault::GuestAgentSilent, &["guest::*", "traffic::*"]),
    nic(Fault::GuestExecRefused, &["guest::*", "traffic::*"]),
    nic(Fault::GuestRunsNothing, &["guest::*", "traffic::*"]),
    nic(
        Fault::AddressIgnored,
        &["guest::hotplug", "guest::failover_pair"],
    ),
    nic(
        Fault::LargeFramesLost,
        &[
            "traffic::*",
            "guest::echo",
            "guest::failover_pair",
            "guest::two_guests",
            "guest::killed_clean",
        ],
    ),
    nic(
        Fault::SwitchClosed,
        &["guest::echo", "guest::failover_pair", "guest::two_guests"],
    ),
    nic(Fault::GuestKeepsVf, TAKES_BACK),
    nic(Fault::DetachRefused, TAKES_BACK),
    nic(Fault::DetachHangs, TAKES_BACK),
    nic(
        Fault::VfStaysOnVfio,
        &[
            "guest::unplug",
            "guest::two_pfs",
            "guest::hotplug_cycle",
            "guest::killed_clean",
        ],
    ),
    nic(
        Fault::DetachmentNotKept,
        &["guest::unplug", "guest::hotplug_cycle"],
    ),
    nic(Fault::AttributesKept, &["guest::unplug"]),
    nic(Fault::StandbyRefused, &["guest::failover_pair"]),
    nic(Fault::StandbySilent, &["guest::failover_pair"]),
    nic(Fault::PairNotMade, &["guest::failover_pair"]),
    nic(Fault::PairLeavesVfIdle, &["guest::failover_pair"]),
    nic(Fault::SecondGuestLetIn, &["guest::exclusive"]),
    nic(Fault::SecondAttachmentAccepted, &["guest::exclusive"]),
    nic(Fault::ExclusionUnexplained, &["guest::exclusive"]),
    nic(Fault::RefusalDisturbsGuest, &["guest::exclusive"]),
    nic(Fault::RefusalDeadensCard, &["guest::exclusive"]),
    nic(
        Fault::OneVfPerGuest,
        &["guest::several_vfs", "guest::two_pfs", "traffic::all_vfs"],
    ),
    nic(Fault::OnePfPerGuest, &["guest::two_pfs"]),
    nic(Fault::SecondPfUncabled, &["guest::two_pfs", "traffic::*"]),
    nic(Fault::PauseRefused, &["guest::pause_resume"]),
    nic(Fault::PauseLosesVf, &["guest::pause_resume"]),
    nic(Fault::MemoryNotPinned, &["guest::memory_pinned"]),
    nic(Fault::MemoryStaysPinned, &["guest::memory_pinned"]),
    nic(Fault::BalloonNotInhibited, &["guest::balloon_inert"]),
    nic(Fault::BalloonGivesNothing, &["guest::balloon_inert"]),
    nic(Fault::InactivePfAccepted, &["guest::inactive_pf"]),
    nic(Fault::RefusedAttachKeepsVf, &["guest::inactive_pf"]),
    nic(Fault::DaemonEndsGuests, &["guest::libvirtd_restart"]),
    nic(Fault::DaemonForgetsVfs, &["guest::libvirtd_restart"]),
    nic(Fault::HotplugLeaks, &["guest::hotplug_cycle"]),
    nic(Fault::HotplugLeaksMemory, &["guest::hotplug_cycle"]),
    nic(Fault::HotplugLeaksNames, &["guest::hotplug_cycle"]),
    nic(
        Fault::RemovalUnderGuestHangs,
        &["guest::numvfs_zero_while_attached"],
    ),
    nic(Fault::GuestNotTold, &["guest::numvfs_zero_while_attached"]),
    nic(
        Fault::RefusedChangeLosesVf,
        &["guest::numvfs_change_refused"],
    ),
    nic(
        Fault::RefusedRemovalLosesVf,
        &["guest::numvfs_zero_while_attached"],
    ),
    nic(
        Fault::RemovalUnderGuestIdle,
        &["guest::numvfs_zero_while_attached"],
    ),
    nic(
        Fault::RemovalEndsGuest,
        &["guest::numvfs_zero_while_attached"],
    ),
    nic(
        Fault::RemovalUnderGuestOdd,
        &["guest::numvfs_zero_while_attached"],
    ),
    nic(Fault::RestartLosesVf, &["guest::guest_reboot"]),
    nic(Fault::KilledGuestLingers, &["guest::killed_clean"]),
    nic(Fault::KillHarmsNeighbours, &["guest::killed_clean"]),
    nic(Fault::KilledVfMute, &["guest::killed_clean"]),
    nic(Fault::MigrationLetThrough, &["guest::migration_refused"]),
    nic(Fault::GuestImmobile, &["guest::migration_refused"]),
    nic(Fault::MigrationUnexplained, &["guest::migration_refused"]),
    nic(Fault::MigrationStaysRefused, &["guest::migration_refused"]),
    nic(Fault::StartWithVfRefused, STARTS_WITH),
    nic(Fault::StartsWithoutVf, &["guest::stale_config"]),
    nic(Fault::StaleStartUnexplained, &["guest::stale_config"]),
    nic_and(
        Fault::EmulatedRefused,
        BESIDE_EMULATED,
        &["traffic::latency"],
    ),
    nic_and(Fault::EmulatedMute, BESIDE_EMULATED, &["traffic::latency"]),
    nic(Fault::VfSlow, RATIO_CLAIMED),
    nic(Fault::VfQueueStops, STREAMS),
    nic(Fault::VfStreamStalls, STREAMS),
    nic(Fault::VfStreamHarms, STREAMS),
    nic(Fault::ClockQuick, STREAMS),
    nic_and(
        Fault::BenchNoisy,
        RATIO_CLAIMED,
        &[
            "traffic::bidirectional",
            "traffic::latency",
            "traffic::all_vfs",
            "traffic::rate_limit",
        ],
    ),
    nic(Fault::EmulatedStalls, BESIDE_EMULATED),
    nic(Fault::PfStreamStalls, &["traffic::vf_near_pf"]),
    nic(Fault::VfHalfDuplex, &["traffic::bidirectional"]),
    nic(Fault::VfCostly, &["traffic::host_cpu"]),
    nic(Fault::VfTires, &["traffic::soak"]),
    nic(Fault::VfsUnfair, &["traffic::all_vfs"]),
    nic(Fault::VfStarved, &["traffic::all_vfs"]),
    nic(Fault::VfsCrowded, &["traffic::all_vfs"]),
    nic(Fault::RateRefused, &["traffic::rate_limit"]),
    nic(Fault::RateIgnored, &["traffic::rate_limit"]),
    nic(Fault::RateHarsh, &["traffic::rate_limit"]),
    nic(Fault::VfLate, &["traffic::latency"]),
    nic(Fault::EmulatedQuick, &["traffic::vf_over_emulated"]),
    nic_and(
        Fault::ReceiverSlow,
        RATIO_CLAIMED,
        &["traffic::host_cpu", "traffic::rate_limit"],
    ),
    nic(Fault::PartnerSilent, &["traffic::*"]),
    nvme_and(
        Fault::NvmeIdentifyRefused,
        &["nvme::capability", "nvme::assign"],
        TAKES_ONLINE,
    ),
    nvme(Fault::NvmeNoVirtualization, &["nvme::capability"]),
    nvme(
        Fault::NvmeSecondaryMissing,
        &["nvme::capability", "nvme::all_vfs"],
    ),
    nvme(
        Fault::NvmeLimitsContradict,
        &["nvme::capability", "nvme::online"],
    ),
    nvme(
        Fault::NvmeTooFewQueues,
        &["nvme::capability", "nvme::assign", "nvme::all_vfs"],
    ),
    nvme(
        Fault::NvmeSecondariesSwapped,
        &["nvme::secondary_list", "nvme::all_vfs"],
    ),
    nvme(
        Fault::NvmeSecondaryNotBare,
        &["nvme::secondary_list", "nvme::teardown_order"],
    ),
    nvme(Fault::NvmeAssignRefused, &["nvme::assign", "nvme::all_vfs"]),
    nvme(Fault::NvmeAssignShort, &["nvme::assign", "nvme::online"]),
    nvme(
        Fault::NvmeOfflineKeeps,
        &["nvme::assign", "nvme::refusals", "nvme::teardown_order"],
    ),
    nvme(Fault::NvmeResourcesLeak, &["nvme::assign"]),
    nvme(Fault::NvmeOverAssigns, &["nvme::refusals"]),
    nvme(Fault::NvmeAssignsOnline, &["nvme::refusals"]),
    nvme(Fault::NvmeOnlineTooEarly, &["nvme::refusals"]),
    nvme(Fault::NvmeActionIgnored, &["nvme::refusals"]),
    nvme(Fault::NvmeVfManages, &["nvme::refusals"]),
    nvme(Fault::NvmeStatusOther, &["nvme::refusals"]),
    nvme(Fault::NvmeRefusalTakes, &["nvme::refusals"]),
    nvme(Fault::NvmeOnlineRefused, TAKES_ONLINE),
    nvme(Fault::NvmeOnlineIdle, TAKES_ONLINE),
    nvme(Fault::NvmeVfNotReady, TAKES_ONLINE),
    nvme(Fault::NvmeControllerOther, &["nvme::online"]),
    nvme(Fault::NvmeQueuesOther, &["nvme::online"]),
    nvme(
        Fault::NvmeVectorsOther,
        &["vf::msix_vectors", "nvme::online"],
    ),
    nvme_and(
        Fault::NvmeAttachRefused,
        &["nvme::namespace_visibility"],
        WRITES_BY_VF,
    ),
    nvme_and(
        Fault::NvmeNamespaceHidden,
        &["nvme::namespace_visibility"],
        WRITES_BY_VF,
    ),
    nvme(
        Fault::NvmeNamespaceLeaks,
        &[
            "nvme::namespace_visibility",
            "nvme::isolation",
            "nvme::all_vfs",
        ],
    ),
    nvme(Fault::NvmeIoFails, WRITES_BY_VF),
    nvme(Fault::NvmeDataDamaged, WRITES_BY_VF),
    nvme(Fault::NvmeDataMisplaced, WRITES_BY_VF),
    nvme(
        Fault::NvmeDataLostAtReset,
        &["nvme::data_integrity", "nvme::vf_reset"],
    ),
    nvme(Fault::NvmeDataLostOffline, &["nvme::data_integrity"]),
    nvme(Fault::NvmeDataLostAtReboot, &["nvme::data_integrity"]),
    nvme(
        Fault::NvmeResetTakes,
        &["nvme::vf_reset", "nvme::data_integrity", "nvme::isolation"],
    ),
    nvme(Fault::NvmeNeighbourHarmed, &["nvme::isolation"]),
    nvme(Fault::NvmeRemovalKeeps, &["nvme::teardown_order"]),
    nvme(Fault::NvmeNamespacesOverlap, &["nvme::all_vfs"]),
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
