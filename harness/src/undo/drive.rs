//! The drive that something is given back to.

use std::io;

use crate::facts::{self, NvmeFacts};
use crate::machine::Host;
use crate::pci::Bdf;

/// What a drive was told outlives drivers, restarts and the power: where it cannot be asked, or another one is in its place, there is
/// still something to be done.
pub(super) async fn drive(host: &dyn Host, pf: Bdf, serial: &str) -> io::Result<NvmeFacts> {
    let nvme = facts::nvme(host, pf).await?;
    nvme.filter(|nvme| nvme.serial == serial).ok_or_else(|| {
        io::Error::other(format!(
            "{pf} is not the controller {serial} now, or has no driver: bind its driver, then `sriov-certify restore`"
        ))
    })
}
