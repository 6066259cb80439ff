//! The ACPI tables that describe IOMMUs: DMAR (Intel VT-d), IVRS (AMD-Vi) and IORT (Arm SMMU).
//!
//! Pure parsers of the bytes in `/sys/firmware/acpi/tables`; every length is checked, and so is the checksum. Layouts:
//! Linux include/acpi/actbl.h, actbl1.h and actbl2.h; what Linux makes of them: drivers/iommu/intel/dmar.c,
//! drivers/iommu/amd/init.c, drivers/acpi/arm64/iort.c.

pub mod dmar;
mod error;
pub mod iort;
pub mod ivrs;
mod table;

pub use dmar::Dmar;
pub use error::{Fault, TableError};
pub use iort::Iort;
pub use ivrs::Ivrs;

#[cfg(test)]
mod tests;
