//! A card that the emulator makes, in a guest, in verbs.

use std::io;
use std::time::Duration;

use anyhow::Context;

use super::inside::has_carrier;
use super::place::Place;
use super::{Bench, End, Running, STEP_LIMIT, within};
use crate::facts::{self, NetFacts};
use crate::finding::{Finding, Problem};
use crate::guest::{Model, emulated};
use crate::machine::Host;

/// libvirt does not make a card.
pub const EMULATED_REFUSED: Finding = Finding::bench(
    "emulated-refused",
    "libvirt refused to give the guest an emulated card on the PF, which the VF is to be compared with.",
    "Read libvirt's reason in the report; the kernel needs the module macvtap, and QEMU the model of the card.",
);
/// A guest has no link by a card that the emulator makes.
pub const EMULATED_UNUSABLE: Finding = Finding::bench(
    "emulated-unusable",
    "The guest got an emulated card, but cannot use it: it has no interface by it, no link, or no way to the other end.",
    "Read the reason in the report and the guest's console in the transcript; its kernel needs the driver of the card (e1000e is packed where this machine's kernel has it), and the PF a link.",
);

/// How long a guest may take to find a card and its link.
const PATIENCE: Duration = Duration::from_mins(1);

impl Bench {
    /// Gives a running guest a card that the emulator makes on the PF's interface. Returns its interface there, up and with
    /// a link.
    pub async fn attach_emulated(&mut self, guest: &Running, model: Model) -> Result<End, Problem> {
        let pf = self.net().await?.name;
        let before = self.told(guest.name(), false).await?.direct;
        let (name, xml) = (guest.name(), emulated(&pf, model));
        let file = self.plug(name, &xml, &["--live"]).await?;
        let words = ["attach-device", name, &file, "--live"];
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
        let (host, mut why) = (guest.host.clone(), String::new());
        let net = self.in_guest(guest, PATIENCE, async || {
            match within(STEP_LIMIT, linked(host.as_ref(), mac)).await? {
                Ok(net) => Ok(Some(net)),
                Err(reason) => {
                    why = reason;
                    Ok(None)
                }
            }
        });
        let net = net.await?;
        let (name, model) = (guest.name(), model.name());
        let shown = net.as_ref().map_or(&why, |net| &net.name);
        self.log.step(format!(
            "{name}$ ip link set dev … up; ip link show | grep -B1 {mac}\n{shown}"
        ))?;
        let Some(net) = net else {
            return Err(Problem::Found {
                finding: &EMULATED_UNUSABLE,
                message: format!("the {model} of {name}: {why}"),
            });
        };
        Ok(End::at(Place::guest(guest), net))
    }
}

/// The interface of an address, once it is up and has a link, or why not.
async fn linked(host: &dyn Host, mac: &str) -> io::Result<Result<NetFacts, String>> {
    let Some(net) = facts::net_of_address(host, mac).await? else {
        let why = format!("no interface of the address {mac}: no driver binds to it");
        return Ok(Err(why));
    };
    Ok(has_carrier(host, &net).await?.map(|()| net))
}
