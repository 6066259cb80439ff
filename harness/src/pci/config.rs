//! The config space of one function: its bytes, as many as could be read, and the header every function has.

use serde::{Deserialize, Serialize};

/// Where the extended space starts (Linux `include/uapi/linux/pci_regs.h`, `PCI_CFG_SPACE_SIZE`).
pub(super) const CONVENTIONAL: u16 = 0x100;
/// The whole space of a PCI Express function (`PCI_CFG_SPACE_EXP_SIZE`).
pub(super) const EXTENDED: u16 = 0x1000;
/// The standard header, all that Linux lets an unprivileged reader see (`PCI_STD_HEADER_SIZEOF`; the limit itself:
/// drivers/pci/pci-sysfs.c, `pci_read_config`).
const HEADER: u16 = 0x40;

/// The config space of one function: 64, 256 or 4096 bytes, or whatever else could be read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSpace {
    bytes: Vec<u8>,
}

impl ConfigSpace {
    /// Takes the bytes from offset 0 on. There is nothing beyond 4096 of them.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(usize::from(EXTENDED));
        Self { bytes }
    }

    /// The bytes that could be read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether everything below `end` could be read.
    pub(super) fn reaches(&self, end: u16) -> bool {
        self.bytes.len() >= usize::from(end)
    }

    /// The byte at this offset, if it was read.
    pub fn u8(&self, at: u16) -> Option<u8> {
        self.bytes.get(usize::from(at)).copied()
    }

    /// The little-endian 16 bits at this offset, if they were read.
    pub fn u16(&self, at: u16) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    /// The little-endian 32 bits at this offset, if they were read.
    pub fn u32(&self, at: u16) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&self, at: u16) -> Option<[u8; N]> {
        self.bytes.get(usize::from(at)..)?.first_chunk().copied()
    }

    /// Whether the function no longer answers: every byte of its header reads as FF. That is a removed function or one
    /// in `D3cold`; a virtual function is not gone, although its vendor and device ids read as FFFF.
    pub fn is_gone(&self) -> bool {
        self.bytes
            .get(..usize::from(HEADER))
            .is_some_and(|header| header.iter().all(|byte| *byte == 0xff))
    }

    /// The header, unless the function is gone or not even its 64 bytes were read.
    pub fn header(&self) -> Option<Header> {
        if self.is_gone() || !self.reaches(HEADER) {
            None
        } else {
            Header::read(self)
        }
    }
}

/// The header of a function. Offsets and names: Linux `include/uapi/linux/pci_regs.h`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// `PCI_VENDOR_ID`; FFFF for a virtual function, which has its physical function's.
    pub vendor: u16,
    /// `PCI_DEVICE_ID`; FFFF for a virtual function, whose id is in the SR-IOV capability.
    pub device: u16,
    /// `PCI_COMMAND`.
    pub command: u16,
    /// `PCI_STATUS`.
    pub status: u16,
    /// `PCI_REVISION_ID`.
    pub revision: u8,
    /// Class, subclass and programming interface: the upper 24 bits of `PCI_CLASS_REVISION`.
    pub class: u32,
    /// `PCI_HEADER_TYPE` without its top bit: 0 is a device, 1 a PCI bridge, 2 a `CardBus` bridge.
    pub header_type: u8,
    /// The top bit of `PCI_HEADER_TYPE` (`PCI_HEADER_TYPE_MFD`).
    pub multifunction: bool,
    /// `PCI_SUBSYSTEM_VENDOR_ID`, of a type 0 header.
    pub subsystem_vendor: Option<u16>,
    /// `PCI_SUBSYSTEM_ID`, of a type 0 header.
    pub subsystem_device: Option<u16>,
    /// The bus numbers of a type 1 header.
    pub buses: Option<BridgeBuses>,
}

impl Header {
    fn read(space: &ConfigSpace) -> Option<Self> {
        let class_revision = space.u32(0x08)?;
        let [header_type, multifunction] = space.u8(0x0e).map(|raw| [raw & 0x7f, raw >> 7])?;
        let of_device = header_type == 0;
        Some(Self {
            vendor: space.u16(0x00)?,
            device: space.u16(0x02)?,
            command: space.u16(0x04)?,
            status: space.u16(0x06)?,
            revision: space.u8(0x08)?,
            class: class_revision >> 8,
            header_type,
            multifunction: multifunction == 1,
            subsystem_vendor: space.u16(0x2c).filter(|_| of_device),
            subsystem_device: space.u16(0x2e).filter(|_| of_device),
            buses: if header_type == 1 {
                BridgeBuses::read(space)
            } else {
                None
            },
        })
    }
}

/// The bus numbers of a PCI bridge: what lies behind it, and so how many virtual functions have room there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeBuses {
    /// `PCI_PRIMARY_BUS`: the bus the bridge sits on.
    pub primary: u8,
    /// `PCI_SECONDARY_BUS`: the first bus behind it.
    pub secondary: u8,
    /// `PCI_SUBORDINATE_BUS`: the last bus behind it.
    pub subordinate: u8,
}

impl BridgeBuses {
    fn read(space: &ConfigSpace) -> Option<Self> {
        Some(Self {
            primary: space.u8(0x18)?,
            secondary: space.u8(0x19)?,
            subordinate: space.u8(0x1a)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accessors_stop_at_the_last_byte() {
        let space = ConfigSpace::new(vec![1, 2, 3, 4, 5]);
        assert_eq!(space.u8(4), Some(5));
        assert_eq!(space.u8(5), None);
        assert_eq!(space.u16(3), Some(0x0504));
        assert_eq!(space.u16(4), None);
        assert_eq!(space.u32(1), Some(0x0504_0302));
        assert_eq!(space.u32(2), None);
        assert_eq!(space.u32(u16::MAX), None);
    }

    #[test]
    fn all_ones_is_gone_but_a_virtual_function_is_not() {
        assert!(ConfigSpace::new(vec![0xff; 64]).is_gone());
        assert_eq!(ConfigSpace::new(vec![0xff; 4096]).header(), None);
        let mut vf = vec![0; 64];
        vf[..4].fill(0xff);
        assert!(!ConfigSpace::new(vf).is_gone());
        assert!(
            !ConfigSpace::new(vec![]).is_gone(),
            "nothing read says nothing"
        );
    }

    #[test]
    fn a_bridge_has_buses_and_no_subsystem() {
        let mut bytes = vec![0; 64];
        bytes[0x0e] = 0x81;
        bytes[0x18..0x1b].copy_from_slice(&[0, 1, 3]);
        let header = ConfigSpace::new(bytes).header().unwrap();
        assert_eq!(
            header.buses,
            Some(BridgeBuses {
                primary: 0,
                secondary: 1,
                subordinate: 3
            })
        );
        assert_eq!(
            (
                header.header_type,
                header.multifunction,
                header.subsystem_vendor
            ),
            (1, true, None)
        );
    }

    #[test]
    fn fewer_than_64_bytes_are_no_header() {
        assert_eq!(ConfigSpace::new(vec![0; 63]).header(), None);
    }

    #[test]
    fn there_is_nothing_beyond_4096_bytes() {
        assert_eq!(ConfigSpace::new(vec![0; 5000]).bytes().len(), 4096);
    }
}
