//! libvirt and its guests, with the words of `virsh` 11.3 and 12.9 as seen in the lab.

mod agent;
mod attach;
mod drive;
mod emulated;
mod inside;
mod leave;
mod outside;
mod pair;
mod process;

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::guest::Model;
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
    /// How many guests were started.
    starts: u32,
    /// How often a VF came back from a guest.
    returns: u32,
    /// Those whose emulator ended by itself.
    crashed: BTreeSet<String>,
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
    /// When its agent answers; `None` for never, or for not before it is started in a guest system.
    up: Option<Instant>,
    /// When the agent of a guest system answers; `None` for never.
    agent: Option<Instant>,
    /// How often its kernel was restarted.
    restarts: u32,
    paused: bool,
    /// The VFs it has.
    cards: Vec<Card>,
    /// The emulated interface that it has beside them.
    standby: Option<Standby>,
    /// The emulated cards that it has by themselves.
    emulated: Vec<Emulated>,
    /// The disks that its emulator makes, by the machine's block devices.
    disks: Vec<String>,
    /// VFs that it does not have any more, but was not told of it.
    ghosts: Vec<Card>,
    /// It does not see any VF.
    blind: bool,
    /// It was killed, and does not end.
    lingers: bool,
    emulator: Emulator,
}

/// The process of a guest's emulator.
#[derive(Clone, Debug)]
struct Emulator {
    process: u32,
    /// All of the guest's memory was in use once.
    populated: bool,
    /// What the guest's balloon leaves to it, in KiB.
    balloon: u64,
    /// How many files it has open.
    files: u32,
    /// How often it got a VF.
    turns: u64,
}

/// The interface of a guest that its emulator makes.
#[derive(Clone, Debug)]
struct Standby {
    mac: String,
    /// When the interface that it is a part of was put up.
    put_up: Option<Instant>,
}

/// A card of a guest that its emulator makes.
#[derive(Clone, Debug)]
struct Emulated {
    model: Model,
    mac: String,
    /// When its interface was put up.
    put_up: Option<Instant>,
}

/// A VF in a guest.
#[derive(Clone, Debug)]
struct Card {
    /// Where it is on the host.
    vf: Bdf,
    /// The address that libvirt gave it.
    mac: String,
    /// When the guest's kernel has found it.
    found: Instant,
    /// When its interface was put up there.
    put_up: Option<Instant>,
}

impl Card {
    fn new(vf: Bdf, mac: String, found: Instant) -> Self {
        Self {
            vf,
            mac,
            found,
            put_up: None,
        }
    }
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
        for live in self.lives() {
            live.up = live.up.map(by);
            live.agent = live.agent.map(by);
            if let Some(standby) = &mut live.standby {
                standby.put_up = standby.put_up.map(by);
            }
            for card in &mut live.emulated {
                card.put_up = card.put_up.map(by);
            }
            for card in live.cards.iter_mut().chain(&mut live.ghosts) {
                card.found = by(card.found);
                card.put_up = card.put_up.map(by);
            }
        }
    }

    fn lives(&mut self) -> impl Iterator<Item = &mut Live> {
        self.guests
            .values_mut()
            .filter_map(|guest| guest.live.as_mut())
    }

    fn live(&self, name: &str) -> Option<&Live> {
        self.guests.get(name)?.live.as_ref()
    }

    fn live_mut(&mut self, name: &str) -> Option<&mut Live> {
        self.guests.get_mut(name)?.live.as_mut()
    }

    /// The guests that have VFs.
    fn with_vfs(&self) -> impl Iterator<Item = &str> {
        let guests = self.running();
        guests
            .filter(|(_, live)| !live.cards.is_empty())
            .map(|(name, _)| name)
    }

    /// The guests that run.
    fn running(&self) -> impl Iterator<Item = (&str, &Live)> {
        let guests = self.guests.iter();
        guests.filter_map(|(name, guest)| Some((name.as_str(), guest.live.as_ref()?)))
    }

    /// The guest that has a VF.
    fn user(&self, vf: Bdf) -> Option<&str> {
        let has = |live: &Live| live.cards.iter().any(|card| card.vf == vf);
        let user = self.running().find(|(_, live)| has(live));
        user.map(|(name, _)| name)
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
            ["migrate", "--live", "--unsafe", name, _] => self.of_guest(name, Self::virsh_migrate),
            [verb, name, options @ ..] => {
                self.of_guest(name, |world, name| world.verb(verb, name, options))
            }
            _ => unknown(words),
        }
    }

    fn of_guest(&mut self, name: &str, answer: impl FnOnce(&mut Self, &str) -> Output) -> Output {
        if self.libvirt.guests.contains_key(name) {
            let output = answer(self, name);
            self.publish_processes();
            output
        } else {
            failed(1, &format!("error: failed to get domain '{name}'"))
        }
    }

    fn verb(&mut self, verb: &str, name: &str, options: &[&str]) -> Output {
        match (verb, options) {
            ("start", []) => self.virsh_start(name),
            ("destroy", []) => self.virsh_destroy(name),
            ("undefine", _) => self.virsh_undefine(name),
            ("suspend", []) => self.virsh_pause(name, true),
            ("resume", []) => self.virsh_pause(name, false),
            ("managedsave", []) => self.virsh_save(name),
            ("managedsave-remove", []) => {
                printed(format!("Removed managedsave image for domain '{name}'\n"))
            }
            ("qemu-agent-command", [question, ..]) => self.agent_command(name, question),
            ("domstate", []) => self.virsh_state(name),
            ("domstate", ["--reason"]) => self.virsh_state_and_reason(name),
            ("dumpxml", which) => self.virsh_dumpxml(name, !which.is_empty()),
            ("setmem", [kib, "--live"]) => self.virsh_setmem(name, kib),
            ("dommemstat", []) => self.virsh_memstat(name),
            ("attach-interface", ["hostdev", vf, "--managed", when @ ..]) => {
                self.virsh_attach(name, vf, when)
            }
            ("detach-interface", ["hostdev", "--mac", mac, when @ ..]) => {
                self.virsh_detach(name, mac, when)
            }
            ("attach-device", [file, when @ ..]) => self.virsh_attach_device(name, file, when),
            ("detach-device", [file, when @ ..]) => self.virsh_detach_device(name, file, when),
            ("detach-disk", [target, "--live"]) => self.virsh_detach_disk(name, target),
            ("detach-interface", ["direct", "--mac", mac, "--live"]) => {
                self.virsh_detach_direct(name, mac)
            }
            _ => unknown(&[&[verb, name], options].concat()),
        }
    }
}

fn unknown(words: &[&str]) -> Output {
    let words = words.join(" ");
    failed(
        1,
        &format!("error: the simulated libvirt does not know `virsh {words}`"),
    )
}

/// What libvirt says of a guest that does not run.
fn not_running(what: &str, name: &str) -> Output {
    failed(
        1,
        &format!(
            "error: Failed to {what} domain '{name}'\nerror: Requested operation is not valid: domain is not running"
        ),
    )
}
