//! libvirt and its guests, with the words of `virsh` 11.3 as seen in the lab.

mod attach;
mod inside;
mod outside;

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::machine::Output;
use crate::pci::Bdf;

use super::World;
use super::commands::{failed, printed};
use super::fault::Fault;

pub(super) use inside::Inside;
pub(super) use outside::SOCKETS;

/// All guests that libvirt knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Libvirt {
    guests: BTreeMap<String, Guest>,
}

/// A guest that libvirt knows.
#[derive(Clone, Debug, Default)]
struct Guest {
    /// The VFs it will have when it starts next.
    config: Vec<Bdf>,
    /// What it is while it runs.
    live: Option<Live>,
}

/// A guest that runs.
#[derive(Clone, Debug)]
struct Live {
    /// When its agent answers; `None` for never.
    up: Option<Instant>,
    /// The VFs it has.
    cards: Vec<Card>,
}

/// A VF in a guest.
#[derive(Clone, Debug)]
struct Card {
    /// Where it is on the host.
    vf: Bdf,
    /// When the guest's kernel has found it.
    found: Instant,
    /// When its interface was put up there.
    put_up: Option<Instant>,
}

impl Libvirt {
    /// What is on disk survives a restart of the machine; what runs does not.
    pub(super) fn restarted(mut self) -> Self {
        for guest in self.guests.values_mut() {
            guest.live = None;
        }
        self
    }

    /// Everything happens by another clock.
    pub(super) fn shift(&mut self, by: &impl Fn(Instant) -> Instant) {
        for live in self
            .guests
            .values_mut()
            .filter_map(|guest| guest.live.as_mut())
        {
            live.up = live.up.map(by);
            for card in &mut live.cards {
                card.found = by(card.found);
                card.put_up = card.put_up.map(by);
            }
        }
    }

    fn live(&self, name: &str) -> Option<&Live> {
        self.guests.get(name)?.live.as_ref()
    }

    fn live_mut(&mut self, name: &str) -> Option<&mut Live> {
        self.guests.get_mut(name)?.live.as_mut()
    }
}

impl World {
    /// Runs `virsh`.
    pub(super) fn virsh(&mut self, words: &[&str]) -> Output {
        if self.model.has(Fault::NoLibvirt) {
            return failed(
                1,
                "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
            );
        }
        match words {
            ["version"] => printed(
                "Compiled against library: libvirt 11.3.0\nUsing library: libvirt 11.3.0\nUsing API: QEMU 11.3.0\nRunning hypervisor: QEMU 10.0.2\n\n",
            ),
            ["list", "--name", which @ ..] => self.virsh_list(!which.is_empty()),
            ["define", path] => self.virsh_define(path),
            [_, name, ..] if !self.libvirt.guests.contains_key(*name) => {
                failed(1, &format!("error: failed to get domain '{name}'"))
            }
            ["start", name] => self.virsh_start(name),
            ["destroy", name] => self.virsh_destroy(name),
            ["undefine", name, ..] => self.virsh_undefine(name),
            ["dumpxml", name, which @ ..] => self.virsh_dumpxml(name, !which.is_empty()),
            [
                "attach-interface",
                name,
                "hostdev",
                vf,
                "--managed",
                "--live",
                "--config",
            ] => self.virsh_attach(name, vf),
            [
                "detach-interface",
                name,
                "hostdev",
                "--mac",
                mac,
                "--live",
                "--config",
            ] => self.virsh_detach(name, mac),
            _ => failed(
                1,
                &format!(
                    "error: the simulated libvirt does not know `virsh {}`",
                    words.join(" ")
                ),
            ),
        }
    }
}
