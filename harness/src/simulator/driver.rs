//! What one row of the table of PF drivers says.

use std::ops::RangeInclusive;
use std::time::Duration;

use nix::errno::Errno;

/// A PF driver together with the hardware it drives.
#[derive(Debug)]
pub(super) struct PfDriver {
    /// Its name in `/sys/bus/pci/drivers`.
    pub name: &'static str,
    /// Device id of the VFs, where the profile lists none.
    pub vf_device: u16,
    /// `TotalVFs` of the hardware, where the profile claims nothing else.
    pub hardware_vfs: u16,
    /// What the driver lowers `sriov_totalvfs` to.
    pub lowers_to: Option<u16>,
    /// First VF offset and VF stride with ARI.
    pub layout: Layout,
    /// First VF offset and VF stride without ARI.
    pub layout_without_ari: Layout,
    /// The VF BARs in use.
    pub vf_bars: &'static [Bar],
    /// MSI-X vectors of a VF, where the profile claims nothing else.
    pub vf_msix: u16,
    /// MSI-X vectors of the PF.
    pub pf_msix: u16,
    /// The driver's answer to a count that it cannot serve.
    pub refusal: Errno,
    /// Whether VFs can be created only while the PF's interface is up.
    pub needs_up: bool,
    /// Whether the driver resets the PF, with its link, for a new number of VFs or a new MTU.
    pub resets: bool,
    /// Whether VFs outlive the unbinding of the driver.
    pub leaves_vfs: bool,
    /// MTU range of the PF; the upper end gives way to the profile's claim.
    pub mtu: RangeInclusive<u32>,
    /// Where a VF's interface has its address from.
    pub vf_mac: VfMac,
    /// Reset methods of a VF, where the profile claims nothing else.
    pub vf_reset: &'static [&'static str],
    /// The PCI Express link.
    pub express: Express,
    /// Speed of the network link, in Mbit/s.
    pub speed: u32,
    /// How long the driver takes beside the PCI core to enable and to disable VFs.
    pub takes: [Duration; 2],
}

/// Where VFs appear, seen from the PF.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// `PCI_SRIOV_VF_OFFSET`.
    pub offset: u16,
    /// `PCI_SRIOV_VF_STRIDE`.
    pub stride: u16,
}

/// A 64-bit base address register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    /// Which of the six registers; it takes this one and the next.
    pub index: u8,
    /// What one function uses of it, in bytes.
    pub size: u64,
}

/// A PCI Express link at its best.
#[derive(Clone, Copy, Debug)]
pub(super) struct Express {
    /// The generation, which is also the code in the link registers: 1 is 2.5 GT/s.
    pub generation: u8,
    /// Lanes.
    pub width: u8,
}

/// Where the address of a VF's interface comes from while nobody has set one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VfMac {
    /// It is the VF's own.
    Permanent,
    /// The PF's driver makes one up whenever it creates the VF; to the VF's driver it is permanent.
    OfPf,
    /// The VF's driver makes one up whenever it binds.
    Random,
}
