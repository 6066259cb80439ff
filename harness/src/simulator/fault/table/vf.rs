//! Faults of virtual functions, and of those that make them.

use super::Row;
use crate::simulator::Fault;

pub(super) const ROWS: &[Row] = &[
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
];
