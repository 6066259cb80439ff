//! Everything read before anything is touched.
//!
//! Facts hold only what stays the same while nobody changes the machine, so that the facts at the
//! end of a run can be compared with those at its start.

mod boot;
mod command;
mod compare;
mod device;
mod draft;
mod dump;
mod environment;
mod host;
mod in_use;
mod iommu;
mod kind;
mod list;
mod names;
mod net;
mod nvme;
pub(crate) mod read;
mod sriov;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod vf_windows;

use serde::{Deserialize, Serialize};

pub use boot::boot;
pub use compare::{compare, reread};
pub use device::{device, driver, sriov_devices};
pub use draft::draft;
pub use dump::dump;
pub use environment::environment;
pub use host::host;
pub(crate) use in_use::{namespaces_in_use, parse_namespace};
pub use iommu::iommu_group;
pub use kind::of_kind;
pub use list::list;
pub use names::names;
pub use net::net;
pub(crate) use net::{interface, master, net_of_address, vf_info};
pub use nvme::nvme;
pub(crate) use nvme::{
    attached, block_device, identify_namespace, may_be_reset, namespaces, primary_capabilities,
    secondaries,
};
pub use sriov::{driver_name, sriov, vfs};
pub use table::{devices_table, table};

use crate::nvme::SecondaryController;
use crate::pci::{Bdf, Capabilities, PciIds};

/// What is known of a device and of the machine it sits in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The machine.
    pub host: HostFacts,
    /// The device.
    pub device: DeviceFacts,
    /// Another PF of the same kind that is free, and a device of the same run: its checks may change that one too.
    #[serde(default)]
    pub second: Option<Box<DeviceFacts>>,
}

/// What is known of a machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostFacts {
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub architecture: String,
    /// The kernel's command line.
    pub command_line: String,
    /// From `/etc/os-release`.
    pub distribution: Distribution,
    /// From `/proc/cpuinfo`.
    pub cpu: Cpu,
    /// The IOMMU, in firmware and in the kernel.
    pub iommu: IommuFacts,
    /// The vfio modules.
    pub vfio: VfioFacts,
    /// Whether `/dev/kvm` exists.
    pub kvm: bool,
    /// What `virsh version` and the emulator print, where they are installed.
    pub virtualization: Virtualization,
    /// Whether the reader was root. Without it most of config space and all of ACPI stay closed.
    pub root: bool,
}

/// From `/etc/os-release` (`os-release(5)`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// `ID`.
    pub id: String,
    /// `ID_LIKE`.
    pub like: Vec<String>,
    /// `VERSION_ID`.
    pub version: String,
    /// `PRETTY_NAME`.
    pub name: String,
}

impl Distribution {
    /// Whether remedies are to be given in Debian's terms rather than in RHEL's.
    pub fn is_debian_family(&self) -> bool {
        std::iter::once(&self.id)
            .chain(&self.like)
            .any(|id| id == "debian" || id == "ubuntu")
    }
}

/// From `/proc/cpuinfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// `vendor_id`: `GenuineIntel`, `AuthenticAMD`; the implementer's number on ARM.
    pub vendor: String,
    /// `model name`; empty on ARM.
    pub model: String,
    /// `vmx` or `svm` among the flags.
    pub virtualization: bool,
    /// This machine is itself virtual: the flag `hypervisor` on x86, the firmware's name for the
    /// machine on ARM.
    pub hypervisor: bool,
}

/// The IOMMU, in firmware and in the kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IommuFacts {
    /// The ACPI table that describes it.
    pub table: Option<IommuTable>,
    /// Why the table could not be read, where it is there.
    pub table_error: Option<String>,
    /// The kernel's IOMMU devices, from `/sys/class/iommu`.
    pub units: Vec<String>,
    /// How many groups `/sys/kernel/iommu_groups` holds.
    pub groups: usize,
    /// Interrupt chips in `/proc/interrupts` show remapping (`IR-` on x86, `ITS` on ARM).
    pub interrupt_remapping: bool,
}

/// The ACPI table that describes the IOMMU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IommuTable {
    /// What hardware it describes.
    pub kind: IommuKind,
    /// How many remapping units it lists.
    pub units: usize,
    /// Whether firmware says that interrupts can be remapped; `None` where the table does not say.
    pub interrupt_remapping: Option<bool>,
}

/// The three IOMMUs this tool knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IommuKind {
    /// Intel VT-d, table DMAR.
    #[serde(rename = "VT-d")]
    VtD,
    /// AMD-Vi, table IVRS.
    #[serde(rename = "AMD-Vi")]
    AmdVi,
    /// ARM SMMU, table IORT.
    #[serde(rename = "SMMU")]
    Smmu,
}

/// The vfio modules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfioFacts {
    /// `vfio-pci` is loaded, built in or can be loaded.
    pub available: bool,
    /// Parameter `allow_unsafe_interrupts` of `vfio_iommu_type1`, where the module is loaded.
    pub unsafe_interrupts: Option<bool>,
    /// Parameter `enable_unsafe_noiommu_mode` of `vfio`, where the module is loaded and has it.
    pub noiommu: Option<bool>,
}

/// The tools that hand a VF to a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Virtualization {
    /// The version of the libvirt that answers, from `virsh version`.
    pub libvirt: Option<String>,
    /// The version of QEMU that libvirt uses, from `virsh version`.
    pub qemu: Option<String>,
    /// What `virsh` complained, where it did not answer.
    pub error: Option<String>,
}

/// What is known of one PCI function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// Its address.
    pub bdf: Bdf,
    /// Its ids.
    pub ids: PciIds,
    /// The same ids as its config space has them; `None` where even its header is not readable.
    pub config_ids: Option<PciIds>,
    /// Vendor and device by name, from pci.ids.
    pub name: String,
    /// What its config space says.
    pub capabilities: Capabilities,
    /// The bridges above it, from the root port down to the one it sits behind.
    pub path: Vec<Port>,
    /// The bound driver.
    pub driver: Option<Driver>,
    /// Its IOMMU group.
    pub iommu_group: Option<IommuGroup>,
    /// Its NUMA node; `None` where the machine has none.
    pub numa_node: Option<u32>,
    /// The address of its PF, if it is a VF.
    pub physfn: Option<Bdf>,
    /// What sysfs says of SR-IOV; `None` where the kernel sees no usable capability.
    pub sriov: Option<SriovFacts>,
    /// The memory the kernel has set aside for its virtual functions, by BAR.
    pub vf_windows: Vec<VfWindow>,
    /// Its virtual functions, by index.
    pub vfs: Vec<VfFacts>,
    /// Its network interfaces.
    pub net: Vec<NetFacts>,
    /// Its `NVMe` controller.
    pub nvme: Option<Box<NvmeFacts>>,
    /// The reset methods the kernel has for it.
    pub reset_methods: Vec<String>,
    /// Why nobody may touch it, one sentence a reason. Empty for a device that is free.
    pub in_use: Vec<String>,
}

impl DeviceFacts {
    /// The number that tells this specimen from others: the controller's, else the function's.
    pub fn serial(&self) -> Option<String> {
        let controller = self.nvme.as_ref().map(|nvme| nvme.serial.clone());
        let function = || Some(self.capabilities.serial.as_ref()?.number.clone());
        controller.or_else(function)
    }
}

/// A bridge above the device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// Its address.
    pub bdf: Bdf,
    /// What its config space says.
    pub capabilities: Capabilities,
    /// The last bus number behind it (`subordinate_bus_number` in sysfs).
    pub subordinate_bus: u8,
}

/// A bound driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    /// Its name in `/sys/bus/pci/drivers`.
    pub name: String,
    /// The module's version, where it has one.
    pub version: Option<String>,
    /// The firmware's version, from `ethtool -i` or the `NVMe` controller.
    pub firmware: Option<String>,
}

/// An IOMMU group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IommuGroup {
    /// Its number.
    pub id: u32,
    /// Everything in it, sorted, the device itself included.
    pub members: Vec<Bdf>,
}

/// What sysfs says of SR-IOV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the field names are sysfs's own without `sriov_`"
)]
pub struct SriovFacts {
    pub totalvfs: u16,
    pub numvfs: u16,
    pub offset: u16,
    pub stride: u16,
    pub vf_device: u16,
    pub drivers_autoprobe: bool,
}

/// The memory that one BAR of all virtual functions together has.
///
/// Lines 8 to 13 of `resource` in sysfs hold one each. A BAR without an address is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfWindow {
    /// Which of the six BARs; a 64-bit one takes two and has its window at the first.
    pub bar: u8,
    /// The first byte's address.
    pub start: u64,
    /// The last byte's address.
    pub end: u64,
}

impl VfWindow {
    /// In bytes.
    pub fn size(&self) -> u64 {
        self.end.saturating_sub(self.start).saturating_add(1)
    }
}

/// A virtual function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VfFacts {
    /// Its index: the number of the PF's `virtfn` link.
    pub index: u16,
    /// Its address.
    pub bdf: Bdf,
    /// The bound driver.
    pub driver: Option<String>,
    /// The number of its IOMMU group.
    pub iommu_group: Option<u32>,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetFacts {
    /// Its name.
    pub name: String,
    /// Its address.
    pub mac: String,
    /// `IFF_UP`.
    pub up: bool,
    /// It sees a link partner; `None` while it is down, when the kernel does not say.
    pub carrier: Option<bool>,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// In Mbit/s; `None` while there is no link.
    pub speed: Option<u32>,
}

/// An `NVMe` controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NvmeFacts {
    /// Its name, such as `nvme0`.
    pub name: String,
    /// The model, trimmed.
    pub model: String,
    /// The serial number, trimmed.
    pub serial: String,
    /// The firmware revision, trimmed.
    pub firmware: String,
    /// Its secondary controllers, where it can have VFs.
    #[serde(default)]
    pub secondaries: Vec<SecondaryController>,
    /// How many flexible VQ and VI it has itself, where it can have VFs.
    #[serde(default)]
    pub held: [u16; 2],
    /// Whether it attaches and detaches namespaces; `None` where it does not say, or was not asked.
    #[serde(default)]
    pub attaches: Option<bool>,
    /// Its namespaces, attached or not, and the controllers that each is attached to; of one that can have VFs.
    #[serde(default)]
    pub namespaces: Vec<(u32, Vec<u16>)>,
    /// Why it could not be asked for them.
    #[serde(default)]
    pub unasked: Option<String>,
}
