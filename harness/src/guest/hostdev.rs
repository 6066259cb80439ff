//! A function that is handed to a guest as it is, and a disk that the emulator makes of a block device, as libvirt is told of them.
//!
//! Source: libvirt docs/formatdomain.rst, "USB / PCI / SCSI devices" and "Hard drives, floppy disks, CDROMs".

use crate::pci::Bdf;

/// What a guest calls the disk: no other has this name.
const TARGET: &str = "vdz";

/// The serial number of the disk, by which it is found in the guest.
pub const DISK_SERIAL: &str = "sriov-rival";

/// A function that is no network card: libvirt takes it from its driver, and gives it back.
pub fn hostdev(vf: Bdf) -> String {
    let address = address(vf);
    format!(
        "<hostdev mode='subsystem' type='pci' managed='yes'>\n\
        \x20 <source>\n\
        \x20   {address}\n\
        \x20 </source>\n\
        </hostdev>\n"
    )
}

/// Where a function is.
pub(super) fn address(vf: Bdf) -> String {
    let Bdf {
        domain,
        bus,
        device,
        function,
    } = vf;
    format!(
        "<address type='pci' domain='{domain:#06x}' bus='{bus:#04x}' slot='{device:#04x}' function='{function:#x}'/>"
    )
}

/// A disk that was made to be emulated, past the host's cache and with the host's own queue, which is how it is fastest. Its blocks are
/// those of the device: QEMU looks at them only with DASDs and zoned devices (block/file-posix.c, `hdev_probe_blocksizes`).
pub fn virtio_disk(device: &str, block: u64) -> String {
    format!(
        "<disk type='block' device='disk'>\n\
        \x20 <driver name='qemu' type='raw' cache='none' io='native'/>\n\
        \x20 <source dev='{device}'/>\n\
        \x20 <blockio logical_block_size='{block}' physical_block_size='{block}'/>\n\
        \x20 <target dev='{TARGET}' bus='virtio'/>\n\
        \x20 <serial>{DISK_SERIAL}</serial>\n\
        </disk>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{TARGET, hostdev, virtio_disk};
    use crate::guest::Told;

    #[test]
    fn libvirts_own_words_lead_back() {
        let vf = "0000:01:00.2".parse().unwrap();
        let xml = format!(
            "<devices>{}{}</devices>",
            hostdev(vf),
            virtio_disk("/dev/nvme0n2", 4096)
        );
        let told = Told::parse(&xml).unwrap();
        let own = told.hostdev(vf).unwrap();
        assert_eq!((own.managed, &own.mac), (true, &None));
        assert_eq!(told.disks, [TARGET]);
        insta::assert_snapshot!(xml);
    }
}
