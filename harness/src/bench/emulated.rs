//! A card that the emulator makes, in a guest, in verbs.

use std::time::Duration;

use anyhow::Context;

use super::inside::has_carrier;
use super::{Bench, End, Running, STEP_LIMIT, within};
use crate::facts;
use crate::finding::{Finding, Problem};
use crate::guest::{Model, emulated};

/// libvirt does not make a card.
pub const EMULATED_REFUSED: Finding = Finding::bench(
    "emulated-refused",
    "libvirt refused to give the guest an emulated card on the PF, which the VF is to be compared with.",
    "Read libvirt's reason in the report; the kernel needs the module macvtap, and QEMU the model of the card.",
);
/// A guest has no link by a card that the emulator makes.
pub const EMULATED_UNUSABLE: Finding = Finding::bench(
    "emulated-unusable",
    "The guest got an emulated card, but has no interface with a link by it.",
    "Read the guest's console in the transcript; its kernel needs the driver of the card, and the PF a link.",
);

/// How long a guest may take to find a card and its link.
const PATIENCE: Duration = Duration::from_mins(1);

impl Bench {
    /// Gives a running guest a card that the emulator makes on the PF's interface. Returns its interface there, up and with
    /// a link.
    pub async fn attach_emulated(&mut self, guest: &Running, model: Model) -> Result<End, Problem> {
        let pf = self.net().await?.name;
        let before = self.told(guest.name(), false).await?.direct;
        let words = self.plug(guest, &emulated(&pf, model)).await?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.virsh_or(&EMULATED_REFUSED, &words).await?;
        let mut now = self.told(guest.name(), false).await?.direct.into_iter();
        let mac = now.find(|mac| !before.contains(mac));
        let mac = mac.context("libvirt does not tell the card that it has just made")?;
        self.linked_in(guest, &mac, model).await
    }

    async fn linked_in(
        &mut self,
        guest: &Running,
        mac: &str,
        model: Model,
    ) -> Result<End, Problem> {
        let host = guest.host.clone();
        let look = async || {
            let Some(net) = facts::net_of_address(host.as_ref(), mac).await? else {
                return Ok(None);
            };
            let linked = has_carrier(host.as_ref(), &net).await?;
            Ok(linked.ok().map(|()| net))
        };
        let net = self.in_guest(guest, PATIENCE, async || within(STEP_LIMIT, look()).await);
        let net = net.await?;
        let (name, model) = (guest.name(), model.name());
        let shown = net.as_ref().map_or("(none)", |net| &net.name);
        self.log.step(format!(
            "{name}$ grep -l {mac} /sys/class/net/*/address\n{shown}"
        ))?;
        let Some(net) = net else {
            return Err(Problem::Found {
                finding: &EMULATED_UNUSABLE,
                message: format!("{name} has no link by its {model} {mac}"),
            });
        };
        Ok(End::of_guest(guest, net))
    }
}
