//! IVRS: the IOMMUs of AMD-Vi. Layouts: Linux include/acpi/actbl2.h, `struct acpi_table_ivrs` and following, and
//! drivers/iommu/amd/init.c, `struct ivhd_header`.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::error::TableError;
use super::table::{HEADER, Table};

const SIGNATURE: &str = "IVRS";
const FIXED: usize = 48; // IVRS_HEADER_LENGTH
const STRUCTURE: usize = 4; // type, flags and length

/// The I/O virtualization reporting structure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ivrs {
    /// The `IVinfo` field as it is.
    pub ivinfo: u32,
    /// `IOMMU_IVINFO_EFRSUP` (Linux `drivers/iommu/amd/amd_iommu_types.h`): the blocks repeat the extended features.
    pub extended_features: bool,
    /// The firmware protected memory from DMA before boot: `IOMMU_IVINFO_DMA_REMAP`.
    pub dma_remap: bool,
    /// The hardware definition blocks (IVHD, types 0x10, 0x11, 0x40). One IOMMU may have one of each type.
    pub hardware_blocks: Vec<HardwareBlock>,
    /// How many memory definition blocks (IVMD, types 0x20 to 0x22) there are: regions that devices must keep reaching.
    pub memory_blocks: usize,
}

/// A block that describes one IOMMU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardwareBlock {
    /// The block's type: 0x10, 0x11 or 0x40.
    pub kind: u8,
    /// PCI segment.
    pub segment: u16,
    /// Routing id of the IOMMU itself.
    pub routing_id: u16,
    /// Where its registers are.
    pub base: u64,
}

impl Ivrs {
    /// Reads the bytes of an IVRS table.
    pub fn parse(bytes: &[u8]) -> Result<Self, TableError> {
        let table = Table::new(SIGNATURE, FIXED, bytes)?;
        let ivinfo = table.u32(HEADER)?;
        let mut ivrs = Self {
            ivinfo,
            extended_features: ivinfo & 1 != 0,
            dma_remap: ivinfo & 2 != 0,
            hardware_blocks: Vec::new(),
            memory_blocks: 0,
        };
        let mut at = FIXED;
        while at < table.len() {
            at = ivrs.block(&table, at)?;
        }
        Ok(ivrs)
    }

    /// How many IOMMUs the blocks describe.
    pub fn units(&self) -> usize {
        self.hardware_blocks
            .iter()
            .map(|block| (block.segment, block.routing_id))
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Takes the block at `at` and returns where the next one starts.
    fn block(&mut self, table: &Table<'_>, at: usize) -> Result<usize, TableError> {
        let kind = table.u8(at)?;
        let range = table.structure(
            at,
            kind,
            table.u16(at + 2)?.into(),
            least(kind),
            table.len(),
        )?;
        match kind {
            0x10 | 0x11 | 0x40 => self
                .hardware_blocks
                .push(HardwareBlock::read(table, kind, &range)?),
            0x20..=0x22 => self.memory_blocks += 1,
            _ => {}
        }
        Ok(range.end)
    }
}

/// The fixed part of a block (`get_ivhd_header_size` and `struct ivmd_header` of Linux drivers/iommu/amd/init.c).
fn least(kind: u8) -> usize {
    match kind {
        0x10 => 24,
        0x11 | 0x40 => 40,
        0x20..=0x22 => 32,
        _ => STRUCTURE,
    }
}

impl HardwareBlock {
    fn read(table: &Table<'_>, kind: u8, range: &Range<usize>) -> Result<Self, TableError> {
        Ok(Self {
            kind,
            segment: table.u16(range.start + 16)?,
            routing_id: table.u16(range.start + 4)?,
            base: table.u64(range.start + 8)?,
        })
    }
}
