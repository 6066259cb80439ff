//! The life of virtual functions on the host.

pub mod autoprobe_off;
pub mod beyond_maximum;
pub mod change_while_enabled;
pub mod concurrent_writers;
pub mod create_maximum;
pub mod create_one;
pub mod create_several;
pub mod cycle;
pub mod driver_binds;
pub mod identity;
pub mod iommu_groups;
pub mod malformed_count;
pub mod msix_vectors;
pub mod mtu;
pub mod pf_down_up;
pub mod pf_driver_reload;
pub mod remove;
pub mod reset;
pub mod same_count;

use harness::check::Check;

/// From creating one to what only a sound device survives, so that the first failure is the plainest.
pub const CHECKS: &[&Check] = &[
    &create_one::CHECK,
    &create_several::CHECK,
    &create_maximum::CHECK,
    &remove::CHECK,
    &beyond_maximum::CHECK,
    &change_while_enabled::CHECK,
    &same_count::CHECK,
    &malformed_count::CHECK,
    &concurrent_writers::CHECK,
    &identity::CHECK,
    &iommu_groups::CHECK,
    &driver_binds::CHECK,
    &autoprobe_off::CHECK,
    &msix_vectors::CHECK,
    &reset::CHECK,
    &cycle::CHECK,
    &pf_driver_reload::CHECK,
    &pf_down_up::CHECK,
    &mtu::CHECK,
];
