//! Guests as libvirt knows them: how one is described, what it starts with, and what libvirt tells of it.

mod domain;
mod files;
mod image;
mod pair;
mod told;

pub use domain::Domain;
pub use files::{BOOT, Files};
pub use image::{Image, Unpackable, pack};
pub use pair::{primary, standby};
pub use told::{Hostdev, Told};
