//! DMAR: the DMA remapping units of Intel VT-d. Layouts: Linux include/acpi/actbl1.h, `struct acpi_table_dmar` and
//! following; unknown structures are passed over as in drivers/iommu/intel/dmar.c, `dmar_walk_remapping_entries`.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::error::TableError;
use super::table::{HEADER, Table};

const SIGNATURE: &str = "DMAR";
const FIXED: usize = 48; // sizeof(struct acpi_table_dmar)
const STRUCTURE: usize = 4; // sizeof(struct acpi_dmar_header)
const UNIT: usize = 16; // sizeof(struct acpi_dmar_hardware_unit)
const SCOPE: usize = 6; // sizeof(struct acpi_dmar_device_scope)

/// The DMA remapping table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dmar {
    /// The bits of a DMA address: `width` plus one.
    pub address_width: u16,
    /// Interrupts can be remapped: `ACPI_DMAR_INTR_REMAP`.
    pub interrupt_remapping: bool,
    /// The firmware asks the system to stay out of x2APIC mode: `ACPI_DMAR_X2APIC_OPT_OUT`.
    pub x2apic_opt_out: bool,
    /// The firmware asks for DMA protection of external devices: `DMAR_PLATFORM_OPT_IN` (Linux include/linux/dmar.h).
    pub dma_opt_in: bool,
    /// The remapping units, `ACPI_DMAR_TYPE_HARDWARE_UNIT` (DRHD).
    pub units: Vec<RemappingUnit>,
    /// How many memory regions devices must keep reaching: `ACPI_DMAR_TYPE_RESERVED_MEMORY` (RMRR).
    pub reserved_regions: usize,
    /// How many structures name root ports with address translation services: `ACPI_DMAR_TYPE_ROOT_ATS` (ATSR).
    pub root_port_ats: usize,
}

/// One remapping unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemappingUnit {
    /// PCI segment.
    pub segment: u16,
    /// Where its registers are.
    pub base: u64,
    /// It serves every device of the segment that no other unit names: `ACPI_DMAR_INCLUDE_ALL`.
    pub include_all: bool,
    /// The devices it names.
    pub scopes: Vec<DeviceScope>,
}

/// A device, or a bridge with all behind it, that a unit names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceScope {
    /// What it is.
    pub kind: ScopeKind,
    /// Which of its kind: for an I/O APIC its id.
    pub enumeration_id: u8,
    /// The bus that the path starts on.
    pub bus: u8,
    /// The way from that bus to the device: one step for each bridge, and the device.
    pub path: Vec<PathStep>,
}

/// What a scope names: `enum acpi_dmar_scope_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// One PCI function.
    Endpoint,
    /// A PCI bridge and all behind it.
    Bridge,
    /// An I/O APIC.
    IoApic,
    /// A timer block.
    Hpet,
    /// A device of the ACPI namespace.
    Namespace,
    /// A type that actbl1.h does not know.
    Unknown(u8),
}

/// Device and function number on one bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStep {
    /// Device number.
    pub device: u8,
    /// Function number.
    pub function: u8,
}

impl Dmar {
    /// Reads the bytes of a DMAR table.
    pub fn parse(bytes: &[u8]) -> Result<Self, TableError> {
        let table = Table::new(SIGNATURE, FIXED, bytes)?;
        let flags = table.u8(HEADER + 1)?;
        let mut dmar = Self {
            address_width: u16::from(table.u8(HEADER)?) + 1,
            interrupt_remapping: flags & 1 != 0,
            x2apic_opt_out: flags & 2 != 0,
            dma_opt_in: flags & 4 != 0,
            units: Vec::new(),
            reserved_regions: 0,
            root_port_ats: 0,
        };
        let mut at = FIXED;
        while at < table.len() {
            at = dmar.structure(&table, at)?;
        }
        Ok(dmar)
    }

    /// Takes the structure at `at` and returns where the next one starts.
    fn structure(&mut self, table: &Table<'_>, at: usize) -> Result<usize, TableError> {
        let kind = table.u16(at)?;
        let least = if kind == 0 { UNIT } else { STRUCTURE };
        let range = table.structure(
            at,
            kind.to_le_bytes()[0],
            table.u16(at + 2)?.into(),
            least,
            table.len(),
        )?;
        match kind {
            0 => self.units.push(RemappingUnit::read(table, &range)?),
            1 => self.reserved_regions += 1,
            2 => self.root_port_ats += 1,
            _ => {}
        }
        Ok(range.end)
    }
}

impl RemappingUnit {
    fn read(table: &Table<'_>, range: &Range<usize>) -> Result<Self, TableError> {
        let mut scopes = Vec::new();
        let mut at = range.start + UNIT;
        while at < range.end {
            let kind = table.u8(at)?;
            let scope = table.structure(at, kind, table.u8(at + 1)?.into(), SCOPE, range.end)?;
            at = scope.end;
            scopes.push(DeviceScope::read(table, kind, &scope)?);
        }
        Ok(Self {
            segment: table.u16(range.start + 6)?,
            base: table.u64(range.start + 8)?,
            include_all: table.u8(range.start + 4)? & 1 != 0,
            scopes,
        })
    }
}

impl DeviceScope {
    fn read(table: &Table<'_>, kind: u8, range: &Range<usize>) -> Result<Self, TableError> {
        // Two bytes a step; a last odd byte is no step.
        let steps = (range.start + SCOPE..range.end.saturating_sub(1)).step_by(2);
        let step = |at| {
            Ok(PathStep {
                device: table.u8(at)?,
                function: table.u8(at + 1)?,
            })
        };
        Ok(Self {
            kind: ScopeKind::from_code(kind),
            enumeration_id: table.u8(range.start + 4)?,
            bus: table.u8(range.start + 5)?,
            path: steps.map(step).collect::<Result<_, TableError>>()?,
        })
    }
}

impl ScopeKind {
    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Endpoint,
            2 => Self::Bridge,
            3 => Self::IoApic,
            4 => Self::Hpet,
            5 => Self::Namespace,
            code => Self::Unknown(code),
        }
    }
}
