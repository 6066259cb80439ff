//! The machine around the device: firmware tables, kernel, distribution, tools. An Intel server
//! with Debian 13, whose kernel is the one that the semantics of this simulator are taken from.

use super::Tree;
use super::bound::PROCESSORS;
use super::fault::Fault;
use super::groups::has_iommu;
use super::model::{Model, PF};
use super::nvme::Namespaces;
use super::streams::{STAT, stat};
use super::tree::File;
use crate::profile::Kind;

/// The image of a guest system.
pub(super) const IMAGE: &str = "/var/lib/libvirt/images/simulated.qcow2";

/// Puts the machine's files in place.
pub(super) fn install(tree: &mut Tree, model: &Model) {
    system(tree, model);
    firmware(tree, model);
    vfio(tree, model);
    tree.folder("/dev");
    for device in ["kmsg", "null"] {
        tree.file(&format!("/dev/{device}"), "");
    }
    if model.kind == Kind::Nvme {
        // Also of those that nobody is attached to just now: nobody looks at them.
        for nsid in Namespaces::SCRATCH {
            tree.file(&format!("/dev/nvme0n{nsid}"), "");
        }
    }
    if !model.has(Fault::NoKvm) {
        tree.file("/dev/kvm", "");
    }
    tree.file("/proc/mounts", "/dev/vda1 / ext4 rw,relatime 0 0\n");
    tree.file(
        "/proc/swaps",
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
    );
    tree.folder("/sys/class/block");
    tree.folder("/sys/class/net");
    tree.folder("/sys/bus/pci/devices");
    tree.folder("/sys/bus/pci/drivers");
    tree.file("/sys/bus/pci/drivers_probe", File::WRITE_ONLY);
    tree.folder("/etc/udev/rules.d");
    tree.folder("/etc/systemd/system");
    tree.folder("/var/lib/libvirt/boot");
    tree.file(IMAGE, "an image");
    tree.folder("/var/log/libvirt/qemu");
    tree.folder("/run");
    tree.file("/run/libvirt/libvirt-sock", "");
    kernel_files(tree, model);
    tree.file("/usr/share/misc/pci.ids", pci_ids(model));
}

fn system(tree: &mut Tree, model: &Model) {
    tree.file(
        "/proc/sys/kernel/osrelease",
        format!("{}\n", model.kernel()),
    );
    tree.file(
        "/proc/sys/kernel/random/boot_id",
        format!("00000000-0000-4000-8000-{:012}\n", model.restarts),
    );
    tree.file("/proc/cmdline", command_line(model));
    tree.file(STAT, stat(0.0));
    tree.file(
        "/etc/os-release",
        "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"13\"\nID=debian\n",
    );
    tree.file(
        "/proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu msr apic sse2 ht lm vmx ept x2apic\n\n",
    );
    let last = PROCESSORS - 1;
    tree.file("/sys/devices/system/cpu/possible", format!("0-{last}\n"));
    tree.file("/proc/interrupts", interrupts(model));
}

/// The kernel and its modules, as far as a guest is made of them.
fn kernel_files(tree: &mut Tree, model: &Model) {
    let (kernel, folder) = (model.kernel(), format!("/lib/modules/{}", model.kernel()));
    tree.file("/proc/self/exe", "the program");
    tree.file(&format!("/boot/vmlinuz-{kernel}"), "the kernel");
    let driver = model.drivers[1].replace('-', "_");
    let has_driver = !model.has(Fault::GuestModuleMissing);
    let dep = if has_driver {
        format!("kernel/{driver}.ko:\n")
    } else {
        String::new()
    };
    let builtin = "kernel/virtio_pci.ko\nkernel/virtio_console.ko\nkernel/virtio_net.ko\nkernel/virtio_blk.ko\nkernel/virtio_balloon.ko\nkernel/e1000e.ko\n";
    tree.file(&format!("{folder}/kernel/{driver}.ko"), "a module");
    for (list, text) in [
        ("dep", dep),
        ("builtin", builtin.into()),
        ("softdep", String::new()),
        ("alias", String::new()),
    ] {
        tree.file(&format!("{folder}/modules.{list}"), text);
    }
}

fn command_line(model: &Model) -> String {
    let iommu = if model.has(Fault::IommuOff) {
        ""
    } else {
        " intel_iommu=on iommu=pt"
    };
    let acs = if model.has(Fault::AcsOverride) {
        " pcie_acs_override=downstream,multifunction"
    } else {
        ""
    };
    format!(
        "BOOT_IMAGE=/boot/vmlinuz-{} root=/dev/vda1 ro quiet{iommu}{acs}\n",
        model.kernel()
    )
}

/// The chips' names begin with `IR-` where interrupts are remapped, which `intel_iommu=off` does not
/// prevent (Linux 6.12 drivers/iommu/intel/irq_remapping.c, `intel_prepare_irq_remapping`; so seen in the lab).
fn interrupts(model: &Model) -> String {
    let remapped = !model.has(Fault::NoIommuTable) && !model.has(Fault::NoInterruptRemapping);
    let prefix = if remapped { "IR-" } else { "" };
    format!(
        "           CPU0       CPU1\n   1:          9          0  {prefix}IO-APIC   1-edge      i8042\n  32:       1066          0  \
         {prefix}PCI-MSIX-{PF}    0-edge      {}\n",
        model.drivers[0]
    )
}

fn firmware(tree: &mut Tree, model: &Model) {
    let tables = "/sys/firmware/acpi/tables";
    tree.file(&format!("{tables}/FACP"), "FACP");
    if !model.has(Fault::NoIommuTable) {
        let remapping = !model.has(Fault::NoInterruptRemapping);
        tree.file(
            &format!("{tables}/DMAR"),
            File::Bytes(dmar(remapping).into()),
        );
    }
    tree.folder("/sys/class/iommu");
    tree.folder("/sys/kernel/iommu_groups");
    if has_iommu(model) {
        tree.folder("/sys/devices/virtual/iommu/dmar0");
        tree.link(
            "/sys/class/iommu/dmar0",
            "../../devices/virtual/iommu/dmar0",
        );
    }
}

/// A DMAR with one unit for everything (Intel VT-d specification, chapter 8; Linux 6.12
/// include/acpi/actbl1.h, `acpi_table_dmar` and `acpi_dmar_hardware_unit`).
fn dmar(interrupt_remapping: bool) -> Vec<u8> {
    let mut table = Vec::new();
    table.extend(b"DMAR");
    table.extend(64_u32.to_le_bytes());
    table.extend([1, 0]); // revision, checksum
    table.extend(b"SIMUL SIMULATE");
    table.extend(1_u32.to_le_bytes());
    table.extend(b"SIMU");
    table.extend(1_u32.to_le_bytes());
    table.extend([46, u8::from(interrupt_remapping)]); // address width less one, ACPI_DMAR_INTR_REMAP
    table.extend([0; 10]);
    table.extend([0, 0, 16, 0, 1, 0, 0, 0]); // a DRHD, 16 bytes, ACPI_DMAR_INCLUDE_ALL, segment 0
    table.extend(0xfed9_0000_u64.to_le_bytes());
    let sum = table.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    table[9] = sum.wrapping_neg();
    table
}

fn vfio(tree: &mut Tree, model: &Model) {
    let flag = |fault| if model.has(fault) { "Y\n" } else { "N\n" };
    if model.has(Fault::NoVfio) {
        return;
    }
    tree.folder("/sys/module/vfio_pci/drivers");
    tree.file(
        "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
        flag(Fault::UnsafeInterrupts),
    );
    tree.file(
        "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
        flag(Fault::Noiommu),
    );
}

/// The device's name and nothing else.
fn pci_ids(model: &Model) -> String {
    let ids = &model.ids;
    let vendor = match ids.vendor {
        0x0001 => "Simulated",
        0x1077 => "QLogic Corp.",
        0x1179 => "Toshiba Corporation",
        0x144d => "Samsung Electronics Co Ltd",
        0x14e4 => "Broadcom Inc. and subsidiaries",
        0x15b3 => "Mellanox Technologies",
        0x1924 => "Solarflare Communications",
        0x1b36 => "Red Hat, Inc.",
        0x8086 => "Intel Corporation",
        _ => "Unknown vendor",
    };
    format!(
        "{:04x}  {vendor}\n\t{:04x}  {}\n",
        ids.vendor, ids.device, model.name
    )
}

#[cfg(test)]
mod tests {
    use super::dmar;
    use crate::acpi::Dmar;

    #[test]
    fn the_table_is_one_that_the_parser_takes() {
        for remapping in [false, true] {
            let table = Dmar::parse(&dmar(remapping)).unwrap();
            assert_eq!(
                (table.units.len(), table.interrupt_remapping),
                (1, remapping)
            );
        }
    }
}
