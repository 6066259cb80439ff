//! Gives the primary controller the flexible resources again that it had itself.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::drive::drive;
use super::{tell, write};
use crate::facts::{self, read};
use crate::machine::Host;
use crate::nvme::{Resource, STATUS, Virtualization};
use crate::pci::Bdf;
use crate::sysfs;

/// How long the controller may take to be live again: as long as a check waits for it.
const LIVE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// It has them from its next reset on, which is made here.
pub(super) async fn restore_held(
    host: &dyn Host,
    pf: Bdf,
    serial: &str,
    held: [u16; 2],
) -> io::Result<()> {
    let (pf, controller) = drive(host, pf, serial).await?;
    let now = facts::primary_capabilities(host, &controller).await?;
    let told = tell_all(host, &controller, now.cntlid, held).await;
    if now.held() == held {
        // What it was told otherwise without a reset is taken back; one that refuses that has refused the other too.
        let refused = |error: &io::Error| error.to_string().contains(STATUS);
        return match told {
            Err(error) if !refused(&error) => Err(error),
            _ => Ok(()),
        };
    }
    told?;
    facts::may_be_reset(host, pf).await?;
    write(host, &sysfs::attribute(pf, "reset"), "1").await?;
    is_live(host, pf, &controller).await?;
    let now = facts::primary_capabilities(host, &controller).await?.held();
    if now == held {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{controller} has VQ and VI {now:?} after its reset, and was told to have {held:?}"
    )))
}

/// Both are told, whatever becomes of the first.
async fn tell_all(
    host: &dyn Host,
    controller: &str,
    primary: u16,
    held: [u16; 2],
) -> io::Result<()> {
    let mut told = Ok(());
    for (resource, nr) in Resource::ALL.into_iter().zip(held) {
        let words = Virtualization::hold(primary, resource, nr).words(controller);
        told = told.and(tell(host, &words).await);
    }
    told
}

/// The write returns once the driver has reset its controller (Linux 6.12 drivers/nvme/host/pci.c, `nvme_reset_done`), whatever came of it.
async fn is_live(host: &dyn Host, pf: Bdf, controller: &str) -> io::Result<()> {
    let path = format!("{}/{controller}/state", sysfs::attribute(pf, "nvme"));
    let end = Instant::now() + LIVE;
    loop {
        let state = read::optional(host, &path).await?.unwrap_or_default();
        if state == "live" {
            return Ok(());
        }
        if Instant::now() >= end {
            let text = format!("{controller} is {state:?} a minute after its reset");
            return Err(io::Error::other(text));
        }
        sleep(LOOK_EVERY).await;
    }
}
