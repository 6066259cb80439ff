//! The `NVMe` controller of the device and its secondary ones: what they have, and what nvme-cli hears of it.

mod command;
mod controllers;
mod encode;

pub(super) use controllers::Controllers;
