//! `NVMe` controllers: secondary controllers, what they are given, and what becomes of their data.

pub mod all_vfs;
pub mod assign;
pub mod capability;
pub(super) mod data;
pub mod data_integrity;
pub mod guest_attach;
mod in_guest;
pub mod isolation;
pub mod namespace_visibility;
pub mod online;
pub(super) mod ready;
pub mod refusals;
pub mod secondary_list;
pub mod teardown_order;
pub mod throughput;
pub mod vf_reset;

use harness::check::Check;
use harness::need::Need;

/// From what the controller says of itself to what it does.
pub const CHECKS: &[&Check] = &[
    &capability::CHECK,
    &secondary_list::CHECK,
    &assign::CHECK,
    &refusals::CHECK,
    &online::CHECK,
    &namespace_visibility::CHECK,
    &data_integrity::CHECK,
    &isolation::CHECK,
    &vf_reset::CHECK,
    &teardown_order::CHECK,
    &all_vfs::CHECK,
    &guest_attach::CHECK,
    &throughput::CHECK,
];

/// What asks a controller about its secondary ones.
const NEEDS: &[Need] = &[Need::Nvme, Need::Sriov, Need::PfDriver, Need::NvmeCli];

/// What writes to a namespace too.
const WITH_SCRATCH: &[Need] = &[
    Need::Nvme,
    Need::Sriov,
    Need::PfDriver,
    Need::NvmeCli,
    Need::ScratchNamespace,
];
