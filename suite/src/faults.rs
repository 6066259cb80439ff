//! The fault table: for each fault, exactly the checks that must catch it.
//!
//! It is the proof that every check can fail, and a map for readers: which question is answered by whom.

mod groups;
mod nics;
mod nvme;
mod row;

pub use row::Row;

/// All faults; one that a network card and a drive may have stands there twice.
pub fn table() -> impl Iterator<Item = &'static Row> {
    nics::ROWS.iter().chain(nvme::ROWS)
}
