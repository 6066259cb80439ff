//! `sriov-certify`: certifies SR-IOV network adapters and `NVMe` controllers.

use std::process::ExitCode;

fn main() -> ExitCode {
    suite::cli::main()
}
