//! Disks in guests, in verbs: of a namespace by way of a VF, and by way of the emulator.

use std::io;

use super::namespaces::{NOTICED, has_file, rescan, usable};
use super::place::Place;
use super::{Bench, Disk, Running, STEP_LIMIT, within};
use crate::facts::read;
use crate::finding::{Finding, Problem};
use crate::guest::{DISK_SERIAL, virtio_disk};
use crate::machine::Host;
use crate::pci::Bdf;

/// libvirt does not make a disk.
pub const DISK_REFUSED: Finding = Finding::bench(
    "emulated-disk-refused",
    "libvirt refused to give the guest an emulated disk on the namespace, which the VF is to be compared with.",
    "Read libvirt's reason in the report, and the emulator's log in the transcript.",
);
/// A guest does not find the disk that the emulator makes.
pub const DISK_UNUSABLE: Finding = Finding::bench(
    "emulated-disk-unusable",
    "The guest got an emulated disk, but does not find it.",
    "Read the guest's console in the transcript; its kernel needs the driver virtio_blk.",
);

impl Bench {
    /// What a function in a guest makes of a namespace, once its driver there has found it; `None` where it does not.
    pub async fn disk_in(
        &mut self,
        guest: &Running,
        card: Bdf,
        nsid: u32,
    ) -> Result<Option<Disk>, Problem> {
        let host = guest.host.clone();
        let rescanned = within(STEP_LIMIT, rescan(host.as_ref(), card)).await;
        let rescanned = rescanned.map_err(|error| Place::guest(guest).blame(error.into()))?;
        self.log.step(format!("{}{rescanned}", guest.name()))?;
        let look = async || within(STEP_LIMIT, usable(host.as_ref(), card, nsid)).await;
        let device = self.in_guest(guest, NOTICED, look).await?;
        self.log.step(format!(
            "{}$ grep . /sys/bus/pci/devices/{card}/nvme/*/nvme*n*/nsid\nnamespace {nsid}: {}",
            guest.name(),
            device.as_deref().unwrap_or("(none)")
        ))?;
        self.may_be_lost(nsid).await?;
        let (namespace, place) = (Some(self.named(nsid)), Place::guest(guest));
        Ok(device.map(|device| Disk {
            device,
            namespace,
            place,
        }))
    }

    /// Gives a running guest a disk that the emulator makes of one of this machine, which has blocks of so many bytes.
    pub async fn attach_disk(
        &mut self,
        guest: &Running,
        disk: &Disk,
        block: u64,
    ) -> Result<Disk, Problem> {
        let (name, xml) = (guest.name(), virtio_disk(&disk.device, block));
        let file = self.plug(name, &xml, &["--live"]).await?;
        let words = ["attach-device", name, &file, "--live"];
        self.virsh_or(&DISK_REFUSED, &words).await?;
        let host = guest.host.clone();
        let look = async || within(STEP_LIMIT, emulated(host.as_ref(), block)).await;
        let device = self.in_guest(guest, NOTICED, look).await?;
        self.log.step(format!(
            "{name}$ grep -l {DISK_SERIAL} /sys/block/vd*/serial\n{}",
            device.as_deref().unwrap_or("(none)")
        ))?;
        let device = device.ok_or_else(|| Problem::Found {
            finding: &DISK_UNUSABLE,
            message: format!(
                "{name} has no disk with the serial number {DISK_SERIAL} and blocks of {block} bytes"
            ),
        })?;
        Ok(Disk {
            device,
            namespace: None,
            place: Place::guest(guest),
        })
    }
}

/// The disk that the emulator makes (Linux 6.12 drivers/block/virtio_blk.c, `serial_show`).
async fn emulated(host: &dyn Host, block: u64) -> io::Result<Option<String>> {
    for name in read::names(host, "/sys/block").await? {
        let file =
            async |file: &str| read::optional(host, &format!("/sys/block/{name}/{file}")).await;
        let is_it = file("serial").await?.as_deref() == Some(DISK_SERIAL)
            && file("queue/logical_block_size").await? == Some(block.to_string());
        let device = format!("/dev/{name}");
        if is_it && has_file(host, &device).await? {
            return Ok(Some(device));
        }
    }
    Ok(None)
}
