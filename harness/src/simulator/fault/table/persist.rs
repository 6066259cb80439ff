//! Faults that show after a restart of the machine.

use super::Row;
use crate::simulator::Fault;

pub(super) const ROWS: &[Row] = &[
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
