//! Registers whose bits have names, as sets of those names.

use std::collections::BTreeSet;

/// The names of the bits that are set. Bits that the table does not know are left out.
pub(super) fn named<T: Copy + Ord>(register: u32, table: &[(u32, T)]) -> BTreeSet<T> {
    table
        .iter()
        .filter(|(bit, _)| register & bit != 0)
        .map(|(_, name)| *name)
        .collect()
}
