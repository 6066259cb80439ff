//! A VF and an emulated interface that a guest uses as one, in verbs.

use std::time::Duration;

use anyhow::Context;

use super::inside::has_carrier;
use super::{Bench, End, Running, STEP_LIMIT, within};
use crate::facts;
use crate::finding::{Finding, Problem};
use crate::guest::{Files, primary, standby};
use crate::machine::Output;
use crate::pci::Bdf;
use crate::undo::Undo;

/// libvirt does not make the half of a pair that no VF is needed for.
pub const STANDBY_REFUSED: Finding = Finding::bench(
    "standby-refused",
    "libvirt refused to give the guest an emulated interface on the PF, which is to carry its frames while it has no VF.",
    "Read libvirt's reason in the report; the kernel needs the module macvtap, and libvirt 7.1 or later.",
);

impl Bench {
    /// Gives a running guest an emulated interface on the PF's, as the half of a pair that stays. Returns
    /// its address, which the other half must have too.
    pub async fn attach_standby(&mut self, guest: &Running) -> Result<String, Problem> {
        let pf = self.net().await?.name;
        let words = self.plug(guest, &standby(&pf)).await?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.virsh_or(&STANDBY_REFUSED, &words).await?;
        let told = self.told(guest.name(), false).await?;
        let mac = told.direct.into_iter().next();
        Ok(mac.context("libvirt does not tell the interface that it has just made")?)
    }

    /// Hands a VF to a running guest as the other half of its pair.
    pub async fn attach_primary(
        &mut self,
        guest: &Running,
        vf: Bdf,
        mac: &str,
    ) -> Result<Output, Problem> {
        let words = self.plug(guest, &primary(vf, mac)).await?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.hand(&words).await
    }

    /// Takes the VF back from a running guest, which keeps the other half.
    pub async fn detach_primary(&mut self, guest: &Running, mac: &str) -> Result<Output, Problem> {
        let name = guest.name();
        self.hand(&["detach-interface", name, "hostdev", "--mac", mac, "--live"])
            .await
    }

    /// Promises to take back what is about to be plugged in. Returns what is to be said to `virsh`.
    pub(super) async fn plug(
        &mut self,
        guest: &Running,
        xml: &str,
    ) -> Result<[String; 4], Problem> {
        let file = Files::of(guest.name()).plug;
        let words = ["attach-device", guest.name(), &file, "--live"].map(str::to_owned);
        let undo = Undo::Attachments {
            guest: guest.name().into(),
        };
        self.promise(&format!("virsh {}", words.join(" ")), undo)?;
        self.keep(&file, xml).await?;
        Ok(words)
    }

    /// The interface of a pair in a guest, once the card is a part of it and it has a link; `None` where
    /// that does not come about.
    ///
    /// Source: Linux 6.12 net/core/failover.c, `failover_slave_register` (the card's interface gets a master).
    pub async fn pair_in(
        &mut self,
        guest: &Running,
        card: Bdf,
        limit: Duration,
    ) -> Result<Option<End>, Problem> {
        let host = guest.host.clone();
        let look = async || {
            let Some(net) = facts::master(host.as_ref(), card).await? else {
                return Ok(None);
            };
            let linked = has_carrier(host.as_ref(), &net).await?;
            Ok(linked.ok().map(|()| net))
        };
        let net = self.in_guest(guest, limit, async || within(STEP_LIMIT, look()).await);
        let net = net.await?;
        self.log.step(format!(
            "{}$ ip link show master …\n{}",
            guest.name(),
            net.as_ref().map_or("(none with a link)", |net| &net.name)
        ))?;
        Ok(net.map(|net| End::of_guest(guest, net)))
    }
}
