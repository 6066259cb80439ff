//! A VF and an emulated interface that a guest uses as one, in verbs.

use std::time::Duration;

use anyhow::Context;

use super::inside::has_carrier;
use super::place::Place;
use super::{Bench, End, Running, STEP_LIMIT, within};
use crate::facts;
use crate::finding::{Finding, Problem};
use crate::guest::{primary, standby};
use crate::machine::Output;
use crate::pci::Bdf;

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
        let file = self.plug(guest.name(), &standby(&pf), &["--live"]).await?;
        let words = ["attach-device", guest.name(), &file, "--live"];
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
        let (name, xml) = (guest.name(), primary(vf, mac));
        let file = self.plug(name, &xml, &["--live"]).await?;
        self.hand(&["attach-device", name, &file, "--live"]).await
    }

    /// Takes the VF back from a running guest, which keeps the other half.
    pub async fn detach_primary(&mut self, guest: &Running, mac: &str) -> Result<Output, Problem> {
        let name = guest.name();
        self.hand(&["detach-interface", name, "hostdev", "--mac", mac, "--live"])
            .await
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
        Ok(net.map(|net| End::at(Place::guest(guest), net)))
    }
}
