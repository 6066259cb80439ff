//! The lab as it was recorded: QEMU 11.1.3, Linux 6.12.117 of Debian 13, an igb and an `NVMe`
//! controller behind a root port each.

use super::Recorded;

pub(in crate::facts) const IGB: &str = "0000:01:00.0";
pub(in crate::facts) const NVME: &str = "0000:03:00.0";

const PCI: &str = "/sys/bus/pci/devices";

pub(in crate::facts) fn lab() -> Recorded {
    let host = commands(machine(Recorded::default()));
    let host = function(
        host,
        "0000:00:05.0",
        "",
        5,
        include_bytes!("../recorded/root-port.config"),
    );
    let host = function(
        host,
        "0000:00:07.0",
        "",
        7,
        include_bytes!("../recorded/root-port.config"),
    );
    let host = function(
        host,
        IGB,
        "0000:00:05.0/",
        9,
        include_bytes!("../recorded/igb.config"),
    );
    let host = function(
        host,
        NVME,
        "0000:00:07.0/",
        11,
        include_bytes!("../recorded/nvme.config"),
    );
    let host = port(port(host, "0000:00:05.0", "1"), "0000:00:07.0", "3");
    nvme(igb(host))
}

fn machine(host: Recorded) -> Recorded {
    host.file("/proc/cpuinfo", include_str!("../recorded/cpuinfo"))
        .file("/proc/interrupts", include_str!("../recorded/interrupts"))
        .file("/proc/mounts", include_str!("../recorded/mounts"))
        .file(
            "/proc/swaps",
            "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
        )
        .file(
            "/proc/cmdline",
            "console=ttyS0 root=/dev/vda rw intel_iommu=on iommu=pt mitigations=off\n",
        )
        .file("/proc/sys/kernel/osrelease", "6.12.117+deb13-amd64\n")
        .file("/etc/os-release", include_str!("../recorded/os-release"))
        .file("/sys/firmware/acpi/tables/APIC", "")
        .file(
            "/sys/firmware/acpi/tables/DMAR",
            include_bytes!("../recorded/dmar"),
        )
        .file("/dev/kvm", "")
        .link_to(
            "/sys/class/iommu/dmar0",
            "../../devices/virtual/iommu/dmar0",
        )
}

fn commands(host: Recorded) -> Recorded {
    host.prints("uname -m", "x86_64\n")
        .prints("id -u", "0\n")
        .prints(
            "modinfo -n vfio-pci",
            "/lib/modules/6.12.117+deb13-amd64/kernel/drivers/vfio/pci/vfio-pci.ko.xz\n",
        )
        .prints("virsh version", include_str!("../recorded/virsh-version"))
        .prints(
            "ethtool -i enp1s0",
            "driver: igb\nversion: 6.12.117+deb13-amd64\nfirmware-version: 2.1.0\n",
        )
        .prints("ip -j addr show", include_str!("../recorded/ip-addr.json"))
        .prints(
            "ip -j -d link show",
            include_str!("../recorded/ip-link.json"),
        )
        .prints("ip -j route show default", "[]\n")
        .prints("ip -6 -j route show default", "[]\n")
}

fn function(host: Recorded, bdf: &str, above: &str, group: u32, config: &[u8]) -> Recorded {
    let folder = format!("/sys/devices/pci0000:00/{above}{bdf}");
    let up = if above.is_empty() {
        "../../.."
    } else {
        "../../../.."
    };
    host.link_to(
        &format!("{PCI}/{bdf}"),
        &format!("../../../devices/pci0000:00/{above}{bdf}"),
    )
    .link_to(
        &format!("{folder}/iommu_group"),
        &format!("{up}/kernel/iommu_groups/{group}"),
    )
    .link_to(
        &format!("/sys/kernel/iommu_groups/{group}/devices/{bdf}"),
        "",
    )
    .file(&format!("{folder}/config"), config)
    .file(&format!("{folder}/numa_node"), "-1\n")
}

fn port(host: Recorded, bdf: &str, bus: &str) -> Recorded {
    let folder = format!("/sys/devices/pci0000:00/{bdf}");
    let ids = [
        ("vendor", "0x1b36\n"),
        ("device", "0x000c\n"),
        ("class", "0x060400\n"),
        ("revision", "0x00\n"),
    ];
    let subsystem = [
        ("subsystem_vendor", "0x1b36\n"),
        ("subsystem_device", "0x0000\n"),
    ];
    host.files(&folder, &ids)
        .files(&folder, &subsystem)
        .file(&format!("{folder}/subordinate_bus_number"), bus)
}

fn igb(host: Recorded) -> Recorded {
    let folder = format!("/sys/devices/pci0000:00/0000:00:05.0/{IGB}");
    host.link_to(
        &format!("{folder}/driver"),
        "../../../../bus/pci/drivers/igb",
    )
    .link_to("/sys/bus/pci/drivers/igb/module", "../../../../module/igb")
    .files(
        &folder,
        &[
            ("vendor", "0x8086\n"),
            ("device", "0x10c9\n"),
            ("class", "0x020000\n"),
            ("revision", "0x01\n"),
            ("subsystem_vendor", "0x1af4\n"),
            ("subsystem_device", "0x1100\n"),
            ("reset_method", "flr pm bus\n"),
            ("sriov_totalvfs", "7\n"),
            ("sriov_numvfs", "0\n"),
            ("sriov_offset", "128\n"),
            ("sriov_stride", "2\n"),
            ("sriov_vf_device", "10ca\n"),
            ("sriov_drivers_autoprobe", "1\n"),
            ("resource", include_str!("../recorded/igb-resource")),
        ],
    )
    .files(
        &format!("{folder}/net/enp1s0"),
        &[
            ("address", "52:54:00:00:01:01\n"),
            ("flags", "0x1003\n"),
            ("carrier", "1\n"),
            ("mtu", "1500\n"),
            ("speed", "1000\n"),
        ],
    )
}

fn nvme(host: Recorded) -> Recorded {
    let folder = format!("/sys/devices/pci0000:00/0000:00:07.0/{NVME}");
    host.link_to(
        &format!("{folder}/driver"),
        "../../../../bus/pci/drivers/nvme",
    )
    .files(
        &folder,
        &[
            ("vendor", "0x1b36\n"),
            ("device", "0x0010\n"),
            ("class", "0x010802\n"),
            ("revision", "0x02\n"),
            ("subsystem_vendor", "0x1af4\n"),
            ("subsystem_device", "0x1100\n"),
            ("reset_method", "flr bus\n"),
            ("sriov_totalvfs", "4\n"),
            ("sriov_numvfs", "0\n"),
            ("sriov_offset", "1\n"),
            ("sriov_stride", "1\n"),
            ("sriov_vf_device", "10\n"),
            ("sriov_drivers_autoprobe", "1\n"),
            ("resource", include_str!("../recorded/nvme-resource")),
        ],
    )
    .files(
        &format!("{folder}/nvme/nvme0"),
        &[
            ("firmware_rev", "11.1.3  \n"),
            ("model", "QEMU NVMe Ctrl                          \n"),
            ("serial", "LAB0                \n"),
            ("nvme0c0n1/size", "0\n"),
        ],
    )
}

/// With two VFs of the igb, both bound.
pub(in crate::facts) fn lab_with_vfs() -> Recorded {
    let vf = |host, bdf: &str, index, group: u32| {
        let folder = format!("/sys/devices/pci0000:00/0000:00:05.0/{bdf}");
        function(
            host,
            bdf,
            "0000:00:05.0/",
            group,
            include_bytes!("../recorded/igbvf.config"),
        )
        .link_to(
            &format!("{folder}/driver"),
            "../../../../bus/pci/drivers/igbvf",
        )
        .link_to(&format!("{folder}/physfn"), &format!("../{IGB}"))
        .link_to(
            &format!("/sys/devices/pci0000:00/0000:00:05.0/{IGB}/virtfn{index}"),
            &format!("../{bdf}"),
        )
        .file(&format!("{folder}/net/enp1s0v{index}/mtu"), "1500\n")
        .files(
            &folder,
            &[
                ("vendor", "0x8086\n"),
                ("device", "0x10ca\n"),
                ("class", "0x020000\n"),
                ("revision", "0x01\n"),
                ("subsystem_vendor", "0x1af4\n"),
                ("subsystem_device", "0x1100\n"),
            ],
        )
    };
    let pf = format!("/sys/devices/pci0000:00/0000:00:05.0/{IGB}");
    let host = lab().file(&format!("{pf}/sriov_numvfs"), "2\n");
    let host = host.file(
        &format!("{pf}/config"),
        include_bytes!("../recorded/igb-2-vfs.config"),
    );
    vf(vf(host, "0000:01:10.0", 0, 12), "0000:01:10.2", 1, 13)
}
