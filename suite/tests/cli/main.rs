//! The command line as a hostile and a tired user meet it: the real program, its words and its exit codes.

mod desk;
mod files;
mod killed;
mod results;
mod stops;
mod words;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sriov-certify");

/// A run of one simulator.
const MOCK: [&str; 6] = ["run", "--mock", "--profile", "mock-nic", "--out", "out"];
