//! IORT: the SMMUs and PCI root complexes of an Arm machine. Layouts: Linux include/acpi/actbl2.h,
//! `struct acpi_table_iort` and following; the walk: drivers/acpi/arm64/iort.c, `iort_scan_node`.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::error::TableError;
use super::table::{HEADER, Table};

const SIGNATURE: &str = "IORT";
const FIXED: usize = 48; // sizeof(struct acpi_table_iort)
const NODE: usize = 16; // sizeof(struct acpi_iort_node)
const ROOT_COMPLEX: usize = NODE + 16; // up to and with pci_segment_number of struct acpi_iort_root_complex
const SMMU: usize = NODE + 8; // up to and with base_address of both SMMU structures

/// The I/O remapping table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iort {
    /// Where the registers of each SMMU of version 3 are: `ACPI_IORT_NODE_SMMU_V3`.
    pub smmu_v3: Vec<u64>,
    /// Where the registers of each older SMMU are: `ACPI_IORT_NODE_SMMU`.
    pub smmu: Vec<u64>,
    /// The PCI root complexes: `ACPI_IORT_NODE_PCI_ROOT_COMPLEX`.
    pub root_complexes: Vec<RootComplex>,
    /// How many nodes of other types there are.
    pub other_nodes: usize,
}

/// A PCI root complex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootComplex {
    /// PCI segment.
    pub segment: u32,
    /// Address translation services: `ACPI_IORT_ATS_SUPPORTED` of `ats_attribute`.
    pub ats: bool,
    /// How many mappings lead from it to an SMMU or an interrupt controller; without one its devices pass no SMMU.
    pub mappings: u32,
}

impl Iort {
    /// Reads the bytes of an IORT table.
    pub fn parse(bytes: &[u8]) -> Result<Self, TableError> {
        let table = Table::new(SIGNATURE, FIXED, bytes)?;
        let nodes = table.u32(HEADER)?;
        let mut at = table.u32(HEADER + 4)? as usize;
        let mut iort = Self::default();
        // Every node is at least 16 bytes long and ends within the table, so that a wild count cannot keep us here.
        for _ in 0..nodes {
            at = iort.node(&table, at)?;
        }
        Ok(iort)
    }

    /// Takes the node at `at` and returns where the next one starts.
    fn node(&mut self, table: &Table<'_>, at: usize) -> Result<usize, TableError> {
        let kind = table.u8(at)?;
        let range = table.structure(
            at,
            kind,
            table.u16(at.saturating_add(1))?.into(),
            least(kind),
            table.len(),
        )?;
        match kind {
            2 => self.root_complexes.push(RootComplex::read(table, &range)?),
            3 => self.smmu.push(table.u64(at + NODE)?),
            4 => self.smmu_v3.push(table.u64(at + NODE)?),
            _ => self.other_nodes += 1,
        }
        Ok(range.end)
    }
}

fn least(kind: u8) -> usize {
    match kind {
        2 => ROOT_COMPLEX,
        3 | 4 => SMMU,
        _ => NODE,
    }
}

impl RootComplex {
    fn read(table: &Table<'_>, range: &Range<usize>) -> Result<Self, TableError> {
        Ok(Self {
            segment: table.u32(range.start + NODE + 12)?,
            ats: table.u32(range.start + NODE + 8)? & 1 != 0,
            mappings: table.u32(range.start + 8)?,
        })
    }
}
