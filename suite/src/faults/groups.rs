//! Checks that meet the same faults because they do the same.

/// Who meets a kernel that creates no VFs, whether a check asks for them or a rule of udev.
pub(super) const NO_VFS: &[&str] = &[
    "vf::*",
    "guest::*",
    "traffic::*",
    "persist::udev_rule",
    "persist::stable",
];

/// Who looks whether a VF in a guest is a network card that works.
pub(super) const IS_A_CARD: &[&str] = &[
    "traffic::*",
    "guest::hotplug",
    "guest::echo",
    "guest::two_guests",
    "guest::failover_pair",
    "guest::several_vfs",
    "guest::two_pfs",
    "guest::pause_resume",
    "guest::exclusive",
    "guest::libvirtd_restart",
    "guest::numvfs_change_refused",
    "guest::numvfs_zero_while_attached",
    "guest::guest_reboot",
    "guest::killed_clean",
    "guest::cold_attach",
    "guest::restart_keeps",
];

/// Who takes a VF back from a guest that runs.
pub(super) const TAKES_BACK: &[&str] = &[
    "guest::failover_pair",
    "guest::unplug",
    "guest::two_pfs",
    "guest::memory_pinned",
    "guest::balloon_inert",
    "guest::libvirtd_restart",
    "guest::hotplug_cycle",
    "guest::migration_refused",
];

/// Who starts a guest with a VF.
pub(super) const STARTS_WITH: &[&str] = &[
    "guest::killed_clean",
    "guest::cold_attach",
    "guest::restart_keeps",
    "guest::stale_config",
];

/// Who hands a VF to a guest that runs, and looks for it there.
pub(super) const HANDS_OVER: &[&str] = &[
    "traffic::*",
    "guest::hotplug",
    "guest::echo",
    "guest::two_guests",
    "guest::failover_pair",
    "guest::unplug",
    "guest::several_vfs",
    "guest::two_pfs",
    "guest::exclusive",
    "guest::pause_resume",
    "guest::memory_pinned",
    "guest::balloon_inert",
    "guest::libvirtd_restart",
    "guest::hotplug_cycle",
    "guest::numvfs_change_refused",
    "guest::numvfs_zero_while_attached",
    "guest::guest_reboot",
    "guest::killed_clean",
    "guest::migration_refused",
    "guest::restart_keeps",
];

/// Who compares a VF with a card that the emulator makes.
pub(super) const BESIDE_EMULATED: &[&str] = &[
    "traffic::vf_over_emulated",
    "traffic::vf_over_virtio",
    "traffic::small_frames",
    "traffic::host_cpu",
];

/// Who judges how much more, or less, a VF carries than something else.
pub(super) const RATIO_CLAIMED: &[&str] = &[
    "traffic::vf_over_emulated",
    "traffic::vf_over_virtio",
    "traffic::vf_near_pf",
];

/// Who sends as many frames as go.
pub(super) const STREAMS: &[&str] = &[
    "traffic::vf_over_emulated",
    "traffic::vf_over_virtio",
    "traffic::vf_near_pf",
    "traffic::small_frames",
    "traffic::host_cpu",
    "traffic::all_vfs",
    "traffic::bidirectional",
    "traffic::rate_limit",
    "traffic::soak",
];

/// Those that take controllers of VFs online.
pub(super) const TAKES_ONLINE: &[&str] = &[
    "nvme::refusals",
    "nvme::online",
    "nvme::namespace_visibility",
    "nvme::data_integrity",
    "nvme::isolation",
    "nvme::vf_reset",
    "nvme::teardown_order",
    "nvme::all_vfs",
    "nvme::guest_attach",
    "nvme::throughput",
];

/// Those that write to a scratch namespace by way of a VF.
pub(super) const WRITES_BY_VF: &[&str] = &[
    "nvme::data_integrity",
    "nvme::isolation",
    "nvme::vf_reset",
    "nvme::all_vfs",
    "nvme::guest_attach",
    "nvme::throughput",
];

/// Those that hand a VF of a drive to a guest.
pub(super) const IN_GUESTS: &[&str] = &["nvme::guest_attach", "nvme::throughput"];
