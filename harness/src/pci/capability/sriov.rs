//! Single Root I/O Virtualization: how many virtual functions, and where they appear.

use serde::{Deserialize, Serialize};

use crate::pci::Bdf;
use crate::pci::registers::Registers;

/// The SR-IOV capability of a physical function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrIov {
    /// Where it stands in config space.
    pub at: u16,
    /// `PCI_SRIOV_CTRL_VFE` of `PCI_SRIOV_CTRL` (0x08): the virtual functions exist.
    pub vf_enable: bool,
    /// `PCI_SRIOV_CTRL_MSE`: their memory answers.
    pub vf_memory_enable: bool,
    /// `PCI_SRIOV_CTRL_ARI`: software said that the path forwards ARI addresses. It is in the lowest physical function
    /// of a device only and reads 0 in the others (Linux drivers/pci/iov.c, `sriov_init`, writes it in the first it finds).
    pub ari_hierarchy: bool,
    /// `PCI_SRIOV_INITIAL_VF` (0x0c).
    pub initial_vfs: u16,
    /// `PCI_SRIOV_TOTAL_VF` (0x0e).
    pub total_vfs: u16,
    /// `PCI_SRIOV_NUM_VF` (0x10).
    pub num_vfs: u16,
    /// `PCI_SRIOV_FUNC_LINK` (0x12): the function this one depends on, itself when on none.
    pub function_link: u8,
    /// `PCI_SRIOV_VF_OFFSET` (0x14). It and the stride may change with `num_vfs` and ARI.
    pub first_vf_offset: u16,
    /// `PCI_SRIOV_VF_STRIDE` (0x16).
    pub vf_stride: u16,
    /// `PCI_SRIOV_VF_DID` (0x1a): the device id of every virtual function.
    pub vf_device: u16,
    /// `PCI_SRIOV_SUP_PGSIZE` (0x1c): bit n stands for pages of 2^(n+12) bytes.
    pub supported_page_sizes: u32,
    /// `PCI_SRIOV_SYS_PGSIZE` (0x20): the one in use, coded likewise.
    pub system_page_size: u32,
    /// The VF BARs in use: the six registers from `PCI_SRIOV_BAR` (0x24) on.
    pub vf_bars: Vec<VfBar>,
    /// The migration of virtual functions, where the device has it.
    pub migration: Option<VfMigration>,
}

impl SrIov {
    pub(super) fn read(registers: Registers<'_>) -> Option<Self> {
        let control = registers.u16(0x08)?;
        Some(Self {
            at: registers.at(),
            vf_enable: control & 0x01 != 0,
            vf_memory_enable: control & 0x08 != 0,
            ari_hierarchy: control & 0x10 != 0,
            initial_vfs: registers.u16(0x0c)?,
            total_vfs: registers.u16(0x0e)?,
            num_vfs: registers.u16(0x10)?,
            function_link: registers.u8(0x12)?,
            first_vf_offset: registers.u16(0x14)?,
            vf_stride: registers.u16(0x16)?,
            vf_device: registers.u16(0x1a)?,
            supported_page_sizes: registers.u32(0x1c)?,
            system_page_size: registers.u32(0x20)?,
            vf_bars: vf_bars(registers)?,
            migration: VfMigration::read(registers, control)?,
        })
    }

    /// The address of virtual function `index` (from 0), as the registers now say; see [`Bdf::vf`].
    pub fn vf(&self, physical: Bdf, index: u16) -> Option<Bdf> {
        physical.vf(self.first_vf_offset, self.vf_stride, index)
    }
}

/// One base address for the memory of all virtual functions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfBar {
    /// Which of the six it is; a 64-bit one takes two.
    pub index: u8,
    /// The registers as they read, with the flags in the low four bits.
    pub raw: u64,
    /// `PCI_BASE_ADDRESS_MEM_TYPE_64`.
    pub is_64bit: bool,
    /// `PCI_BASE_ADDRESS_MEM_PREFETCH`.
    pub prefetchable: bool,
}

impl VfBar {
    /// The address of the first virtual function's part; 0 when nobody assigned one.
    pub fn address(&self) -> u64 {
        self.raw & !0xf
    }
}

/// A register of 0 is left out: it is either no BAR or a 32-bit one without an address, and the two look the same.
fn vf_bars(registers: Registers<'_>) -> Option<Vec<VfBar>> {
    let mut bars = Vec::new();
    let mut index = 0;
    while index < 6 {
        let low = registers.u32(0x24 + 4 * u16::from(index))?;
        let is_64bit = low & 0x6 == 0x4 && index < 5;
        let high = if is_64bit {
            registers.u32(0x28 + 4 * u16::from(index))?
        } else {
            0
        };
        if low != 0 {
            let raw = u64::from(high) << 32 | u64::from(low);
            bars.push(VfBar {
                index,
                raw,
                is_64bit,
                prefetchable: low & 0x8 != 0,
            });
        }
        index += if is_64bit { 2 } else { 1 };
    }
    Some(bars)
}

/// The migration of virtual functions between physical ones (of multi-root systems; not the migration of a guest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfMigration {
    /// `PCI_SRIOV_CTRL_VFM`.
    pub enabled: bool,
    /// `PCI_SRIOV_STATUS_VFM` of `PCI_SRIOV_STATUS` (0x0a): a request is pending.
    pub pending: bool,
    /// `PCI_SRIOV_VFM` (0x3c): where the state array is, with the BAR in the low three bits.
    pub state_array: u32,
}

impl VfMigration {
    /// The outer None is a register that is not there, the inner one a device that cannot (`PCI_SRIOV_CAP_VFM`).
    #[expect(
        clippy::option_option,
        reason = "a missing register and a missing feature are different things"
    )]
    fn read(registers: Registers<'_>, control: u16) -> Option<Option<Self>> {
        let state_array = registers.u32(0x3c)?;
        let capable = registers.u32(0x04)? & 1 != 0;
        let pending = registers.u16(0x0a)? & 1 != 0;
        Some(capable.then_some(Self {
            enabled: control & 0x02 != 0,
            pending,
            state_array,
        }))
    }
}
