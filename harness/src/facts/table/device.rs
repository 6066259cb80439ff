//! The rows of a device.

use super::Row;
use crate::facts::{
    DeviceFacts, Driver, IommuGroup, NetFacts, NvmeFacts, Port, SriovFacts, VfFacts,
};
use crate::pci::capability::{Acs, AcsControl, Express, Link, PortType};

/// What is said of a device. The row about its driver is the caller's.
pub(super) fn rows(device: &DeviceFacts, driver: Option<Row>) -> Vec<Row> {
    let mut rows = identity(device);
    rows.extend(driver);
    rows.extend(place(device));
    rows.extend(offers(device));
    rows.extend(trouble(device));
    rows
}

fn identity(device: &DeviceFacts) -> Vec<Row> {
    let ids = device.ids;
    let text = format!(
        "{:04x}:{:04x}, subsystem {:04x}:{:04x}, class {:06x}, revision {:02x}",
        ids.vendor, ids.device, ids.subsystem_vendor, ids.subsystem_device, ids.class, ids.revision
    );
    let mut rows = vec![("ids", text)];
    let serial = device.capabilities.serial.as_ref();
    rows.extend(serial.map(|serial| ("serial number", serial.number.clone())));
    rows.extend(device.physfn.map(|pf| ("VF of", pf.to_string())));
    rows
}

/// Where it sits in the machine.
fn place(device: &DeviceFacts) -> Vec<Row> {
    let mut rows = Vec::new();
    let link = device.capabilities.express.as_ref().and_then(link);
    rows.extend(link.map(|link| ("PCIe link", link)));
    rows.extend(device.numa_node.map(|node| ("NUMA node", node.to_string())));
    let group = device.iommu_group.as_ref();
    rows.extend(group.map(|group| ("IOMMU group", group_members(device, group))));
    rows.extend(device.path.iter().map(|port| ("upstream", upstream(port))));
    rows
}

/// What can be done with it, and what there is of that.
fn offers(device: &DeviceFacts) -> Vec<Row> {
    let mut rows: Vec<Row> = sriov(device)
        .into_iter()
        .map(|text| ("SR-IOV", text))
        .collect();
    let msix = device.capabilities.msix.as_ref();
    rows.extend(msix.map(|msix| ("MSI-X", format!("{} vectors", msix.vectors))));
    let resets = (!device.reset_methods.is_empty()).then(|| device.reset_methods.join(" "));
    rows.extend(resets.map(|methods| ("reset", methods)));
    rows.extend(device.vfs.iter().map(|vf| ("VFs", function(vf))));
    rows.extend(device.net.iter().map(|net| ("interface", interface(net))));
    let nvme = device.nvme.as_ref();
    rows.extend(nvme.map(|nvme| ("NVMe", controller(nvme))));
    rows
}

fn controller(nvme: &NvmeFacts) -> String {
    format!(
        "{} {}, serial number {}",
        nvme.name, nvme.model, nvme.serial
    )
}

/// What is wrong with it, could not be read, or keeps others off.
fn trouble(device: &DeviceFacts) -> Vec<Row> {
    let capabilities = &device.capabilities;
    let mut rows: Vec<Row> = capabilities
        .anomalies
        .iter()
        .map(|anomaly| ("broken", anomaly.to_string()))
        .collect();
    let unread = "part of config space: what is missing above may be there";
    rows.extend((!capabilities.complete).then(|| ("unread", unread.into())));
    let reasons = device.in_use.iter().cloned();
    rows.extend(reasons.map(|reason| ("in use", reason)));
    rows
}

pub(super) fn driver(driver: &Driver) -> String {
    let version = driver.version.as_ref().map_or_else(
        || "of the kernel".to_owned(),
        |version| format!("version {version}"),
    );
    let firmware = driver
        .firmware
        .as_ref()
        .map(|firmware| format!(", firmware {firmware}"))
        .unwrap_or_default();
    format!("{} {version}{firmware}", driver.name)
}

fn link(express: &Express) -> Option<String> {
    let (now, most) = (express.link_status?, express.link_capability?);
    let of_most = if now == most {
        ", its most".to_owned()
    } else {
        format!(" of {}", speed_and_width(most))
    };
    Some(format!("{}{of_most}", speed_and_width(now)))
}

fn speed_and_width(link: Link) -> String {
    let speed = link
        .speed
        .map_or_else(|| "unknown speed".to_owned(), |speed| speed.to_string());
    format!("{speed} x{}", link.width)
}

fn group_members(device: &DeviceFacts, group: &IommuGroup) -> String {
    let others: Vec<String> = group
        .members
        .iter()
        .filter(|member| **member != device.bdf)
        .map(ToString::to_string)
        .collect();
    if others.is_empty() {
        format!("{}, alone", group.id)
    } else {
        format!("{}, with {}", group.id, others.join(" "))
    }
}

fn upstream(port: &Port) -> String {
    let kind = match port
        .capabilities
        .express
        .as_ref()
        .map(|express| express.port)
    {
        Some(PortType::RootPort) => "root port",
        Some(PortType::UpstreamPort) => "upstream port of a switch",
        Some(PortType::DownstreamPort) => "downstream port of a switch",
        _ => "bridge",
    };
    let acs = match &port.capabilities.acs {
        Some(acs) => acs_controls(acs),
        None if port.capabilities.complete => "no ACS".to_owned(),
        None => "ACS unread".to_owned(),
    };
    format!("{} {kind}, {acs}", port.bdf)
}

/// As `lspci -vv` prints what is switched on.
fn acs_controls(acs: &Acs) -> String {
    let sign = |control| {
        if acs.enabled.contains(control) {
            '+'
        } else {
            '-'
        }
    };
    let words: Vec<String> = AcsControl::REQUIRED
        .iter()
        .map(|control| format!("{}{}", control.name(), sign(control)))
        .collect();
    format!("ACS {}", words.join(" "))
}

fn sriov(device: &DeviceFacts) -> Vec<String> {
    let capability = device.capabilities.sriov.as_ref();
    let hardware = capability.map(|sriov| {
        format!(
            "{} VFs in hardware, device {:04x}",
            sriov.total_vfs, sriov.vf_device
        )
    });
    let kernel = device.sriov.as_ref().map(kernel_sriov);
    let silent = capability.filter(|_| device.sriov.is_none() && device.driver.is_some());
    let silent = silent.map(|_| "the kernel does not offer it: see dmesg for `SR-IOV`".to_owned());
    let registers = capability.filter(|_| device.sriov.is_none());
    let registers = registers.map(|sriov| {
        format!(
            "offset {}, stride {}",
            sriov.first_vf_offset, sriov.vf_stride
        )
    });
    hardware
        .into_iter()
        .chain(kernel)
        .chain(registers)
        .chain(silent)
        .collect()
}

fn kernel_sriov(sriov: &SriovFacts) -> String {
    let autoprobe = if sriov.drivers_autoprobe {
        ""
    } else {
        ", drivers not probed"
    };
    let SriovFacts {
        totalvfs,
        numvfs,
        offset,
        stride,
        ..
    } = sriov;
    format!("{totalvfs} allowed, {numvfs} enabled, offset {offset}, stride {stride}{autoprobe}")
}

fn function(vf: &VfFacts) -> String {
    let driver = vf.driver.as_deref().unwrap_or("no driver");
    let group = vf.iommu_group.map_or_else(
        || "no IOMMU group".to_owned(),
        |group| format!("IOMMU group {group}"),
    );
    format!("{} {}, {driver}, {group}", vf.index, vf.bdf)
}

fn interface(net: &NetFacts) -> String {
    let state = match (net.up, net.carrier) {
        (false, _) => "down",
        (true, Some(true)) => "up",
        (true, _) => "up without a link",
    };
    let speed = net
        .speed
        .map(|speed| format!(", {speed} Mbit/s"))
        .unwrap_or_default();
    format!("{} {}, {state}{speed}, MTU {}", net.name, net.mac, net.mtu)
}
