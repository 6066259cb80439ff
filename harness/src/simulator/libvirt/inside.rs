//! What a guest's agent sees and does.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use nix::errno::Errno;
use tokio::time::{Instant, sleep_until};

use crate::machine::{Host, Output};
use crate::pci::Bdf;
use crate::profile::Kind;

use super::super::World;
use super::super::fault::Fault;
use super::super::model::port_of;
use super::super::traffic::Side;
use super::super::tree::{File, Tree};
use super::attach::guest_mac;
use super::drive::show_disks;
use super::pair::PAIR;
use super::{Card, Live};

/// Where a kernel lists all PCI functions.
const LIST: &str = "/proc/bus/pci/devices";

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
        if self.up()?.is_none() {
            pending::<()>().await;
        }
        let mut world = self.world.borrow_mut();
        world.catch_up(Instant::now());
        Ok(question(&mut world, &self.name)?)
    }

    /// When the agent answers; `None` for never. What a paused guest is asked it never answers.
    fn up(&self) -> io::Result<Option<Instant>> {
        let world = self.world.borrow();
        let live = world.libvirt.live(&self.name).ok_or_else(gone)?;
        Ok(live.up.filter(|_| !live.paused && !live.lingers))
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

    async fn run(&self, argv: &[&str]) -> io::Result<Output> {
        if let ["/proc/self/exe", "traffic", words @ ..] = argv {
            let (world, guest) = (&self.world, Some(self.name.as_str()));
            return Ok(Side { world, guest }.traffic(words).await);
        }
        if let ["/proc/self/exe", "blocks", words @ ..] = argv {
            let (world, guest) = (&self.world, Some(self.name.as_str()));
            let output = Side { world, guest }.blocks(words).await;
            // Who was killed meanwhile has nothing to tell.
            return self.ask(|_, _| Ok(output)).await;
        }
        self.ask(|_, _| Err(Errno::ENOENT)).await
    }

    async fn reboot(&self) -> io::Result<()> {
        self.ask(|world, name| {
            world.restart_inside(name);
            Ok(())
        })
        .await
    }
}

impl World {
    /// The files of a guest as they are now.
    fn inside(&self, name: &str) -> Tree {
        let mut tree = Tree::new();
        tree.file("/proc/uptime", "1.00 0.50\n");
        for folder in ["/sys/bus/pci/devices", "/sys/block", "/dev"] {
            tree.folder(folder);
        }
        tree.file(LIST, "");
        if !self.model.has(Fault::GuestModuleDoesNotLoad) {
            tree.folder(&format!("/sys/bus/pci/drivers/{}", self.model.drivers[1]));
        }
        let Some(live) = self.libvirt.live(name) else {
            return tree;
        };
        tree.file(
            "/proc/sys/kernel/random/boot_id",
            format!("{}-{}\n", live.emulator.process, live.restarts),
        );
        let mut list = String::new();
        for (index, card) in live.cards.iter().chain(&live.ghosts).enumerate() {
            if card.found <= self.now && self.is_seen(live, index) {
                self.show_card(&mut tree, index, live, card);
                let [vendor, device, ..] = self.model.header_ids(self.model.vf_device);
                let _ = writeln!(list, "{:02x}00\t{vendor:04x}{device:04x}\t0", index + 2);
            }
        }
        tree.file(LIST, list);
        self.show_pair(&mut tree, live);
        self.show_emulated(&mut tree, live);
        show_disks(&mut tree, live);
        tree
    }

    fn is_seen(&self, live: &Live, index: usize) -> bool {
        let alone = self.model.has(Fault::OneVfPerGuest) && index > 0;
        !live.blind && !alone && !self.model.has(Fault::GuestSeesNoVf)
    }

    fn show_card(&self, tree: &mut Tree, index: usize, live: &Live, card: &Card) {
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
        if refused.into_iter().any(|fault| model.has(fault)) || !self.is_driven(card) {
            return;
        }
        tree.link(
            &format!("{at}/driver"),
            format!("../../../bus/pci/drivers/{}", model.drivers[1]),
        );
        if model.kind == Kind::Nvme {
            self.show_drive(tree, &at, index, card);
            return;
        }
        for net in [
            format!("{at}/net/eth{index}"),
            format!("/sys/class/net/eth{index}"),
        ] {
            self.show_interface(tree, &net, live, card);
        }
    }

    fn show_interface(&self, tree: &mut Tree, at: &str, live: &Live, card: &Card) {
        let flags = if card.put_up.is_some() {
            "0x1003\n"
        } else {
            "0x1002\n"
        };
        tree.file(&format!("{at}/flags"), flags);
        tree.file(
            &format!("{at}/address"),
            format!("{}\n", self.address_inside(card)),
        );
        tree.file(&format!("{at}/mtu"), "1500\n");
        tree.file(
            &format!("{at}/statistics/rx_packets"),
            self.received_inside(card),
        );
        let partner = self.has_partner(live, card);
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

    /// The address of a guest's interface, if it is up.
    pub(in super::super) fn address_of_card(&self, name: &str, interface: &str) -> Option<String> {
        if interface == PAIR {
            let standby = self.libvirt.live(name)?.standby.as_ref()?;
            return standby.put_up.map(|_| standby.mac.clone());
        }
        if let Some(mac) = self.address_of_emulated(name, interface) {
            return Some(mac);
        }
        let index: usize = interface.strip_prefix("eth")?.parse().ok()?;
        let card = self.libvirt.live(name)?.cards.get(index)?;
        card.put_up?;
        Some(self.address_inside(card))
    }

    fn received_inside(&self, card: &Card) -> String {
        let of_pair = card.mac != guest_mac(card.vf);
        if of_pair && self.model.has(Fault::PairLeavesVfIdle) {
            return "0\n".into();
        }
        self.frames.received(&self.address_inside(card))
    }

    /// Whether the interface of a VF in a guest would see a link partner.
    fn has_partner(&self, live: &Live, card: &Card) -> bool {
        let mut devices = self.devices();
        let device = devices.find(|device| device.has(card.vf));
        let pf = device.and_then(|device| device.pf.interface.as_ref());
        let beside = |other: &Card| port_of(other.vf) != port_of(card.vf);
        let mute = self.model.has(Fault::GuestNoLink)
            || self.is_mute(card.vf)
            || self.model.has(Fault::OnePfPerGuest) && live.cards.iter().any(beside);
        pf.is_some_and(|pf| pf.up && pf.carrier) && !mute
    }

    fn is_mute(&self, vf: Bdf) -> bool {
        let mut functions = self.functions();
        functions.any(|own| own.bdf == vf && own.mute)
    }

    /// Whether a guest has an interface of that address, and runs.
    pub(in super::super) fn is_in_a_guest(&self, mac: &str) -> bool {
        let mut lives = self.libvirt.running().map(|(_, live)| live);
        lives.any(|live| {
            let mut cards = live.cards.iter();
            let stays = live.standby.as_ref().is_some_and(|own| own.mac == mac)
                || live.emulated.iter().any(|own| own.mac == mac);
            let has = stays || cards.any(|card| self.address_inside(card) == mac);
            has && !live.lingers
        })
    }

    pub(super) fn address_inside(&self, card: &Card) -> String {
        if self.model.has(Fault::AddressIgnored) {
            let others = |live: &Live| live.cards.iter().position(|own| own.vf == card.vf);
            let mut lives = self.libvirt.running().map(|(_, live)| live);
            let place = lives.find_map(others).unwrap_or(0) + 1;
            format!("02:00:00:00:00:{place:02x}")
        } else {
            card.mac.clone()
        }
    }

    /// Which VF a guest has under that address.
    pub(in super::super) fn vf_in_a_guest(&self, mac: &str) -> Option<Bdf> {
        let lives = self.libvirt.running().map(|(_, live)| live);
        let mut cards = lives.flat_map(|live| &live.cards);
        let card = cards.find(|card| self.address_inside(card) == mac);
        card.map(|card| card.vf)
    }

    /// Flags of an interface can be written: it goes up. A drive that is to look for namespaces has found them already.
    fn write_inside(&mut self, name: &str, path: &str) -> Result<(), Errno> {
        self.inside(name).read(path)?;
        if path.ends_with("/rescan_controller") {
            return Ok(());
        }
        let now = self.now;
        if path == format!("/sys/class/net/{PAIR}/flags") {
            let live = self.libvirt.live_mut(name);
            if let Some(standby) = live.and_then(|live| live.standby.as_mut()) {
                standby.put_up = standby.put_up.or(Some(now));
            }
            return Ok(());
        }
        if self.put_up_emulated(name, path) {
            return Ok(());
        }
        let index = path
            .strip_prefix("/sys/class/net/eth")
            .and_then(|rest| rest.strip_suffix("/flags"));
        let index: usize = index
            .and_then(|index| index.parse().ok())
            .ok_or(Errno::EACCES)?;
        let live = self.libvirt.live_mut(name);
        if let Some(card) = live.and_then(|live| live.cards.get_mut(index)) {
            card.put_up = card.put_up.or(Some(now));
        }
        Ok(())
    }
}
