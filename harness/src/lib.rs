//! Profile, facts, plan, run, bench and the machines a device can sit in.
//!
//! Data flows one way: a `profile` and the `facts` of a machine make a `plan`;
//! `run` carries it out on a `bench`(mod@bench) and leaves a journal.

pub mod acpi;
pub mod facts;
pub mod machine;
pub mod pci;
pub mod profile;
pub mod sysfs;
