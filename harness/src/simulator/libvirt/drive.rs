//! Drives in guests: VFs that are `NVMe` controllers, and disks that the emulator makes.

use crate::guest::{DISK_SERIAL, Told, hostdev, virtio_disk};
use crate::machine::Output;
use crate::pci::Bdf;
use crate::profile::Kind;

use super::super::World;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::super::nvme::Way;
use super::super::tree::Tree;
use super::{Card, Live};

impl World {
    pub(super) fn attach_disk(&mut self, name: &str, xml: &str) -> Result<(), String> {
        if self.model.has(Fault::EmulatedRefused) {
            return Err("internal error: unable to execute QEMU command 'device_add': 'virtio-blk-pci' is not a valid device model name".into());
        }
        let source = xml.split_once("<source dev='");
        let source = source.and_then(|(_, rest)| rest.split('\'').next());
        let hidden = self.model.has(Fault::EmulatedMute);
        let live = self.libvirt.live_mut(name);
        let live = live.ok_or("Requested operation is not valid: domain is not running")?;
        live.disks
            .extend(source.filter(|_| !hidden).map(str::to_owned));
        Ok(())
    }

    pub(super) fn virsh_detach_disk(&mut self, name: &str, target: &str) -> Output {
        if let Some(live) = self.libvirt.live_mut(name) {
            live.disks.clear();
        }
        printed(format!("Disk '{target}' detached successfully\n\n"))
    }

    pub(super) fn virsh_detach_device(&mut self, name: &str, file: &str, when: &[&str]) -> Output {
        let xml = self.tree.read(file).unwrap_or_default();
        let told = Told::parse(&String::from_utf8_lossy(&xml)).unwrap_or_default();
        let vf = told.hostdevs.first().map(|own| own.bdf);
        let missing = || "device not found: host pci device not found".to_owned();
        match vf
            .ok_or_else(missing)
            .and_then(|vf| self.detach_vf(name, vf, when))
        {
            Ok(()) => printed("Device detached successfully\n\n"),
            Err(why) => failed(
                1,
                &format!("error: Failed to detach device from {file}\nerror: {why}"),
            ),
        }
    }

    /// A function that a guest has, as libvirt tells it.
    pub(super) fn told_hostdev(&self, vf: Bdf, mac: &str) -> String {
        match self.model.kind {
            Kind::Nvme => hostdev(vf),
            Kind::Nic => hostdev(vf)
                .replace(
                    "<hostdev mode='subsystem' type='pci' managed='yes'>",
                    &format!("<interface type='hostdev' managed='yes'>\n  <mac address='{mac}'/>"),
                )
                .replace("</hostdev>", "</interface>"),
        }
    }

    /// Whether the driver in a guest takes what it finds: not a controller that is offline.
    pub(super) fn is_driven(&self, card: &Card) -> bool {
        let ready = !self.model.has(Fault::NvmeVfNotReady);
        let online = |vf| self.device.controllers.is_online(vf) && ready;
        self.model.kind != Kind::Nvme || self.index_in_guest(card.vf).is_some_and(online)
    }

    fn index_in_guest(&self, vf: Bdf) -> Option<u16> {
        let mut functions = self.device.functions();
        functions.find(|own| own.bdf == vf)?.index
    }

    /// The namespaces of a controller, without multipath.
    pub(super) fn show_drive(&self, tree: &mut Tree, at: &str, index: usize, card: &Card) {
        tree.file(&format!("{at}/nvme/nvme{index}/rescan_controller"), "");
        for nsid in self.found_inside(card) {
            let name = format!("nvme{index}n{nsid}");
            let folder = format!("{at}/nvme/nvme{index}/{name}");
            tree.file(&format!("{folder}/nsid"), format!("{nsid}\n"));
            let writes = self.device.controllers.namespaces.writes(nsid);
            tree.file(
                &format!("{folder}/stat"),
                format!("0 0 0 0 0 0 {writes} 0\n"),
            );
            tree.file(&format!("/dev/{name}"), "");
        }
    }

    fn found_inside(&self, card: &Card) -> Vec<u32> {
        let vf = self.index_in_guest(card.vf);
        let found = |vf| self.device.controllers.namespaces.found(vf + 1);
        let finds = !self.model.has(Fault::NvmeGuestFindsNothing);
        vf.filter(|_| finds).map_or_else(Vec::new, found)
    }

    /// How a guest comes by the blocks of one of its devices.
    pub(in super::super) fn way_inside(&self, name: &str, device: &str) -> Option<Way> {
        let live = self.libvirt.live(name)?;
        if device == EMULATED {
            let nsid = live.disks.first()?.strip_prefix("/dev/nvme0n")?;
            return Some(Way {
                nsid: nsid.parse().ok()?,
                by: 0,
                emulated: true,
            });
        }
        let (index, nsid) = device.strip_prefix("/dev/nvme")?.split_once('n')?;
        let card = live.cards.get(index.parse::<usize>().ok()?)?;
        Some(Way {
            nsid: nsid.parse().ok()?,
            by: self.index_in_guest(card.vf)? + 1,
            emulated: false,
        })
    }
}

/// The disks that the emulator makes for a guest, as libvirt tells them.
pub(super) fn told_disks(live: Option<&Live>) -> String {
    let disks = live.into_iter().flat_map(|live| &live.disks);
    disks.map(|device| virtio_disk(device, 512)).collect()
}

/// What a guest calls the disk that its emulator makes.
const EMULATED: &str = "/dev/vda";

/// The disks that the emulator makes.
pub(super) fn show_disks(tree: &mut Tree, live: &Live) {
    if !live.disks.is_empty() {
        tree.file("/sys/block/vda/serial", DISK_SERIAL);
        tree.file("/sys/block/vda/queue/logical_block_size", "512\n");
        tree.file(EMULATED, "");
    }
}
