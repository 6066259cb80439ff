//! How the lab's disk image is made and booted, and how a probe guest is made ([`guest`]).
//!
//! The recipe lies in `lab-host/` as plain text; [`Image::ensure`] builds it once, [`command_line`] says which QEMU
//! command boots it, [`run()`] boots it with a payload and [`shell()`] with a person.

#![forbid(unsafe_code)]

mod acceleration;
mod boot;
mod build;
mod course;
mod error;
mod fault;
mod follow;
pub mod guest;
mod image;
mod kvm_probe;
mod machine;
mod monitor;
mod nvme;
mod output;
mod qemu;
mod recipe;
mod serial;
mod shell;

pub use acceleration::Acceleration;
pub use boot::run;
pub use course::{Deadlines, Ended, Reaction};
pub use error::{BenchFault, LabError};
pub use fault::LabFault;
pub use image::{Image, image_dir};
pub use kvm_probe::choose_acceleration;
pub use machine::{CABLE, LabSpec, Session, command_line};
pub use nvme::{NVME_SERIAL, NVME_VFS, scratch_namespaces};
pub use qemu::Qemu;
pub use recipe::build_steps;
pub use shell::shell;
