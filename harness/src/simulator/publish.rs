//! Shows the device in sysfs: writes what the kernel keeps about it into the tree.
//!
//! Source: Linux 6.12 Documentation/ABI/testing/sysfs-bus-pci and sysfs-class-net.

use std::fmt::Write as _;

use crate::pci::Bdf;

use super::World;
use super::config_space::{self, DEAD, PF_BAR_SIZE};
use super::driver::Express;
use super::fault::Fault;
use super::function::{Function, Interface};
use super::model::{PF, PORT, SIBLING, port_of};
use super::tree::File;

/// Where the root ports are, and below each what is behind it.
const ROOT: &str = "/sys/devices/pci0000:00";
/// From the folder of a function below the root port to `/sys`.
pub(super) const UP: &str = "../../../..";
/// `IORESOURCE_MEM | IORESOURCE_PREFETCH | IORESOURCE_MEM_64 | IORESOURCE_SIZEALIGN` of
/// include/linux/ioport.h, and the BAR's own low bits.
const MEMORY_FLAGS: u64 = 0x14_220c;

/// The folder of a function.
pub(super) fn folder(bdf: Bdf) -> String {
    if bdf.bus == PORT.bus {
        format!("{ROOT}/{bdf}")
    } else {
        format!("{ROOT}/{}/{bdf}", port_of(bdf))
    }
}

impl World {
    /// Shows the root port, and the sibling function where there is one.
    pub(super) fn publish_port(&mut self) {
        self.publish_bridge(PORT, self.model.buses(PF));
        if self.model.has(Fault::PfGroupShared) {
            let config = config_space::of_sibling(&self.model);
            let ids = &self.model.ids;
            self.publish_header(
                SIBLING,
                &config,
                [ids.vendor, ids.device, ids.vendor, 1],
                self.model.class(),
            );
            self.join_group(SIBLING);
        }
    }

    /// Shows a root port with the buses behind it.
    pub(super) fn publish_bridge(&mut self, bdf: Bdf, buses: [u8; 2]) {
        let config = config_space::of_port(&self.model, buses);
        self.publish_header(bdf, &config, [0x8086, 0x2030, 0x8086, 0x0000], 0x06_0400);
        for (name, bus) in ["secondary", "subordinate"].iter().zip(buses) {
            let path = format!("{}/{name}_bus_number", folder(bdf));
            self.tree.file(&path, format!("{bus}\n"));
        }
        self.join_group(bdf);
    }

    /// Shows the PF as it is now.
    pub(super) fn publish_pf(&mut self) {
        let pf = self.device.pf.clone();
        let config = self.device.config.clone();
        let ids = self.model.header_ids(self.model.ids.device);
        self.publish_header(pf.bdf, &config, ids, self.model.class());
        self.publish_function(&pf, self.model.pf_msix);
        self.publish_sriov();
    }

    /// Shows a VF as it is now. The kernel takes its ids from the PF and the SR-IOV capability.
    pub(super) fn publish_vf(&mut self, index: usize) {
        let Some(vf) = self.device.vfs.get(index).cloned() else {
            return;
        };
        let config = if vf.dead {
            DEAD.into()
        } else {
            self.vf_config.clone()
        };
        let ids = self.model.header_ids(self.model.vf_device);
        self.publish_header(vf.bdf, &config, ids, self.model.class());
        self.publish_function(&vf, self.model.vf_msix);
        if !self.model.has(Fault::PhysfnMissing) {
            let pf = format!("../{}", self.device.pf.bdf);
            self.tree.link(&format!("{}/physfn", folder(vf.bdf)), pf);
        }
        self.tree.link(
            &format!("{}/virtfn{index}", folder(self.device.pf.bdf)),
            format!("../{}", vf.bdf),
        );
    }

    /// Shows a function again after something about it has changed.
    pub(super) fn publish(&mut self, bdf: Bdf) {
        match self.device.vfs.iter().position(|vf| vf.bdf == bdf) {
            Some(index) => self.publish_vf(index),
            None => self.publish_pf(),
        }
    }

    /// Takes a VF out of sysfs.
    pub(super) fn withdraw_vf(&mut self, index: usize, bdf: Bdf, interface: Option<&Interface>) {
        self.withdraw_binding(bdf, interface);
        let pf = folder(self.device.pf.bdf);
        self.tree.remove(&format!("{pf}/virtfn{index}"));
        self.tree.remove(&format!("/sys/bus/pci/devices/{bdf}"));
        self.tree.remove(&folder(bdf));
        if let Some((group, empty)) = self.groups.remove(bdf) {
            self.tree
                .remove(&format!("/sys/kernel/iommu_groups/{group}/devices/{bdf}"));
            if empty {
                self.tree
                    .remove(&format!("/sys/kernel/iommu_groups/{group}"));
            }
        }
    }

    /// What the kernel has in `sriov_…`, and the capability in config space.
    pub(super) fn publish_sriov(&mut self) {
        let at = folder(self.device.pf.bdf);
        self.tree.file(
            &format!("{at}/config"),
            File::Bytes(self.device.config.as_slice().into()),
        );
        if !self.model.is_physfn() {
            return;
        }
        let layout = self.model.layout;
        for (name, value) in [
            ("totalvfs", self.device.total_vfs.to_string()),
            ("numvfs", self.device.num_vfs.to_string()),
            ("offset", layout.offset.to_string()),
            ("stride", layout.stride.to_string()),
            ("vf_device", format!("{:x}", self.model.vf_device)),
            (
                "drivers_autoprobe",
                u8::from(self.device.autoprobe).to_string(),
            ),
            ("vf_total_msix", "0".into()),
        ] {
            self.tree
                .file(&format!("{at}/sriov_{name}"), format!("{value}\n"));
        }
    }

    /// What every PCI function has. `ids` are vendor, device and the subsystem's two.
    pub(super) fn publish_header(&mut self, bdf: Bdf, config: &[u8], ids: [u16; 4], class: u32) {
        let at = folder(bdf);
        let tree = &mut self.tree;
        let below = at.trim_start_matches("/sys/");
        tree.link(
            &format!("/sys/bus/pci/devices/{bdf}"),
            format!("../../../{below}"),
        );
        tree.file(&format!("{at}/config"), File::Bytes(config.into()));
        for (name, id) in ["vendor", "device", "subsystem_vendor", "subsystem_device"]
            .iter()
            .zip(ids)
        {
            tree.file(&format!("{at}/{name}"), format!("{id:#06x}\n"));
        }
        tree.file(&format!("{at}/class"), format!("{class:#08x}\n"));
        tree.file(
            &format!("{at}/revision"),
            format!("{:#04x}\n", config.get(8).copied().unwrap_or_default()),
        );
        tree.file(&format!("{at}/numa_node"), "0\n");
        let [current, most] = [config_space::trained(&self.model), self.model.row.express];
        for (which, link) in [("current", current), ("max", most)] {
            tree.file(&format!("{at}/{which}_link_speed"), speed(link));
            tree.file(
                &format!("{at}/{which}_link_width"),
                format!("{}\n", link.width),
            );
        }
    }

    /// What the PF and its VFs have beside that.
    fn publish_function(&mut self, function: &Function, vectors: u16) {
        let at = folder(function.bdf);
        let resource = self.resource(function);
        let tree = &mut self.tree;
        tree.file(&format!("{at}/resource"), resource);
        tree.file(
            &format!("{at}/driver_override"),
            format!(
                "{}\n",
                function.driver_override.as_deref().unwrap_or("(null)")
            ),
        );
        tree.file(
            &format!("{at}/reset_method"),
            format!("{}\n", function.reset_methods.join(" ")),
        );
        tree.file(&format!("{at}/reset"), File::WRITE_ONLY);
        self.join_group(function.bdf);
        self.publish_binding(function, vectors);
    }

    /// Six BARs, the ROM, and of a PF the six VF BARs with room for all VFs
    /// (Linux 6.12 drivers/pci/pci-sysfs.c, `resource_show`).
    fn resource(&self, function: &Function) -> String {
        let mut ranges = [(0, 0); 13];
        let assigned = config_space::vf_bars(&self.model, self.device.number)
            .into_iter()
            .filter(|(_, address, _)| *address != 0);
        match function.index {
            None => {
                ranges[0] = (config_space::pf_bar(self.device.number), PF_BAR_SIZE);
                if self.model.is_physfn() {
                    assigned.for_each(|(bar, address, size)| {
                        ranges[7 + usize::from(bar)] =
                            (address, size * u64::from(self.model.hardware_vfs));
                    });
                }
            }
            Some(index) => assigned.for_each(|(bar, address, size)| {
                ranges[usize::from(bar)] = (address + size * u64::from(index), size);
            }),
        }
        ranges
            .iter()
            .fold(String::new(), |mut text, (start, size)| {
                let [end, flags] = if *size == 0 {
                    [0, 0]
                } else {
                    [start + size - 1, MEMORY_FLAGS]
                };
                let _ = writeln!(text, "{start:#018x} {end:#018x} {flags:#018x}");
                text
            })
    }

    pub(super) fn join_group(&mut self, bdf: Bdf) {
        let at = folder(bdf);
        let known = self.groups.of(bdf);
        let Some(group) = known.or_else(|| self.groups.add(&self.model, bdf)) else {
            return;
        };
        if known.is_none() && bdf.bus != PORT.bus {
            self.say(
                super::log::Level::Info,
                format!("pci {bdf}: Adding to iommu group {group}"),
            );
        }
        let up = if bdf.bus == PORT.bus { "../../.." } else { UP };
        self.tree.link(
            &format!("{at}/iommu_group"),
            format!("{up}/kernel/iommu_groups/{group}"),
        );
        let below = at.trim_start_matches("/sys/");
        self.tree.file(
            &format!("/sys/kernel/iommu_groups/{group}/type"),
            "identity\n",
        );
        self.tree.link(
            &format!("/sys/kernel/iommu_groups/{group}/devices/{bdf}"),
            format!("../../../../{below}"),
        );
    }
}

/// The words of Linux 6.12 drivers/pci/probe.c, `pci_speed_string`.
fn speed(link: Express) -> String {
    let speed = [
        "Unknown",
        "2.5 GT/s PCIe",
        "5.0 GT/s PCIe",
        "8.0 GT/s PCIe",
        "16.0 GT/s PCIe",
        "32.0 GT/s PCIe",
    ];
    format!(
        "{}\n",
        speed.get(usize::from(link.generation)).unwrap_or(&speed[0])
    )
}
