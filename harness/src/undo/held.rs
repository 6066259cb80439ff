//! Gives the primary controller the flexible resources again that it had itself.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::drive::drive;
use super::{command, write};
use crate::facts::{self, read};
use crate::machine::Host;
use crate::nvme::{Resource, Virtualization};
use crate::pci::Bdf;
use crate::sysfs;

/// How long the controller may take to be live again: as long as a check waits for it.
const LIVE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// It has them from its next reset on, which is made here.
pub(super) async fn restore_held(host: &dyn Host, serial: &str, held: [u16; 2]) -> io::Result<()> {
    let (pf, controller) = drive(host, serial).await?;
    let now = facts::primary_capabilities(host, &controller).await?;
    let told = tell(host, &controller, now.cntlid, held).await;
    if now.held() == held {
        // What it was told otherwise without a reset is taken back; one that refuses that has refused the other too.
        return Ok(());
    }
    told?;
    write(host, &sysfs::attribute(pf, "reset"), "1").await?;
    is_live(host, pf, &controller).await
}

async fn tell(host: &dyn Host, controller: &str, primary: u16, held: [u16; 2]) -> io::Result<()> {
    for (resource, nr) in Resource::ALL.into_iter().zip(held) {
        let words = Virtualization::hold(primary, resource, nr).words(controller);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        command(host, &words).await?;
    }
    Ok(())
}

/// The driver resets its controller some time after the function (Linux 6.12 drivers/nvme/host/pci.c, `nvme_reset_done`).
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
