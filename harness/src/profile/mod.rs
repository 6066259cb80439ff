//! What a device is recognised by, what its vendor claims, and which of its faults are known.
//!
//! The text of a profile is checked as a whole ([`Profile::parse`]), so that its author sees every
//! error at once; what is left is a plain value. `profiles/README.md` explains every key.

mod choose;
mod diagnostics;
mod load;
mod parse;
mod problem;
mod repeated;
mod rules;
mod schema;
mod shape;
mod shipped;
mod structure;
pub(crate) mod suggest;
#[cfg(test)]
mod tests;

pub use choose::{Ambiguous, choose};
pub use diagnostics::Diagnostics;
pub use load::{LoadError, load};
pub use schema::schema;
pub use shipped::shipped;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One device family, as its TOML file describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The file's name without `.toml`: how the profile is called on the command line.
    #[serde(skip)]
    pub id: String,
    /// The name in the vendor's or the distribution's list.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What kind of device it is.
    pub kind: Kind,
    /// Where the device is listed, such as `RHEL 9, 14.7.3`.
    #[schemars(length(min = 1))]
    pub source: String,
    /// The PCI ids of its physical functions.
    #[serde(rename = "match")]
    #[schemars(length(min = 1))]
    pub matches: Vec<PciMatch>,
    /// The kernel drivers it needs.
    pub driver: Drivers,
    /// The PCI device ids its virtual functions may have; empty when nobody could verify them.
    #[serde(default)]
    pub vf_devices: Vec<u16>,
    /// The machine architectures it is not supported on, as `uname -m` prints them.
    #[serde(default)]
    pub unsupported_architectures: Vec<String>,
    /// What the vendor claims. Every claim is blocking.
    #[serde(default)]
    pub claims: Claims,
    /// Where each number of this file comes from, by its key (`total_vfs = "…"`).
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// Checks that are known to fail on this device; each must still fail.
    #[serde(default, rename = "known_issue")]
    pub known_issues: Vec<KnownIssue>,
    /// Warnings that no check can prove; they are printed in every report.
    #[serde(default, rename = "warning")]
    pub warnings: Vec<Warning>,
    /// Kernel log lines at warning level or worse that this device's driver logs in normal use.
    #[serde(default, rename = "kernel_log")]
    pub kernel_log: Vec<ExpectedLog>,
}

/// The two kinds of device there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A network adapter.
    Nic,
    /// An `NVMe` controller.
    Nvme,
}

/// The ids one physical function is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PciMatch {
    /// PCI vendor id.
    pub vendor: u16,
    /// PCI device id.
    pub device: u16,
    /// Subsystem vendor id; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subsystem_vendor: Option<u16>,
    /// Subsystem id; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subsystem_device: Option<u16>,
    /// Revision id; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u8>,
}

/// The kernel drivers of the two sides, by the names in `/sys/bus/pci/drivers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drivers {
    /// The physical function's.
    pub pf: String,
    /// The virtual functions'.
    pub vf: String,
}

/// What the vendor claims. An absent claim is not tested; a number nobody could verify is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// What `sriov_totalvfs` must say with the driver bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub total_vfs: Option<u16>,
    /// MSI-X vectors of each virtual function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2048))]
    pub vf_msix: Option<u16>,
    /// The largest MTU of the physical function, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 68, max = 65535))]
    pub max_mtu: Option<u32>,
    /// Reset methods that a virtual function must offer, by their names in `reset_method`.
    #[serde(default)]
    pub vf_reset: Vec<String>,
    /// How virtual functions are made persistent over a reboot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
    /// Attributes that `ip link set … vf` can set with effect.
    #[serde(default)]
    pub vf_attributes: Vec<VfAttribute>,
    /// Median throughput of a VF divided by that of an emulated e1000e.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf_over_emulated: Option<f64>,
    /// Median throughput of a VF divided by that of a virtio card, or of a virtio disk where it is a drive's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf_over_virtio: Option<f64>,
    /// Median throughput of a VF in a guest divided by that of the PF on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf_near_pf: Option<f64>,
    /// Median number of frames of a VF that arrive for each second that the host's processors are busy, divided by that of an
    /// emulated e1000e.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf_cpu_over_emulated: Option<f64>,
    /// Median time that a frame takes there and back by a virtio card, divided by what it takes by a VF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf_latency_over_virtio: Option<f64>,
}

/// How virtual functions are made persistent over a reboot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Persistence {
    /// By the udev rule of the RHEL text.
    Udev,
}

/// An attribute of a virtual function, by its word in `ip link set … vf N WORD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are iproute2's own")]
pub enum VfAttribute {
    Mac,
    Vlan,
    Qos,
    Spoofchk,
    Trust,
    MaxTxRate,
    MinTxRate,
    State,
    QueryRss,
}

/// A check that is known to fail on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownIssue {
    /// The check's id.
    pub check: String,
    /// The code of its finding that is known; whatever else the check finds is a failure. Any finding
    /// of the check where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// What goes wrong.
    pub reason: String,
    /// Who says so.
    pub source: String,
}

/// A warning that no check can prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// The warning.
    pub text: String,
    /// Who gives it.
    pub source: String,
}

/// A kernel log line that is normal for this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedLog {
    /// Text that the line contains.
    pub contains: String,
    /// Why it is harmless.
    pub reason: String,
}
