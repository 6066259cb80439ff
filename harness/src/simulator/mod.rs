//! A model of a Linux machine with an SR-IOV device, made from the device's profile. A network adapter has a second of
//! its kind beside it.
//!
//! It answers as Linux 6.12 does: the same check order, the same errno, the same files. What it
//! takes on tokio's clock is what the kernel takes; with a paused clock it takes no time at all.

mod agenda;
mod asleep;
mod binding;
mod boot;
mod bound;
mod commands;
mod config_space;
mod driver;
mod drivers;
mod fault;
mod function;
mod groups;
mod ip;
mod kernel;
mod kstrto;
mod libvirt;
mod link;
mod log;
mod mac;
mod machine;
mod model;
mod numvfs;
mod nvme;
mod publish;
mod reset;
mod second;
mod streams;
mod systemctl;
mod traffic;
mod tree;
mod udev;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use nix::errno::Errno;
use tokio::time::{Instant, sleep_until};

pub use asleep::Asleep;
pub use fault::{Fault, UnknownFault};

use crate::guest::System;
use crate::machine::{Host, Output};
use crate::nvme::Scratch;
use crate::pci::Bdf;
use crate::profile::Profile;

use agenda::Effect;
use function::Device;
use groups::Groups;
use libvirt::{Inside, Libvirt, SOCKETS};
use log::{KernelLog, Level};
use model::{Model, PF, SECOND};
use traffic::{Frames, Side};
use tree::Tree;

/// How long the machine is away when it restarts: assumed.
const REBOOT: Duration = Duration::from_secs(30);

/// A machine with an SR-IOV device.
pub struct Simulator {
    world: Rc<RefCell<World>>,
}

impl Simulator {
    /// The machine that a profile's device would sit in, with something wrong or without.
    pub fn new(profile: &Profile, fault: Option<Fault>) -> Self {
        Self {
            world: shared(World::boot(Model::new(profile, fault), Instant::now())),
        }
    }

    /// The address of the physical function.
    pub fn bdf(&self) -> Bdf {
        PF
    }

    /// The address of the second device's, where there is one.
    pub fn second(&self) -> Option<Bdf> {
        self.world.borrow().other.as_ref().map(|_| SECOND)
    }

    /// The guest system whose image the machine has, as a manifest would name it.
    pub fn guest_system() -> System {
        System {
            name: "simulated".into(),
            image: machine::IMAGE.into(),
            sha256: "0".repeat(64),
            memory: 256,
        }
    }

    /// The namespaces of its drive whose data may be lost.
    pub fn scratch_namespaces() -> Vec<Scratch> {
        let scratch = |nsid| Scratch {
            serial: nvme::SERIAL.into(),
            nsid,
        };
        nvme::Namespaces::SCRATCH.map(scratch).collect()
    }

    /// Looks again and again until the device lock is free, then waits until the kernel is done.
    async fn take_turns<T>(
        &self,
        attempt: impl Fn(&mut World) -> Result<Turn<T>, Errno>,
    ) -> io::Result<T> {
        loop {
            let turn = self.at_present(&attempt)?;
            match turn {
                Turn::Wait(until) => sleep_until(until).await,
                Turn::Over(at, result) => {
                    if at > Instant::now() {
                        sleep_until(at).await;
                    }
                    return Ok(result?);
                }
            }
        }
    }

    fn at_present<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.borrow_mut();
        world.catch_up(Instant::now());
        look(&mut world)
    }
}

#[async_trait(?Send)]
impl Host for Simulator {
    async fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.take_turns(|world| world.read(path)).await
    }

    async fn write(&self, path: &str, data: &[u8]) -> io::Result<()> {
        self.take_turns(|world| world.write(path, data)).await
    }

    async fn put(&self, path: &str, content: Option<&[u8]>) -> io::Result<()> {
        Ok(self.at_present(|world| world.put(path, content))?)
    }

    async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        Ok(self.at_present(|world| world.tree.list(path))?)
    }

    async fn link(&self, path: &str) -> io::Result<String> {
        Ok(self.at_present(|world| world.tree.read_link(path))?)
    }

    async fn run(&self, argv: &[&str]) -> io::Result<Output> {
        if let ["/proc/self/exe", "traffic", words @ ..] = argv {
            let (world, guest) = (&self.world, None);
            return Ok(Side { world, guest }.traffic(words).await);
        }
        if let ["udevadm", "settle", options @ ..] = argv {
            return Ok(self.settle(options).await);
        }
        if let ["systemctl", "is-system-running", options @ ..] = argv {
            return Ok(self.is_running(options).await);
        }
        if let ["/proc/self/exe", "blocks", words @ ..] = argv {
            let (world, guest) = (&self.world, None);
            return Ok(Side { world, guest }.blocks(words).await);
        }
        if self.at_present(|world| world.hangs(argv)) {
            pending::<()>().await;
        }
        Ok(self.at_present(|world| world.command(argv)))
    }

    async fn reboot(&self) -> io::Result<()> {
        self.at_present(World::reboot);
        sleep_until(Instant::now() + REBOOT).await;
        Ok(())
    }

    async fn guest(&self, socket: &str) -> io::Result<Rc<dyn Host>> {
        let name = socket
            .strip_prefix(SOCKETS)
            .and_then(|rest| rest.split('/').next());
        let name = name.ok_or(Errno::ENOENT)?;
        Ok(Rc::new(Inside::new(self.world.clone(), name)))
    }
}

/// Shared with the guests, which are parts of the machine.
fn shared(world: World) -> Rc<RefCell<World>> {
    Rc::new(RefCell::new(world))
}

/// What became of an attempt to read or write.
enum Turn<T> {
    /// Someone else holds the device lock until then.
    Wait(Instant),
    /// It is done, and the kernel returns then.
    Over(Instant, Result<T, Errno>),
}

/// What a part of the kernel makes of a write.
struct Step {
    /// Its answer.
    result: Result<(), Errno>,
    /// How long it keeps the writer.
    takes: Duration,
}

impl Step {
    /// An answer at once.
    fn of(result: Result<(), Errno>) -> Self {
        Self {
            result,
            takes: Duration::ZERO,
        }
    }
}

/// The machine's parts.
#[derive(Clone)]
struct World {
    model: Model,
    tree: Tree,
    log: KernelLog,
    /// The device that the kernel is about just now: the first, unless it is in the midst of something.
    device: Device,
    /// The other of the two.
    other: Option<Device>,
    groups: Groups,
    libvirt: Libvirt,
    frames: Frames,
    /// The config space of every VF.
    vf_config: Vec<u8>,
    /// Rules of udev that the boot files hold a copy of.
    initramfs: Vec<String>,
    booted: Instant,
    now: Instant,
}

impl World {
    fn happen(&mut self, effect: &Effect) {
        match effect {
            Effect::AddVfs(count) => self.add_vfs(*count),
            Effect::RemoveVfs => self.remove_vfs(),
            Effect::Rule(ruling) => self.follow(ruling),
            Effect::BootLink => self.boot_link(),
            Effect::Carrier(name) => self.gain_carrier(name),
        }
    }

    fn uptime(&self) -> Duration {
        self.now.saturating_duration_since(self.booted)
    }

    /// The kernel logs a line.
    fn say(&mut self, level: Level, text: String) {
        self.log.print(self.uptime(), level, text);
    }
}
