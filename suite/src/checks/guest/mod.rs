//! Virtual functions in guests: handed over by libvirt, used there, and taken back.

pub mod balloon_inert;
pub mod cold_attach;
pub mod echo;
pub mod exclusive;
pub mod failover_pair;
pub mod guest_reboot;
pub mod hotplug;
pub mod hotplug_cycle;
pub mod inactive_pf;
pub mod killed_clean;
pub mod libvirtd_restart;
pub mod memory_pinned;
pub mod migration_refused;
pub mod numvfs_change_refused;
pub mod numvfs_zero_while_attached;
pub mod pause_resume;
pub(super) mod plugged;
pub mod restart_keeps;
pub mod several_vfs;
pub mod stale_config;
pub mod two_guests;
pub mod two_pfs;
pub mod unplug;

use std::time::Duration;

use harness::check::Check;
use harness::need::Need;

/// The checks, in the order they run: first those that share a running guest, then those that need a
/// second one, then those that start the first anew, beginning where it has ended anyway.
pub const CHECKS: &[&Check] = &[
    &hotplug::CHECK,
    &echo::CHECK,
    &unplug::CHECK,
    &several_vfs::CHECK,
    &two_pfs::CHECK,
    &pause_resume::CHECK,
    &memory_pinned::CHECK,
    &balloon_inert::CHECK,
    &inactive_pf::CHECK,
    &libvirtd_restart::CHECK,
    &hotplug_cycle::CHECK,
    &numvfs_change_refused::CHECK,
    &numvfs_zero_while_attached::CHECK,
    &guest_reboot::CHECK,
    &failover_pair::CHECK,
    &exclusive::CHECK,
    &two_guests::CHECK,
    &killed_clean::CHECK,
    &migration_refused::CHECK,
    &cold_attach::CHECK,
    &restart_keeps::CHECK,
    &stale_config::CHECK,
];

/// What hands a VF to a guest.
const NEEDS: &[Need; 10] = &[
    Need::Nic,
    Need::Sriov,
    Need::PfDriver,
    Need::Netdev,
    Need::Iommu,
    Need::InterruptRemapping,
    Need::Isolation,
    Need::Vfio,
    Need::Libvirt,
    Need::Kvm,
];

/// The same for two VFs.
pub(super) const NEEDS_TWO: &[Need] = &and(Need::SeveralVfs);

/// The same for VFs of two PFs.
const NEEDS_TWO_PFS: &[Need] = &and(Need::SecondPf);

/// One need more, after those that the device itself must meet.
const fn and(more: Need) -> [Need; NEEDS.len() + 1] {
    let mut all = [more; NEEDS.len() + 1];
    let mut index = 0;
    while index < NEEDS.len() {
        let place = if index < 2 { index } else { index + 1 };
        all[place] = NEEDS[index];
        index += 1;
    }
    all
}

/// How long a guest's kernel may take to find a card that is plugged in, or to let one go: it waits
/// 5 s by itself (PCI Express Base Specification 6.7.1.5, attention button).
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// The longest that a check may take which hands over a VF and takes it back: with a guest that is
/// started twice (`harness/src/bench/guest.rs`, `BOOT_LIMIT`; the bench adds what a guest system takes more), and each step as slow as it may be.
pub(super) const LIMIT: Duration = Duration::from_mins(15);

/// The same where guests are started at three places of it.
pub(super) const LIMIT_THREE_STARTS: Duration = Duration::from_mins(33);

/// The same where guests are started at two places of it.
pub(super) const LIMIT_TWO_STARTS: Duration = Duration::from_mins(24);
