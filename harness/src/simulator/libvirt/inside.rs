//! What a guest's agent sees and does.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use nix::errno::Errno;
use tokio::time::{Instant, sleep_until};

use crate::machine::{Host, Output};

use super::super::World;
use super::super::fault::Fault;
use super::super::tree::{File, Tree};
use super::Card;

/// From "up" to a carrier in a guest: assumed.
const LINK: Duration = Duration::from_secs(1);

/// A guest, seen from inside.
pub(in super::super) struct Inside {
    world: Rc<RefCell<World>>,
    name: String,
}

impl Inside {
    pub(in super::super) fn new(world: Rc<RefCell<World>>, name: &str) -> Self {
        let name = name.to_owned();
        Self { world, name }
    }

    /// Waits for the agent, and asks it.
    async fn ask<T>(
        &self,
        question: impl FnOnce(&mut World, &str) -> Result<T, Errno>,
    ) -> io::Result<T> {
        match self.up()? {
            None => pending().await,
            Some(up) => sleep_until(up).await,
        }
        self.up()?;
        let mut world = self.world.borrow_mut();
        world.catch_up(Instant::now());
        Ok(question(&mut world, &self.name)?)
    }

    /// When the agent answers; `None` for never.
    fn up(&self) -> io::Result<Option<Instant>> {
        let world = self.world.borrow();
        let live = world.libvirt.live(&self.name);
        live.map(|live| live.up).ok_or_else(gone)
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the guest has closed its port")
}

#[async_trait(?Send)]
impl Host for Inside {
    async fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.ask(|world, name| world.inside(name).read(path)).await
    }

    async fn write(&self, path: &str, _data: &[u8]) -> io::Result<()> {
        self.ask(|world, name| world.write_inside(name, path)).await
    }

    async fn put(&self, _path: &str, _content: Option<&[u8]>) -> io::Result<()> {
        self.ask(|_, _| Err(Errno::EROFS)).await
    }

    async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.ask(|world, name| world.inside(name).list(path)).await
    }

    async fn link(&self, path: &str) -> io::Result<String> {
        self.ask(|world, name| world.inside(name).read_link(path))
            .await
    }

    async fn run(&self, _argv: &[&str]) -> io::Result<Output> {
        self.ask(|_, _| Err(Errno::ENOENT)).await
    }

    async fn reboot(&self) -> io::Result<()> {
        self.ask(|_, _| Err(Errno::ENOSYS)).await
    }
}

impl World {
    /// The files of a guest as they are now.
    fn inside(&self, name: &str) -> Tree {
        let mut tree = Tree::new();
        tree.file("/proc/uptime", "1.00 0.50\n");
        tree.folder("/sys/bus/pci/devices");
        let cards = self.libvirt.live(name).map_or(&[][..], |live| &live.cards);
        for (index, card) in cards.iter().enumerate() {
            if card.found <= self.now && !self.model.has(Fault::GuestSeesNoVf) {
                self.show_card(&mut tree, index, card);
            }
        }
        tree
    }

    fn show_card(&self, tree: &mut Tree, index: usize, card: &Card) {
        let (model, at) = (
            &self.model,
            format!("/sys/bus/pci/devices/0000:{:02x}:00.0", index + 2),
        );
        let names = ["vendor", "device", "subsystem_vendor", "subsystem_device"];
        for (file, id) in names.iter().zip(model.header_ids(model.vf_device)) {
            tree.file(&format!("{at}/{file}"), format!("{id:#06x}\n"));
        }
        tree.file(&format!("{at}/class"), format!("{:#08x}\n", model.class()));
        tree.file(&format!("{at}/revision"), "0x00\n");
        let refused = [
            Fault::GuestDriverRefuses,
            Fault::VfDriverRefuses,
            Fault::VfIdsWrong,
        ];
        if refused.into_iter().any(|fault| model.has(fault)) {
            return;
        }
        tree.link(
            &format!("{at}/driver"),
            format!("../../../bus/pci/drivers/{}", model.drivers[1]),
        );
        for net in [
            format!("{at}/net/eth{index}"),
            format!("/sys/class/net/eth{index}"),
        ] {
            self.show_interface(tree, &net, card);
        }
    }

    fn show_interface(&self, tree: &mut Tree, at: &str, card: &Card) {
        let flags = if card.put_up.is_some() {
            "0x1003\n"
        } else {
            "0x1002\n"
        };
        tree.file(&format!("{at}/flags"), flags);
        tree.file(
            &format!("{at}/address"),
            format!("{}\n", self.guest_mac(card.vf)),
        );
        tree.file(&format!("{at}/mtu"), "1500\n");
        let pf = self.device.pf.interface.as_ref();
        let partner =
            pf.is_some_and(|pf| pf.up && pf.carrier) && !self.model.has(Fault::GuestNoLink);
        let linked = |up: Instant| {
            if partner && up + LINK <= self.now {
                "1\n"
            } else {
                "0\n"
            }
        };
        let carrier = card.put_up.map(linked);
        tree.file(
            &format!("{at}/carrier"),
            carrier.map_or(File::Refuses(Errno::EINVAL), File::from),
        );
    }

    /// Flags of an interface are the only thing that can be written: it goes up.
    fn write_inside(&mut self, name: &str, path: &str) -> Result<(), Errno> {
        self.inside(name).read(path)?;
        let index = path
            .strip_prefix("/sys/class/net/eth")
            .and_then(|rest| rest.strip_suffix("/flags"));
        let index: usize = index
            .and_then(|index| index.parse().ok())
            .ok_or(Errno::EACCES)?;
        let now = self.now;
        let live = self.libvirt.live_mut(name);
        if let Some(card) = live.and_then(|live| live.cards.get_mut(index)) {
            card.put_up = card.put_up.or(Some(now));
        }
        Ok(())
    }
}
