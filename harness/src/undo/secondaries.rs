//! Brings secondary controllers back to what they had.

use std::io;

use super::{tell, write};
use crate::facts::{self, VfFacts};
use crate::machine::Host;
use crate::nvme::{Resource, SecondaryController, Virtualization};
use crate::pci::Bdf;
use crate::sysfs;

/// None was online, since a run begins only without VFs. Without a driver of the PF there is nobody to ask; its VFs end then, and
/// with them what their controllers have.
pub(super) async fn restore_secondaries(
    host: &dyn Host,
    pf: Bdf,
    before: &[SecondaryController],
) -> io::Result<()> {
    let Some(nvme) = facts::nvme(host, pf).await? else {
        return Ok(());
    };
    let vfs = facts::vfs(host, pf).await?;
    let all = facts::secondaries(host, &nvme.name).await?;
    let was = |now: &SecondaryController| before.iter().find(|was| was.scid == now.scid);
    let changed: Vec<_> = all.iter().filter(|now| was(now) != Some(now)).collect();
    // All of them first: what one has, another may have had.
    for now in &changed {
        let vf = vfs.iter().find(|vf| vf.index + 1 == now.vfn);
        take_offline(host, &nvme.name, now, vf).await?;
    }
    for now in changed {
        give(host, &nvme.name, was(now)).await?;
    }
    Ok(())
}

/// With its driver bound the machine may hang (seen with QEMU 10.0.2 and Linux 6.12).
async fn take_offline(
    host: &dyn Host,
    controller: &str,
    now: &SecondaryController,
    vf: Option<&VfFacts>,
) -> io::Result<()> {
    let bound = vf.and_then(|vf| Some((vf.bdf, vf.driver.as_ref()?)));
    if let Some((bdf, driver)) = bound {
        write(host, &sysfs::unbind(driver), &bdf.to_string()).await?;
    }
    virtualize(host, controller, Virtualization::offline(now.scid)).await
}

async fn give(
    host: &dyn Host,
    controller: &str,
    was: Option<&SecondaryController>,
) -> io::Result<()> {
    let Some(was) = was else { return Ok(()) };
    for (resource, count) in Resource::ALL.into_iter().zip([was.nvq, was.nvi]) {
        if count > 0 {
            let assign = Virtualization::assign(was.scid, resource, count);
            virtualize(host, controller, assign).await?;
        }
    }
    Ok(())
}

async fn virtualize(host: &dyn Host, controller: &str, what: Virtualization) -> io::Result<()> {
    tell(host, &what.words(controller)).await
}
