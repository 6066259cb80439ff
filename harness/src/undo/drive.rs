//! The drive that something is given back to.

use std::io;

use crate::facts::read;
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// Where the kernel has all `NVMe` controllers by their names.
const ALL: &str = "/sys/class/nvme";

/// The PF and the name of the controller of a drive, wherever it is now: what a drive was told outlives drivers, restarts and the
/// power. Where it is not there, there is still something to be done.
pub(super) async fn drive(host: &dyn Host, serial: &str) -> io::Result<(Bdf, String)> {
    for name in read::names(host, ALL).await? {
        let own = read::optional(host, &format!("{ALL}/{name}/serial")).await?;
        if own.as_deref() != Some(serial) {
            continue;
        }
        let device = host.link(&format!("{ALL}/{name}/device")).await?;
        let bdf = device.rsplit('/').next().and_then(|bdf| bdf.parse().ok());
        if let Some(bdf) = bdf
            && !is_vf(host, bdf).await
        {
            return Ok((bdf, name));
        }
    }
    Err(io::Error::other(format!(
        "there is no controller {serial} now: put the drive back, or bind its driver, then `sriov-certify restore`"
    )))
}

/// Controllers of VFs have the serial number of their drive too.
async fn is_vf(host: &dyn Host, bdf: Bdf) -> bool {
    host.link(&sysfs::attribute(bdf, "physfn")).await.is_ok()
}
