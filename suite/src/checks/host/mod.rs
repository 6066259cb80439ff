//! Area `host`: what the machine must offer before any device can be judged in it.
//!
//! Nothing here touches the machine: the checks judge what was read of it beforehand.

pub mod architecture;
mod command_line;
pub mod interrupt_remapping;
pub mod iommu_active;
pub mod iommu_hardware;
pub mod isolation_overrides;
pub mod vfio;
pub mod virtualization;

use std::time::Duration;

use harness::check::Check;

/// In the order they run: each explains what the next would only find missing.
pub const CHECKS: &[&Check] = &[
    &architecture::CHECK,
    &iommu_hardware::CHECK,
    &iommu_active::CHECK,
    &interrupt_remapping::CHECK,
    &isolation_overrides::CHECK,
    &vfio::CHECK,
    &virtualization::CHECK,
];

/// They only compute.
const LIMIT: Duration = Duration::from_secs(10);

/// Where it stands that the kernel command line decides.
fn quoted(command_line: &str) -> String {
    format!("kernel command line: `{command_line}`")
}
