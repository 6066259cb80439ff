//! The drive that something is given back to.

use std::io;

use crate::facts::{self, read};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// Where the kernel has all `NVMe` controllers by their names.
const ALL: &str = "/sys/class/nvme";

/// The PF and the name of the controller of a drive: at its PF, or wherever it is now. What a drive was told outlives drivers, restarts
/// and the power: where it is not there, there is still something to be done.
pub(super) async fn drive(host: &dyn Host, pf: Bdf, serial: &str) -> io::Result<(Bdf, String)> {
    let mut all = primaries(host, serial).await?;
    if let Some(at) = all.iter().position(|(bdf, _)| *bdf == pf) {
        return Ok(all.swap_remove(at));
    }
    match &all[..] {
        [only] => Ok(only.clone()),
        [] => Err(io::Error::other(format!(
            "there is no controller {serial} now: put the drive back, or bind its driver, then `sriov-certify restore`"
        ))),
        _ => Err(io::Error::other(format!(
            "several controllers have the serial number {serial}, and none is at {pf}: put the drive back there, then `sriov-certify restore`"
        ))),
    }
}

/// The controllers of PFs with that serial number. Two ports of one drive have the same, and so may drives of careless makers.
async fn primaries(host: &dyn Host, serial: &str) -> io::Result<Vec<(Bdf, String)>> {
    let mut all = Vec::new();
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
            all.push((bdf, name));
        }
    }
    Ok(all)
}

/// What somebody has on a namespace since is not taken from under him.
pub(super) async fn is_free(host: &dyn Host, pf: Bdf, nsid: u32) -> io::Result<()> {
    let Some(device) = facts::block_device(host, pf, nsid).await? else {
        return Ok(());
    };
    let name = device.trim_start_matches("/dev/");
    let is_about_it = |reason: &&String| {
        let rest = reason.strip_prefix(name);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
    };
    let reasons = facts::namespaces_in_use(host, pf).await?;
    match reasons.iter().find(is_about_it) {
        None => Ok(()),
        Some(reason) => Err(io::Error::other(format!(
            "namespace {nsid} is left as it is: {reason}; free it, then `sriov-certify restore`"
        ))),
    }
}

/// Controllers of VFs have the serial number of their drive too.
async fn is_vf(host: &dyn Host, bdf: Bdf) -> bool {
    host.link(&sysfs::attribute(bdf, "physfn")).await.is_ok()
}
