//! Profile, facts, plan, run, bench and the machines a device can sit in.
//!
//! Data flows one way: a [`profile`] and the [`facts`] of a machine make a [`plan`](mod@plan);
//! [`run`](mod@run) carries it out on a [`bench`](mod@bench) and leaves a journal.

#![forbid(unsafe_code)]

pub mod acpi;
pub mod bench;
pub mod blocks;
pub mod check;
pub mod facts;
pub mod finding;
pub mod guest;
pub mod judge;
pub mod kernel_log;
mod latency;
pub mod lock;
pub mod machine;
pub mod need;
pub mod nvme;
pub mod pci;
pub mod plan;
pub mod profile;
pub mod returned;
pub mod run;
pub mod settings;
pub mod simulator;
pub mod stream;
pub mod sysfs;
pub mod traffic;
pub mod undo;
