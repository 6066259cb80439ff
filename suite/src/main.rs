//! `sriov-certify`: certifies SR-IOV network adapters and `NVMe` controllers.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    suite::cli::main()
}
