//! What of virtual functions lasts when the machine restarts.

pub mod order;
pub mod removed;
mod row;
pub mod stable;
pub mod udev_rule;

use std::time::Duration;

use harness::bench::Bench;
use harness::check::{Answer, Check};
use harness::need::Need;

/// `stable` comes after those that look at what the boot has made, since it makes what is missing.
pub const CHECKS: &[&Check] = &[
    &udev_rule::CHECK,
    &order::CHECK,
    &stable::CHECK,
    &removed::CHECK,
];

/// What a rule of udev and the VFs that it makes need.
const NEEDS: &[Need] = &[
    Need::Nic,
    Need::Sriov,
    Need::PfDriver,
    Need::Netdev,
    Need::ClaimedPersistence,
];

/// How long a driver may take over its device while the machine starts: some load firmware first.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until the PF's driver has made its interface and udev has handled that. The run goes on early
/// in the boot, and a rule has its turn only then. What is missing in the end is for the check to find.
async fn come_up(bench: &mut Bench) -> Answer {
    let (pf, driver) = (bench.pf(), bench.profile.driver.pf.clone());
    bench.wait_for_driver(pf, &driver, PATIENCE).await?;
    bench.wait_for_class(pf, "net", PATIENCE).await?;
    bench.settle().await
}
