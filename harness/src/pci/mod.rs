//! What a PCI function says about itself: its address, its config space, the capabilities in it, its name.
//! Everything here is a pure function of bytes and text; reading sysfs and files is the caller's.

mod bdf;
pub mod capability;
mod config;
pub mod dump;
mod ids;
mod names;
mod registers;
mod walk;

pub use bdf::{Bdf, BdfError};
pub use capability::Capabilities;
pub use config::{BridgeBuses, ConfigSpace, Header};
pub use ids::PciIds;
pub use names::Names;
pub use walk::{Anomaly, List, Located, Walk};

#[cfg(test)]
mod tests;
