//! What the faults are called, and what each of them is.

use super::Fault;

/// Each fault's name and what is wrong, in the order of the variants.
pub(super) const TABLE: &[(Fault, &str, &str)] = &[
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
    (
        Fault::CreationOutOfVectors,
        "creation-out-of-vectors",
        "the driver refuses every VF with ENOSPC",
    ),
    (
        Fault::CreationOutOfMemory,
        "creation-out-of-memory",
        "enabling VFs ends with ENOMEM",
    ),
    (
        Fault::DriverWithoutSriov,
        "driver-without-sriov",
        "the PF driver has no sriov_configure",
    ),
    (
        Fault::OneVfShort,
        "one-vf-short",
        "the driver enables one VF less than asked for and says success",
    ),
    (
        Fault::MaximumRefused,
        "maximum-refused",
        "the driver refuses as many VFs as sriov_totalvfs promises",
    ),
    (
        Fault::RemovalKeepsVfs,
        "removal-keeps-vfs",
        "the first removal of several VFs with drivers is answered with success and does nothing",
    ),
    (
        Fault::RemovalHangs,
        "removal-hangs",
        "the first removal of several VFs with drivers blocks for three quarters of a minute",
    ),
    (
        Fault::TooManyAccepted,
        "too-many-accepted",
        "a count beyond sriov_totalvfs is answered with success",
    ),
    (
        Fault::ChangeAccepted,
        "change-accepted",
        "a count is changed while VFs are enabled",
    ),
    (
        Fault::SameCountRefused,
        "same-count-refused",
        "the count that already holds is refused with EBUSY",
    ),
    (
        Fault::GarbageAccepted,
        "garbage-accepted",
        "digits with anything around them are taken for a count",
    ),
    (
        Fault::WritersBothWin,
        "writers-both-win",
        "two writers of sriov_numvfs do not take turns",
    ),
    (
        Fault::VfAtWrongAddress,
        "vf-at-wrong-address",
        "VFs answer one routing id beside offset and stride",
    ),
    (
        Fault::VfIdsWrong,
        "vf-ids-wrong",
        "VFs have a device id that no driver knows",
    ),
    (
        Fault::PhysfnMissing,
        "physfn-missing",
        "VFs have no physfn link",
    ),
    (
        Fault::VfGroupsShared,
        "vf-groups-shared",
        "all VFs are in one IOMMU group",
    ),
    (
        Fault::VfDriverRefuses,
        "vf-driver-refuses",
        "the VF driver's probe fails with EIO",
    ),
    (
        Fault::AutoprobeIgnored,
        "autoprobe-ignored",
        "VFs get drivers although sriov_drivers_autoprobe is 0",
    ),
    (
        Fault::VfMsixShort,
        "vf-msix-short",
        "VFs have one MSI-X vector less than claimed",
    ),
    (
        Fault::VfResetFails,
        "vf-reset-fails",
        "resetting a VF ends with ENOTTY",
    ),
    (
        Fault::VfResetMethodMissing,
        "vf-reset-method-missing",
        "VFs offer the reset method pm only",
    ),
    (
        Fault::VfResetLosesVf,
        "vf-reset-loses-vf",
        "after a reset the VF's config space reads all ones",
    ),
    (
        Fault::CycleWearsOut,
        "cycle-wears-out",
        "of four creations of the same several VFs in a row the fourth lacks one (drivers leak when they bind)",
    ),
    (
        Fault::ReloadLosesDriver,
        "reload-loses-driver",
        "the PF driver's first probe after an unbind fails with EIO",
    ),
    (
        Fault::ReloadKeepsVfs,
        "reload-keeps-vfs",
        "VFs survive the unbind of a driver that should remove them",
    ),
    (
        Fault::CarrierStaysDown,
        "carrier-stays-down",
        "the link does not come back after the PF was down",
    ),
    (
        Fault::DownUpLosesVfs,
        "down-up-loses-vfs",
        "VFs disappear when the PF goes down",
    ),
    (
        Fault::MtuIgnored,
        "mtu-ignored",
        "a new MTU is accepted without effect",
    ),
    (
        Fault::MtuBeyondAccepted,
        "mtu-beyond-accepted",
        "an MTU beyond the driver's limit is accepted",
    ),
    (
        Fault::KernelWarns,
        "kernel-warns",
        "the first creation of VFs makes the kernel log a WARNING with a stack",
    ),
    (
        Fault::RemovalWarns,
        "removal-warns",
        "the first removal of VFs, which is an undo, makes the kernel log a WARNING with a stack",
    ),
    (
        Fault::AttachRefused,
        "attach-refused",
        "QEMU refuses a VF that is handed to a guest",
    ),
    (
        Fault::MemlockTooSmall,
        "memlock-too-small",
        "the emulator may not lock as much memory as a guest has",
    ),
    (
        Fault::DiskFull,
        "disk-full",
        "there is no room on disk for what a guest starts with",
    ),
    (
        Fault::HostKeepsVf,
        "host-keeps-vf",
        "a VF in a guest stays with its driver on the host",
    ),
    (
        Fault::AttachmentNotKept,
        "attachment-not-kept",
        "libvirt forgets an attachment for the next start of the guest",
    ),
    (
        Fault::GuestSeesNoVf,
        "guest-sees-no-vf",
        "a VF that was handed to a guest does not appear there",
    ),
    (
        Fault::GuestDriverRefuses,
        "guest-driver-refuses",
        "the VF driver does not bind in a guest",
    ),
    (
        Fault::GuestNoLink,
        "guest-no-link",
        "the interface of a VF in a guest never has a link",
    ),
    (
        Fault::GuestNeverUp,
        "guest-never-up",
        "a guest's agent never answers",
    ),
    (
        Fault::GuestModuleMissing,
        "guest-module-missing",
        "the kernel has no module of the VF driver for a guest",
    ),
    (
        Fault::GuestModuleDoesNotLoad,
        "guest-module-does-not-load",
        "a guest's kernel does not load the module of the VF driver",
    ),
    (
        Fault::NoQemuImg,
        "no-qemu-img",
        "qemu-img is not installed (guests from an image)",
    ),
    (
        Fault::GuestAgentSilent,
        "guest-agent-silent",
        "no qemu-guest-agent answers (guests from an image)",
    ),
    (
        Fault::GuestExecRefused,
        "guest-exec-refused",
        "qemu-guest-agent does not start programs (guests from an image)",
    ),
    (
        Fault::GuestRunsNothing,
        "guest-runs-nothing",
        "qemu-guest-agent may not execute what it has copied (guests from an image)",
    ),
    (
        Fault::AddressIgnored,
        "address-ignored",
        "a VF in a guest has another address than the one that libvirt gave it",
    ),
    (
        Fault::LargeFramesLost,
        "large-frames-lost",
        "frames above 1000 bytes do not pass through a VF",
    ),
    (
        Fault::SwitchClosed,
        "switch-closed",
        "frames do not pass from one VF to another",
    ),
    (
        Fault::GuestKeepsVf,
        "guest-keeps-vf",
        "a guest does not let go of a VF",
    ),
    (
        Fault::DetachHangs,
        "detach-hangs",
        "libvirt never comes to an end with taking a VF from a guest",
    ),
    (
        Fault::VfStaysOnVfio,
        "vf-stays-on-vfio",
        "a VF does not get its driver back after a guest",
    ),
    (
        Fault::DetachmentNotKept,
        "detachment-not-kept",
        "libvirt still has a detached VF for the next start of the guest",
    ),
    (
        Fault::AttributesKept,
        "attributes-kept",
        "a VF keeps the address that it had in a guest",
    ),
    (
        Fault::StandbyRefused,
        "standby-refused",
        "the kernel has no macvtap for an emulated interface on the PF",
    ),
    (
        Fault::StandbySilent,
        "standby-silent",
        "no frames pass by an emulated interface on the PF",
    ),
    (
        Fault::PairNotMade,
        "pair-not-made",
        "a guest does not use a VF and an emulated interface of the same address as one",
    ),
    (
        Fault::PairLeavesVfIdle,
        "pair-leaves-vf-idle",
        "a guest that uses a VF and an emulated interface as one sends no frames by the VF",
    ),
    (
        Fault::SecondGuestLetIn,
        "second-guest-let-in",
        "libvirt hands a VF that a guest has to another guest too",
    ),
    (
        Fault::SecondAttachmentAccepted,
        "second-attachment-accepted",
        "libvirt hands a VF to a guest that has it already",
    ),
    (
        Fault::RefusalDisturbsGuest,
        "refusal-disturbs-guest",
        "a guest loses its VF when another one is refused it",
    ),
    (
        Fault::RefusalDeadensCard,
        "refusal-deadens-card",
        "the card of a guest has no link any more when another guest is refused its VF",
    ),
    (
        Fault::OneVfPerGuest,
        "one-vf-per-guest",
        "a guest sees only the first of its VFs",
    ),
    (
        Fault::OnePfPerGuest,
        "one-pf-per-guest",
        "a VF has no link in a guest that has a VF of another PF too",
    ),
    (
        Fault::SecondPfUncabled,
        "second-pf-uncabled",
        "the second PF's port has no link partner",
    ),
    (
        Fault::PauseRefused,
        "pause-refused",
        "QEMU does not pause a guest",
    ),
    (
        Fault::PauseLosesVf,
        "pause-loses-vf",
        "a guest that was paused does not see its VF any more",
    ),
    (
        Fault::MemoryNotPinned,
        "memory-not-pinned",
        "the memory of a guest that has a VF is not locked",
    ),
    (
        Fault::MemoryStaysPinned,
        "memory-stays-pinned",
        "the memory of a guest stays locked when its VF is gone",
    ),
    (
        Fault::BalloonNotInhibited,
        "balloon-not-inhibited",
        "a guest that has a VF gives memory back by its balloon",
    ),
    (
        Fault::InactivePfAccepted,
        "inactive-pf-accepted",
        "libvirt hands over a VF of a PF that is down",
    ),
    (
        Fault::DaemonEndsGuests,
        "daemon-ends-guests",
        "guests end when libvirt's daemon is restarted",
    ),
    (
        Fault::DaemonForgetsVfs,
        "daemon-forgets-vfs",
        "libvirt's daemon, once restarted, does not know the VFs of guests",
    ),
    (
        Fault::HotplugLeaks,
        "hotplug-leaks",
        "the emulator leaves a file open each time it gets a VF",
    ),
    (
        Fault::HotplugLeaksMemory,
        "hotplug-leaks-memory",
        "the emulator keeps some memory each time it gets a VF",
    ),
    (
        Fault::HotplugLeaksNames,
        "hotplug-leaks-names",
        "a VF that comes back from a guest leaves the name of another interface behind",
    ),
    (
        Fault::RemovalUnderGuestHangs,
        "removal-under-guest-hangs",
        "removing VFs does not return while a guest has one",
    ),
    (
        Fault::GuestNotTold,
        "guest-not-told",
        "a guest still sees a VF that the kernel has removed",
    ),
    (
        Fault::RemovalEndsGuest,
        "removal-ends-guest",
        "the emulator of a guest crashes when the VF that it has is removed",
    ),
    (
        Fault::RemovalUnderGuestOdd,
        "removal-under-guest-odd",
        "removing VFs while a guest has one is refused with an answer of no known driver",
    ),
    (
        Fault::RestartLosesVf,
        "restart-loses-vf",
        "a guest that restarts does not see its VF any more",
    ),
    (
        Fault::KilledGuestLingers,
        "killed-guest-lingers",
        "the emulator of a guest that is killed waits in the kernel for ever",
    ),
    (
        Fault::KillHarmsNeighbours,
        "kill-harms-neighbours",
        "frames between others are lost when a guest is killed",
    ),
    (
        Fault::KilledVfMute,
        "killed-vf-mute",
        "a VF whose guest was killed never has a link again",
    ),
    (
        Fault::MigrationLetThrough,
        "migration-let-through",
        "a guest that has a VF can be saved and migrated",
    ),
    (
        Fault::GuestImmobile,
        "guest-immobile",
        "libvirt migrates no guest at all",
    ),
    (
        Fault::MigrationStaysRefused,
        "migration-stays-refused",
        "a guest that had a VF cannot be migrated when it is gone either",
    ),
    (
        Fault::StartWithVfRefused,
        "start-with-vf-refused",
        "QEMU refuses to start a guest that has a VF from its start on",
    ),
    (
        Fault::StartsWithoutVf,
        "starts-without-vf",
        "libvirt starts a guest although its VF is not there",
    ),
    (
        Fault::VfsLostAtReboot,
        "vfs-lost-at-reboot",
        "the rule of udev has no effect when the machine restarts",
    ),
    (
        Fault::VfsOnWrongPort,
        "vfs-on-wrong-port",
        "after a restart another port has VFs too",
    ),
    (
        Fault::KernelWarnsAtBoot,
        "kernel-warns-at-boot",
        "the kernel warns when VFs are created while the machine starts again",
    ),
    (
        Fault::GroupChanged,
        "group-changed",
        "after a restart all VFs share an IOMMU group",
    ),
    (
        Fault::NameChanged,
        "name-changed",
        "after a restart the interfaces of the VFs have other names",
    ),
    (
        Fault::MacPolicyChanged,
        "mac-policy-changed",
        "after a restart the addresses of the VFs come about in another way",
    ),
    (
        Fault::LateAfterLibvirt,
        "late-after-libvirt",
        "when the machine restarts, udev applies its rules only after libvirt has started",
    ),
    (
        Fault::RuleNotRemoved,
        "rule-not-removed",
        "the boot files hold a copy of the rule, which acts when the rule is removed",
    ),
    (
        Fault::DeviceGoneAfterReboot,
        "device-gone-after-reboot",
        "the device does not come back from a restart",
    ),
    (
        Fault::DeviceMovedByReboot,
        "device-moved-by-reboot",
        "the device comes back from a restart at another address",
    ),
    (
        Fault::KernelChangesAtReboot,
        "kernel-changes-at-reboot",
        "the machine comes back from a restart with another kernel",
    ),
];
