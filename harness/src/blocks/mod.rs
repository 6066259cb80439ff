//! Blocks of a drive that say where they belong: written, and read again, possibly by another way.

mod area;
mod pattern;
mod rate;

pub use area::{Area, Passed};
pub use pattern::{Label, Mismatch};
pub use rate::{Pace, Rate};
