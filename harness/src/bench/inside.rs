//! What a guest sees, in verbs.

use std::time::Duration;

use anyhow::Context;

use super::{Bench, Running, STEP_LIMIT, within};
use crate::facts;
use crate::finding::{Finding, Problem};
use crate::pci::Bdf;

/// A guest does not see what was handed to it.
pub const NOT_SEEN: Finding = Finding::device(
    "guest-sees-no-vf",
    "The VF was attached, but the guest's kernel does not find a device with its ids.",
    "Read the guest's console in the transcript; compare the ids there with those of the VF on the host.",
);

/// How often a guest is asked while something is waited for.
const ASK_EVERY: Duration = Duration::from_millis(100);

impl Bench {
    /// Waits until a guest sees a function of that vendor and device, which it must. Returns its
    /// address there.
    pub async fn function_in(
        &mut self,
        guest: &Running,
        vendor: u16,
        device: u16,
        limit: Duration,
    ) -> Result<Bdf, Problem> {
        let host = guest.host.clone();
        let found = self
            .until_every(ASK_EVERY, limit, async || {
                let functions = within(STEP_LIMIT, facts::list(host.as_ref())).await?;
                let ours = functions
                    .into_iter()
                    .find(|(_, ids)| (ids.vendor, ids.device) == (vendor, device));
                Ok(ours.map(|(bdf, _)| bdf))
            })
            .await?;
        let answer = found.map_or("(none)".to_owned(), |bdf| bdf.to_string());
        self.log.step(format!(
            "{}$ lspci -d {vendor:04x}:{device:04x}\n{answer}",
            guest.name()
        ))?;
        let text = format!("looked in the guest for {vendor:04x}:{device:04x}, found {answer}");
        self.assert(found.is_some(), &NOT_SEEN, text)?;
        Ok(found.context("a function that was found is not there")?)
    }

    /// Waits until a guest does not see any function of that vendor and device any more.
    pub async fn gone_from(
        &mut self,
        guest: &Running,
        vendor: u16,
        device: u16,
        limit: Duration,
    ) -> Result<bool, Problem> {
        let host = guest.host.clone();
        let gone = self
            .until_every(ASK_EVERY, limit, async || {
                let functions = within(STEP_LIMIT, facts::list(host.as_ref())).await?;
                let ours = functions
                    .iter()
                    .any(|(_, ids)| (ids.vendor, ids.device) == (vendor, device));
                Ok((!ours).then_some(()))
            })
            .await?
            .is_some();
        let answer = if gone { "(none)" } else { "still there" };
        self.log.step(format!(
            "{}$ lspci -d {vendor:04x}:{device:04x}\n{answer}",
            guest.name()
        ))?;
        Ok(gone)
    }

    /// Waits until a function in a guest has that driver. Returns what it has in the end.
    pub async fn driver_in(
        &mut self,
        guest: &Running,
        bdf: Bdf,
        driver: &str,
        limit: Duration,
    ) -> Result<Option<String>, Problem> {
        let host = guest.host.clone();
        self.until_every(ASK_EVERY, limit, async || {
            let bound = within(STEP_LIMIT, facts::driver_name(host.as_ref(), bdf)).await?;
            Ok((bound.as_deref() == Some(driver)).then_some(()))
        })
        .await?;
        let bound = facts::driver_name(guest.host.as_ref(), bdf).await?;
        self.log.step(format!(
            "{}$ readlink /sys/bus/pci/devices/{bdf}/driver\n{}",
            guest.name(),
            bound.as_deref().unwrap_or("(none)")
        ))?;
        Ok(bound)
    }

    /// Puts the interface of a function in a guest up, and waits until it sees its link partner.
    pub async fn carrier_in(
        &mut self,
        guest: &Running,
        bdf: Bdf,
        limit: Duration,
    ) -> Result<bool, Problem> {
        let host = guest.host.clone();
        let up = self
            .until_every(ASK_EVERY, limit, async || {
                let Some(net) = facts::net(host.as_ref(), bdf).await?.into_iter().next() else {
                    return Ok(None);
                };
                if !net.up {
                    // IFF_UP, the first bit (Linux include/uapi/linux/if.h); a guest has no `ip`.
                    let flags = format!("/sys/class/net/{}/flags", net.name);
                    host.write(&flags, b"0x1003").await?;
                }
                Ok(net.carrier.filter(|&on| on))
            })
            .await?;
        let nets = facts::net(guest.host.as_ref(), bdf).await?;
        self.log
            .step(format!("{}$ ip link\n{nets:?}", guest.name()))?;
        Ok(up.is_some())
    }
}
