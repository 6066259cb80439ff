//! The checks, the fault table and the command line.

pub mod certify;
pub mod checks;
pub mod cli;
pub mod faults;
mod identity;
pub mod simulated;
pub mod twin;
