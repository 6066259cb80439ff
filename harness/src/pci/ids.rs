//! The ids of a PCI function: what a profile is matched against.

use serde::{Deserialize, Serialize};

use super::Header;

/// The ids of a PCI function, as sysfs shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the field names are sysfs's own")]
pub struct PciIds {
    pub vendor: u16,
    pub device: u16,
    pub subsystem_vendor: u16,
    pub subsystem_device: u16,
    /// Base class, sub-class and programming interface. Profiles do not match by it.
    pub class: u32,
    pub revision: u8,
}

impl From<&Header> for PciIds {
    /// As config space has them. Only a device has a subsystem there.
    fn from(header: &Header) -> Self {
        Self {
            vendor: header.vendor,
            device: header.device,
            subsystem_vendor: header.subsystem_vendor.unwrap_or_default(),
            subsystem_device: header.subsystem_device.unwrap_or_default(),
            class: header.class,
            revision: header.revision,
        }
    }
}
