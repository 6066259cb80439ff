//! The checks, the fault table and the command line.

#![forbid(unsafe_code)]

pub mod certify;
pub mod checks;
pub mod cli;
pub mod evidence;
pub mod faults;
mod identity;
pub mod session;
pub mod simulated;
pub mod twin;
pub mod unit;
