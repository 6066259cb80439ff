//! The life of a guest as libvirt leads it: defined, started, destroyed, forgotten.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::Instant;

use crate::machine::Output;
use crate::machine::agent::PORT;
use crate::pci::Bdf;

use super::super::World;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::super::tree::File;
use super::attach::guest_mac;
use super::drive::told_disks;
use super::{Card, Emulator, Guest, Live, Standby, not_running};

/// Where libvirt has the sockets of running guests' ports.
pub(in super::super) const SOCKETS: &str = "/run/libvirt/qemu/channel/";

/// From its start to the agent's first answer: assumed; KVM on real hardware takes a second or two.
pub(super) const BOOT: Duration = Duration::from_secs(2);

impl World {
    pub(super) fn virsh_list(&self, all: bool) -> Output {
        let guests = self.libvirt.guests.iter();
        let listed = guests.filter(|(_, guest)| all || guest.live.is_some());
        let names: Vec<&str> = listed.map(|(name, _)| name.as_str()).collect();
        printed(format!("{}\n\n", names.join("\n")))
    }

    pub(super) fn virsh_define(&mut self, path: &str) -> Output {
        let Ok(xml) = self.tree.read(path) else {
            return failed(
                1,
                &format!("error: Failed to open file '{path}': No such file or directory"),
            );
        };
        let Some(name) = element(&String::from_utf8_lossy(&xml), "name") else {
            return failed(
                1,
                &format!(
                    "error: Failed to define domain from {path}\nerror: XML error: name is missing"
                ),
            );
        };
        self.libvirt.guests.entry(name.clone()).or_default();
        let definition = format!("/etc/libvirt/qemu/{name}.xml");
        self.tree.file(&definition, File::Bytes(xml.into()));
        printed(format!("Domain '{name}' defined from {path}\n\n"))
    }

    pub(super) fn virsh_start(&mut self, name: &str) -> Output {
        if self.libvirt.live(name).is_some() {
            return failed(1, "error: Domain is already active");
        }
        match self.startable(name) {
            Err(why) => failed(
                1,
                &format!("error: Failed to start domain '{name}'\nerror: {why}"),
            ),
            Ok(vfs) => {
                self.begin(name, vfs);
                printed(format!("Domain '{name}' started\n\n"))
            }
        }
    }

    /// The VFs that a guest starts with, or why it does not start.
    fn startable(&self, name: &str) -> Result<Vec<Bdf>, String> {
        if self.model.has(Fault::NoGuestStarts) {
            return Err(
                "internal error: QEMU unexpectedly closed the monitor: could not load kernel"
                    .to_owned(),
            );
        }
        for path in self.starts_from(name) {
            if self.tree.read(&path).is_err() {
                return Err(format!(
                    "Cannot access storage file '{path}': No such file or directory"
                ));
            }
        }
        let guest = self.libvirt.guests.get(name);
        let config = guest.map_or(&[][..], |guest| &guest.config);
        let mut vfs = Vec::new();
        for vf in config {
            match self.known_vf(Some(*vf)) {
                Ok(vf) => vfs.push(vf),
                Err(_) if self.model.has(Fault::StartsWithoutVf) => {}
                Err(_) if self.model.has(Fault::StaleStartUnexplained) => {
                    return Err("An error occurred, but the cause is unknown".to_owned());
                }
                Err(why) => return Err(why),
            }
        }
        // In words like those of a hot-plug that is refused: assumed.
        match vfs.first() {
            Some(vf) if self.model.has(Fault::StartWithVfRefused) => Err(format!(
                "internal error: QEMU unexpectedly closed the monitor: vfio {vf}: failed to setup container for group 4"
            )),
            _ => Ok(vfs),
        }
    }

    /// What must be there when a guest starts: its kernel and initramfs, or its disks.
    fn starts_from(&self, name: &str) -> Vec<String> {
        let disks = disks(&self.definition(name));
        if disks.is_empty() {
            ["kernel", "initrd"]
                .map(|part| self.part(name, part))
                .into()
        } else {
            disks
        }
    }

    /// When the agents of a guest answer that starts now: this program as its first process, and that of a guest system.
    fn wakes(&self, name: &str) -> [Option<Instant>; 2] {
        let up = Some(self.now + BOOT).filter(|_| !self.model.has(Fault::GuestNeverUp));
        if disks(&self.definition(name)).is_empty() {
            [up, None]
        } else {
            [
                None,
                up.filter(|_| !self.model.has(Fault::GuestAgentSilent)),
            ]
        }
    }

    fn begin(&mut self, name: &str, vfs: Vec<Bdf>) {
        self.libvirt.starts += 1;
        let [up, agent] = self.wakes(name);
        let live = Live {
            up,
            agent,
            restarts: 0,
            paused: false,
            cards: Vec::new(),
            standby: None,
            emulated: Vec::new(),
            disks: Vec::new(),
            ghosts: Vec::new(),
            blind: false,
            lingers: false,
            emulator: Emulator {
                process: 1000 + self.libvirt.starts,
                populated: false,
                balloon: 256 * 1024,
                files: 86,
                turns: 0,
            },
        };
        if let Some(guest) = self.libvirt.guests.get_mut(name) {
            guest.live = Some(live);
        }
        for vf in vfs {
            self.take_over(name, vf, guest_mac(vf), BOOT);
        }
        for file in [
            self.part(name, "console"),
            format!("/var/log/libvirt/qemu/{name}.log"),
        ] {
            if !file.is_empty() {
                self.tree.file(&file, "");
            }
        }
    }

    pub(super) fn virsh_pause(&mut self, name: &str, paused: bool) -> Output {
        let (refused, loses) = (
            self.model.has(Fault::PauseRefused),
            self.model.has(Fault::PauseLosesVf),
        );
        let Some(live) = self.libvirt.live_mut(name) else {
            return not_running(if paused { "suspend" } else { "resume" }, name);
        };
        if refused {
            return failed(
                1,
                &format!(
                    "error: Failed to suspend domain '{name}'\nerror: internal error: unable to execute QEMU command 'stop'"
                ),
            );
        }
        live.paused = paused;
        live.blind |= loses;
        let done = if paused { "suspended" } else { "resumed" };
        printed(format!("Domain '{name}' {done}\n\n"))
    }

    pub(super) fn virsh_state(&self, name: &str) -> Output {
        let state = match self.libvirt.live(name) {
            None => "shut off",
            Some(live) if live.paused => "paused",
            Some(_) => "running",
        };
        printed(format!("{state}\n\n"))
    }

    /// With the words of libvirt tools/virsh-domain-monitor.c, `virshDomainShutoffReason` and others.
    pub(super) fn virsh_state_and_reason(&self, name: &str) -> Output {
        let reason = match self.libvirt.live(name) {
            None if self.libvirt.crashed.contains(name) => "shut off (crashed)",
            None => "shut off (destroyed)",
            Some(live) if live.paused => "paused (user)",
            Some(_) => "running (booted)",
        };
        printed(format!("{reason}\n\n"))
    }

    /// A guest's kernel is restarted: it finds its cards anew.
    pub(super) fn restart_inside(&mut self, name: &str) {
        let found = self.now + BOOT;
        let [up, agent] = self.wakes(name);
        let loses = self.model.has(Fault::RestartLosesVf);
        if let Some(live) = self.libvirt.live_mut(name) {
            (live.up, live.agent) = (up, agent);
            live.restarts += 1;
            live.blind |= loses;
            for card in &mut live.cards {
                *card = Card::new(card.vf, card.mac.clone(), found);
            }
        }
    }

    fn definition(&self, name: &str) -> String {
        let definition = format!("/etc/libvirt/qemu/{name}.xml");
        let xml = self.tree.read(&definition).unwrap_or_default();
        String::from_utf8_lossy(&xml).into_owned()
    }

    /// The path of a part of the guest, as it was defined with.
    fn part(&self, name: &str, part: &str) -> String {
        let xml = self.definition(name);
        if part == "console" {
            let path = xml.split_once("<serial type='file'><source path='");
            return path
                .and_then(|(_, rest)| rest.split('\'').next())
                .unwrap_or_default()
                .to_owned();
        }
        element(&xml, part).unwrap_or_default()
    }

    pub(super) fn virsh_destroy(&mut self, name: &str) -> Output {
        if self.libvirt.live(name).is_none() {
            return not_running("destroy", name);
        }
        self.end(name);
        printed(format!("Domain '{name}' destroyed\n\n"))
    }

    /// A guest's emulator ends, and what it had goes back to the host.
    pub(super) fn end(&mut self, name: &str) {
        let guest = self.libvirt.guests.get_mut(name);
        let Some(live) = guest.and_then(|guest| guest.live.take()) else {
            return;
        };
        self.tree
            .remove(&format!("/proc/{}", live.emulator.process));
        for card in live.cards {
            self.give_back(card.vf);
        }
    }

    pub(super) fn virsh_undefine(&mut self, name: &str) -> Output {
        self.tree.remove(&format!("/run/libvirt/qemu/{name}.pid"));
        self.libvirt.guests.remove(name);
        self.tree.remove(&format!("/etc/libvirt/qemu/{name}.xml"));
        printed(format!("Domain '{name}' has been undefined\n\n"))
    }

    pub(super) fn virsh_dumpxml(&self, name: &str, inactive: bool) -> Output {
        let Some(Guest { config, live }) = self.libvirt.guests.get(name) else {
            return failed(1, &format!("error: failed to get domain '{name}'"));
        };
        let live = live.as_ref().filter(|_| !inactive);
        let vfs: Vec<(Bdf, String)> = match live {
            Some(live) => {
                let cards = live.cards.iter();
                cards.map(|card| (card.vf, card.mac.clone())).collect()
            }
            None => config.iter().map(|vf| (*vf, guest_mac(*vf))).collect(),
        };
        let path = live.map_or(String::new(), |_| format!(" path='{SOCKETS}{name}/{PORT}'"));
        let mut xml = format!(
            "<domain type='kvm'>\n  <name>{name}</name>\n  <devices>\n    <channel type='unix'>\n      \
             <source mode='bind'{path}/>\n      <target type='virtio' name='{PORT}'/>\n    </channel>\n"
        );
        let standby = live.and_then(|live| live.standby.as_ref());
        let standby = standby.map(|Standby { mac, .. }| mac);
        let emulated = live.into_iter().flat_map(|live| &live.emulated);
        for mac in standby.into_iter().chain(emulated.map(|card| &card.mac)) {
            let _ = write!(
                xml,
                "    <interface type='direct'>\n      <mac address='{mac}'/>\n    </interface>\n"
            );
        }
        for (vf, mac) in vfs {
            xml += &self.told_hostdev(vf, &mac);
        }
        xml += &told_disks(live);
        printed(format!("{xml}  </devices>\n</domain>\n\n"))
    }
}

/// The files of all disks, with those below them.
fn disks(xml: &str) -> Vec<String> {
    let sources = xml.split("<source file='").skip(1);
    sources
        .filter_map(|rest| rest.split('\'').next().map(str::to_owned))
        .collect()
}

/// The text of an element that holds nothing else.
fn element(xml: &str, tag: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    let (text, _) = rest.split_once(&format!("</{tag}>"))?;
    Some(text.to_owned())
}
