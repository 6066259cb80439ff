//! `NVMe` controllers: secondary controllers, what they are given, and what becomes of their data.

pub mod assign;
pub mod capability;
pub mod online;
pub(super) mod ready;
pub mod refusals;
pub mod secondary_list;

use harness::check::Check;
use harness::need::Need;

/// From what the controller says of itself to what it does.
pub const CHECKS: &[&Check] = &[
    &capability::CHECK,
    &secondary_list::CHECK,
    &assign::CHECK,
    &refusals::CHECK,
    &online::CHECK,
];

/// What asks a controller about its secondary ones.
const NEEDS: &[Need] = &[Need::Nvme, Need::Sriov, Need::PfDriver, Need::NvmeCli];
