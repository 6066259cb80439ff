//! Guests as libvirt knows them: how one is described, what it starts with, how this program comes into it, and what libvirt tells of it.

mod domain;
mod emulated;
mod files;
mod hostdev;
mod image;
mod manifest;
mod pair;
mod started;
mod system;
mod told;

pub use domain::Domain;
pub use emulated::{Model, emulated};
pub use files::{BOOT, Files};
pub use hostdev::{DISK_SERIAL, hostdev, virtio_disk};
pub use image::{Image, Unpackable, pack, program};
pub use manifest::{manifest, manifest_of};
pub use pair::{primary, standby};
pub use started::{PING, SERIAL, Started, asks, starts};
pub use system::System;
pub use told::{Hostdev, Told};
