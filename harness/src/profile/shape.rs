//! The shape of a profile: every key, what it holds, and how it is written.
//!
//! This is the one list of keys besides the types themselves; a test holds the two together.

use std::ops::RangeInclusive;

/// A key of a table.
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What it holds.
    pub(super) shape: Shape,
    /// How it is written.
    pub(super) example: &'static str,
}

/// What a value may be.
pub(super) enum Shape {
    /// Text that is not blank.
    Text,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A whole number in decimal.
    Count(RangeInclusive<i128>),
    /// A PCI id, shown in hexadecimal.
    Id(RangeInclusive<i128>),
    /// A number above zero.
    Ratio,
    /// A list of values of one shape, each different.
    List(&'static Shape),
    /// A list that is not empty.
    Filled(&'static Shape),
    /// A table.
    Table(&'static [Key]),
}

const fn required(name: &'static str, shape: Shape, example: &'static str) -> Key {
    Key {
        name,
        required: true,
        shape,
        example,
    }
}

const fn optional(name: &'static str, shape: Shape, example: &'static str) -> Key {
    Key {
        name,
        required: false,
        shape,
        example,
    }
}

/// The keys of a profile.
pub(super) static PROFILE: &[Key] = &[
    required(
        "name",
        Shape::Text,
        r#"name = "Intel 82576 Gigabit Ethernet""#,
    ),
    required("kind", Shape::Word(&["nic", "nvme"]), r#"kind = "nic""#),
    required("source", Shape::Text, r#"source = "RHEL 9, 14.7.3""#),
    required(
        "match",
        Shape::Filled(&Shape::Table(MATCH)),
        "match = [{ vendor = 0x8086, device = 0x10c9 }]",
    ),
    required(
        "driver",
        Shape::Table(DRIVER),
        r#"driver = { pf = "igb", vf = "igbvf" }"#,
    ),
    optional("vf_devices", Shape::List(&ID), "vf_devices = [0x10ca]"),
    optional(
        "unsupported_architectures",
        Shape::List(&Shape::Word(ARCHITECTURES)),
        r#"unsupported_architectures = ["aarch64"]"#,
    ),
    optional("claims", Shape::Table(CLAIMS), "[claims]"),
    optional("sources", Shape::Table(SOURCES), "[sources]"),
    optional(
        "known_issue",
        Shape::List(&Shape::Table(KNOWN_ISSUE)),
        "[[known_issue]]",
    ),
    optional(
        "warning",
        Shape::List(&Shape::Table(WARNING)),
        "[[warning]]",
    ),
    optional(
        "kernel_log",
        Shape::List(&Shape::Table(KERNEL_LOG)),
        "[[kernel_log]]",
    ),
];

/// What `uname -m` prints, for the architectures that SR-IOV hosts have.
const ARCHITECTURES: &[&str] = &[
    "aarch64",
    "armv7l",
    "i686",
    "loongarch64",
    "ppc64le",
    "riscv64",
    "s390x",
    "x86_64",
];

static ID: Shape = Shape::Id(0..=0xffff);

/// No vendor is 0, and 0xffff is what config space reads as where there is no device.
const VENDOR: Shape = Shape::Id(1..=0xfffe);

static MATCH: &[Key] = &[
    required("vendor", VENDOR, "vendor = 0x8086"),
    required("device", Shape::Id(0..=0xffff), "device = 0x10c9"),
    optional("subsystem_vendor", VENDOR, "subsystem_vendor = 0x8086"),
    optional(
        "subsystem_device",
        Shape::Id(0..=0xffff),
        "subsystem_device = 0xa03c",
    ),
    optional("revision", Shape::Id(0..=0xff), "revision = 0x01"),
];

static DRIVER: &[Key] = &[
    required("pf", Shape::Text, r#"pf = "igb""#),
    required("vf", Shape::Text, r#"vf = "igbvf""#),
];

/// The claims.
pub(super) static CLAIMS: &[Key] = &[
    optional("total_vfs", Shape::Count(1..=0xffff), "total_vfs = 7"),
    // The table size field of MSI-X has 11 bits and holds one less (PCI 3.0, 6.8.2.3).
    optional("vf_msix", Shape::Count(1..=2048), "vf_msix = 3"),
    // ETH_MIN_MTU and ETH_MAX_MTU of Linux (include/uapi/linux/if_ether.h).
    optional("max_mtu", Shape::Count(68..=0xffff), "max_mtu = 9216"),
    optional(
        "vf_reset",
        Shape::List(&Shape::Word(RESET_METHODS)),
        r#"vf_reset = ["flr"]"#,
    ),
    optional(
        "persistence",
        Shape::Word(&["udev"]),
        r#"persistence = "udev""#,
    ),
    optional(
        "vf_attributes",
        Shape::List(&Shape::Word(ATTRIBUTES)),
        r#"vf_attributes = ["mac", "vlan"]"#,
    ),
    optional("vf_over_emulated", Shape::Ratio, "vf_over_emulated = 2.0"),
    optional("vf_over_virtio", Shape::Ratio, "vf_over_virtio = 1.5"),
    optional("vf_near_pf", Shape::Ratio, "vf_near_pf = 0.9"),
    optional(
        "vf_cpu_over_emulated",
        Shape::Ratio,
        "vf_cpu_over_emulated = 3.0",
    ),
    optional(
        "vf_latency_over_virtio",
        Shape::Ratio,
        "vf_latency_over_virtio = 1.5",
    ),
];

/// The names of `pci_reset_fn_methods` (Linux 6.12 drivers/pci/pci.c).
const RESET_METHODS: &[&str] = &[
    "device_specific",
    "acpi",
    "flr",
    "af_flr",
    "pm",
    "bus",
    "cxl_bus",
];

/// The words of [`VfAttribute`](super::VfAttribute).
pub(super) const ATTRIBUTES: &[&str] = &[
    "mac",
    "vlan",
    "qos",
    "spoofchk",
    "trust",
    "max_tx_rate",
    "min_tx_rate",
    "state",
    "query_rss",
];

/// The keys whose origin can be given: every claim, and the ids.
pub(super) static SOURCES: &[Key] = &[
    optional(
        "match",
        Shape::Text,
        r#"match = "pci.ids; Linux 6.12 drivers/…""#,
    ),
    optional(
        "vf_devices",
        Shape::Text,
        r#"vf_devices = "Linux 6.12 drivers/…""#,
    ),
    optional(
        "total_vfs",
        Shape::Text,
        r#"total_vfs = "Linux 6.12 drivers/…""#,
    ),
    optional(
        "vf_msix",
        Shape::Text,
        r#"vf_msix = "data sheet, section …""#,
    ),
    optional(
        "max_mtu",
        Shape::Text,
        r#"max_mtu = "Linux 6.12 drivers/…""#,
    ),
    optional(
        "vf_reset",
        Shape::Text,
        r#"vf_reset = "Linux 6.12 drivers/…""#,
    ),
    optional(
        "persistence",
        Shape::Text,
        r#"persistence = "RHEL 9, 14.7.2""#,
    ),
    optional(
        "vf_attributes",
        Shape::Text,
        r#"vf_attributes = "Linux 6.12 drivers/…""#,
    ),
    optional(
        "vf_over_emulated",
        Shape::Text,
        r#"vf_over_emulated = "measured …""#,
    ),
    optional(
        "vf_over_virtio",
        Shape::Text,
        r#"vf_over_virtio = "measured …""#,
    ),
    optional("vf_near_pf", Shape::Text, r#"vf_near_pf = "measured …""#),
    optional(
        "vf_cpu_over_emulated",
        Shape::Text,
        r#"vf_cpu_over_emulated = "measured …""#,
    ),
    optional(
        "vf_latency_over_virtio",
        Shape::Text,
        r#"vf_latency_over_virtio = "measured …""#,
    ),
];

static KNOWN_ISSUE: &[Key] = &[
    required("check", Shape::Text, r#"check = "persist::udev_rule""#),
    optional("finding", Shape::Text, r#"finding = "vfs-lost-at-restart""#),
    required("reason", Shape::Text, r#"reason = "…""#),
    required("source", Shape::Text, r#"source = "RHEL 9, 14.7.2""#),
];

static WARNING: &[Key] = &[
    required("text", Shape::Text, r#"text = "…""#),
    required("source", Shape::Text, r#"source = "RHEL 9, 14.7.2""#),
];

static KERNEL_LOG: &[Key] = &[
    required(
        "contains",
        Shape::Text,
        r#"contains = "attempted to set invalid MAC filter""#,
    ),
    required("reason", Shape::Text, r#"reason = "…""#),
];

/// The names of some keys.
pub(super) fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}
