//! A guest's emulator as a process: its memory and its files.

use crate::machine::Output;
use crate::pci::Bdf;

use super::super::World;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::{Live, not_running};

/// The memory of a guest in KiB, and what else of it a device can reach, as seen in the lab.
const RAM: u64 = 256 * 1024;
const REACHABLE: u64 = RAM + 256;
/// What it keeps each time under [`Fault::HotplugLeaksMemory`], in KiB.
const LEAK: u64 = 4096;
/// What an emulator has in memory before a VF has touched all of its guest's, and after, in KiB.
const RESIDENT: [u64; 2] = [198_048, 325_836];

impl World {
    /// Shows the processes of all guests as they are now.
    pub(super) fn publish_processes(&mut self) {
        let guests = self.libvirt.guests.iter();
        let all: Vec<(String, Option<Live>)> = guests
            .map(|(name, guest)| (name.clone(), guest.live.clone()))
            .collect();
        for (name, live) in all {
            let pid = format!("/run/libvirt/qemu/{name}.pid");
            match live {
                None => self.tree.remove(&pid),
                Some(live) => {
                    self.tree.file(&pid, format!("{}\n", live.emulator.process));
                    self.publish_process(&name, &live);
                }
            }
        }
    }

    fn publish_process(&mut self, name: &str, live: &Live) {
        let at = format!("/proc/{}", live.emulator.process);
        let (locked, resident) = (self.locked(live), self.resident(live));
        self.tree.file(
            &format!("{at}/status"),
            format!("Name:\tqemu-system-x86\nVmLck:\t{locked:8} kB\nVmPin:\t       0 kB\nVmRSS:\t{resident:8} kB\n"),
        );
        self.tree.file(
            &format!("{at}/cmdline"),
            format!("qemu-system-x86_64\0-name\0guest={name},debug-threads=on\0"),
        );
        self.tree.file(
            &format!("{at}/stat"),
            format!(
                "{0} (qemu-system-x86) S 1 {0} {0} 0 -1 138412416 70914 0 17 0 1029 215 0 0 20 0 4 0 {0} 2356572160\n",
                live.emulator.process
            ),
        );
        for file in 0..live.emulator.files {
            self.tree.file(&format!("{at}/fd/{file}"), "");
        }
    }

    fn locked(&self, live: &Live) -> u64 {
        let stays = live.emulator.populated && self.model.has(Fault::MemoryStaysPinned);
        let pinned = !live.cards.is_empty() && !self.model.has(Fault::MemoryNotPinned);
        if pinned || stays { REACHABLE } else { 0 }
    }

    /// A balloon gives nothing back while a VF could still reach it.
    fn resident(&self, live: &Live) -> u64 {
        let emulator = &live.emulator;
        let inhibited = !live.cards.is_empty() && !self.model.has(Fault::BalloonNotInhibited);
        let inert = inhibited || self.model.has(Fault::BalloonGivesNothing);
        let given = if inert { 0 } else { RAM - emulator.balloon };
        let leaks = self.model.has(Fault::HotplugLeaksMemory);
        let leaked = if leaks { emulator.turns * LEAK } else { 0 };
        RESIDENT[usize::from(emulator.populated)] - given + leaked
    }

    /// `grep -qaF guest=NAME, /proc/PROCESS/cmdline && kill -9 PROCESS`.
    pub(in super::super) fn kill_if(&mut self, line: &str) -> Output {
        let words: Vec<&str> = line.split(' ').collect();
        let ["grep", _, wanted, file, "&&", "kill", "-9", process] = words[..] else {
            return failed(2, &format!("the simulated shell does not know `{line}`"));
        };
        let command_line = self.tree.read(file).unwrap_or_default();
        if String::from_utf8_lossy(&command_line).contains(wanted) {
            self.kill(process)
        } else {
            failed(1, "")
        }
    }

    fn kill(&mut self, process: &str) -> Output {
        let is_it = |live: &Live| live.emulator.process.to_string() == process;
        let mut guests = self.libvirt.guests.iter();
        let killed = guests.find(|(_, guest)| guest.live.as_ref().is_some_and(is_it));
        let Some(name) = killed.map(|(name, _)| name.clone()) else {
            return failed(1, &format!("sh: 1: kill: ({process}) - No such process"));
        };
        self.frames.a_guest_was_killed();
        let vfs: Vec<Bdf> = self.vfs_in(&name);
        if self.model.has(Fault::KilledGuestLingers) {
            if let Some(live) = self.libvirt.live_mut(&name) {
                live.lingers = true;
            }
        } else {
            self.end(&name);
            self.publish_processes();
        }
        let mute = self.model.has(Fault::KilledVfMute);
        for vf in vfs {
            self.at(vf, |world| {
                if let Some(function) = world.device.function(vf) {
                    function.mute = mute;
                    if let Some(vf) = function.index {
                        world.device.controllers.guest_killed(vf);
                    }
                }
            });
        }
        printed("")
    }

    fn vfs_in(&self, name: &str) -> Vec<Bdf> {
        let cards = self.libvirt.live(name).map(|live| &live.cards);
        cards.into_iter().flatten().map(|card| card.vf).collect()
    }

    pub(super) fn virsh_setmem(&mut self, name: &str, kib: &str) -> Output {
        let Some(live) = self.libvirt.live_mut(name) else {
            return not_running("set memory of", name);
        };
        live.emulator.balloon = kib.parse().unwrap_or(RAM).min(RAM);
        printed("\n")
    }

    pub(super) fn virsh_memstat(&mut self, name: &str) -> Output {
        match self.libvirt.live(name) {
            None => not_running("get memory statistics of", name),
            Some(live) => {
                let (actual, rss) = (live.emulator.balloon, self.resident(live));
                printed(format!("actual {actual}\nlast_update 0\nrss {rss}\n\n"))
            }
        }
    }
}
