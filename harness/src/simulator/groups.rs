//! IOMMU groups: who can reach whom past the IOMMU.
//!
//! Source: Linux 6.12 drivers/iommu/iommu.c, `pci_device_group`. A VF counts as a single-function
//! device, so that only the ports above it decide.

use std::collections::BTreeMap;

use crate::pci::Bdf;

use super::fault::Fault;
use super::model::{Model, PF, PORT, SECOND, SECOND_PORT, SIBLING, port_of};

/// Which function is in which group.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    of: BTreeMap<Bdf, u32>,
}

impl Groups {
    /// Puts a function into the group of those it cannot be kept apart from, else into a new one.
    /// Returns the group's number; `None` without an IOMMU.
    pub(super) fn add(&mut self, model: &Model, bdf: Bdf) -> Option<u32> {
        if !has_iommu(model) {
            return None;
        }
        let companion = self
            .of
            .iter()
            .find(|(other, _)| inseparable(model, bdf, **other));
        let group = companion.map_or_else(|| self.free(), |(_, group)| *group);
        self.of.insert(bdf, group);
        Some(group)
    }

    /// Takes a function out. Returns the group that lost it, and whether that is now gone.
    pub(super) fn remove(&mut self, bdf: Bdf) -> Option<(u32, bool)> {
        let group = self.of.remove(&bdf)?;
        Some((group, !self.of.values().any(|other| *other == group)))
    }

    /// A function's group.
    pub(super) fn of(&self, bdf: Bdf) -> Option<u32> {
        self.of.get(&bdf).copied()
    }

    /// The lowest number that is free (`ida_alloc`).
    fn free(&self) -> u32 {
        (0..u32::MAX)
            .find(|number| !self.of.values().any(|taken| taken == number))
            .unwrap_or(u32::MAX)
    }
}

/// Whether the kernel uses an IOMMU at all.
pub(super) fn has_iommu(model: &Model) -> bool {
    !model.has(Fault::NoIommuTable) && !model.has(Fault::IommuOff)
}

fn inseparable(model: &Model, one: Bdf, other: Bdf) -> bool {
    let vfs = [one, other]
        .iter()
        .all(|bdf| ![PORT, PF, SIBLING, SECOND_PORT, SECOND].contains(bdf));
    // What is behind another root port is another's.
    if port_of(one) != port_of(other) {
        return false;
    }
    match model.fault {
        Some(Fault::AcsMissing) => true,
        Some(Fault::PfGroupShared) => [one, other].iter().all(|bdf| [PF, SIBLING].contains(bdf)),
        Some(Fault::VfGroupsShared) => vfs,
        Some(Fault::GroupChanged) => vfs && model.restarts > 0,
        _ => false,
    }
}
