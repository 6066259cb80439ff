//! The `NVMe` controller of the device and its secondary ones: what they have, and what nvme-cli hears of it.

mod blocks;
mod command;
mod controllers;
mod encode;
mod namespaces;
#[cfg(test)]
mod tests;

pub(super) use blocks::Way;
pub(super) use controllers::Controllers;
pub(super) use namespaces::Namespaces;

/// The serial number of the drive.
pub(super) const SERIAL: &str = "SIMULATED0000000001";
