//! Reads what is to be known of one PCI function.

use std::io;

use futures_util::future::{try_join, try_join_all, try_join3};

use super::in_use::Usage;
use super::nvme::with_secondaries;
use super::vf_windows::vf_windows;
use super::{DeviceFacts, Driver, NetFacts, Port, command, list, read};
use super::{iommu_group, net, nvme, sriov, vfs};
use crate::machine::Host;
use crate::pci::{Bdf, Capabilities, ConfigSpace, Names, PciIds};
use crate::sysfs;

/// Reads everything about a PCI function. That it is a VF is a fact like any other ([`DeviceFacts::physfn`]).
pub async fn device(host: &dyn Host, bdf: Bdf, names: &Names) -> io::Result<DeviceFacts> {
    let (facts, usage) = try_join(observe(host, bdf), Usage::read(host)).await?;
    complete(host, facts, names, &usage).await
}

/// Everything about every PCI function of a machine that can have VFs, by address.
pub async fn sriov_devices(host: &dyn Host, names: &Names) -> io::Result<Vec<DeviceFacts>> {
    let functions = list::functions(host).await?;
    let candidates = functions.iter().filter(|function| function.is_candidate());
    let observed = try_join_all(candidates.map(|function| observe(host, function.bdf)));
    let (observed, usage) = try_join(observed, Usage::read(host)).await?;
    let mut devices = Vec::new();
    for facts in observed {
        if facts.sriov.is_some() || facts.capabilities.sriov.is_some() {
            devices.push(complete(host, facts, names, &usage).await?);
        }
    }
    Ok(devices)
}

async fn complete(
    host: &dyn Host,
    mut facts: DeviceFacts,
    names: &Names,
    usage: &Usage,
) -> io::Result<DeviceFacts> {
    facts.name = names.function(facts.ids.vendor, facts.ids.device);
    facts.in_use = usage.reasons(host, &facts).await?;
    Ok(facts)
}

/// All that the function itself says: everything but its name and who uses it.
pub(super) async fn observe(host: &dyn Host, bdf: Bdf) -> io::Result<DeviceFacts> {
    let (ids, config, path) = try_join3(ids(host, bdf), config(host, bdf), path(host, bdf)).await?;
    let (net, nvme) = try_join(net(host, bdf), nvme(host, bdf)).await?;
    let sriov = sriov(host, bdf).await?;
    let nvme = match nvme {
        Some(nvme) if sriov.is_some() => Some(with_secondaries(host, nvme).await),
        other => other,
    };
    let nvme = nvme.map(Box::new);
    let numa_node: i32 = read::decimal(host, &sysfs::attribute(bdf, "numa_node"))
        .await
        .unwrap_or(-1);
    let driver = driver(host, bdf).await?;
    Ok(DeviceFacts {
        bdf,
        ids,
        config_ids: config.header().as_ref().map(PciIds::from),
        name: String::new(),
        capabilities: Capabilities::read(&config),
        path,
        driver: driver_with_firmware(
            host,
            driver,
            &net,
            nvme.as_ref().map(|nvme| nvme.firmware.clone()),
        )
        .await,
        iommu_group: iommu_group(host, bdf).await?,
        numa_node: u32::try_from(numa_node).ok(),
        physfn: physfn(host, bdf).await?,
        sriov,
        vf_windows: vf_windows(host, bdf).await?,
        vfs: vfs(host, bdf).await?,
        net,
        nvme,
        reset_methods: reset_methods(host, bdf).await?,
        in_use: Vec::new(),
    })
}

/// The ids of a PCI function. The first thing that is read of it, so the place to say that it is not there.
pub(super) async fn ids(host: &dyn Host, bdf: Bdf) -> io::Result<PciIds> {
    let path = |name: &str| sysfs::attribute(bdf, name);
    if read::optional(host, &path("vendor")).await?.is_none() {
        let text = format!(
            "there is no PCI function {bdf} on this machine; `lspci -D` lists those there are"
        );
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    Ok(PciIds {
        vendor: read::hex(host, &path("vendor")).await?,
        device: read::hex(host, &path("device")).await?,
        subsystem_vendor: read::hex(host, &path("subsystem_vendor")).await?,
        subsystem_device: read::hex(host, &path("subsystem_device")).await?,
        class: read::hex(host, &path("class")).await?,
        revision: read::hex(host, &path("revision")).await?,
    })
}

/// The address of the PF that a VF belongs to.
pub(super) async fn physfn(host: &dyn Host, bdf: Bdf) -> io::Result<Option<Bdf>> {
    let target = read::target(host, &sysfs::attribute(bdf, "physfn")).await?;
    Ok(target.and_then(|name| name.parse().ok()))
}

async fn config(host: &dyn Host, bdf: Bdf) -> io::Result<ConfigSpace> {
    let path = sysfs::attribute(bdf, "config");
    match host.read(&path).await {
        Ok(bytes) => Ok(ConfigSpace::new(bytes)),
        // `ids` says it better.
        Err(error) if read::is_absent(&error) => Ok(ConfigSpace::new(Vec::new())),
        Err(error) => Err(read::named(&path, &error)),
    }
}

/// The bridges above a function, from the root port down.
async fn path(host: &dyn Host, bdf: Bdf) -> io::Result<Vec<Port>> {
    let link = match host.link(&sysfs::device(bdf)).await {
        Ok(link) => link,
        Err(error) if read::is_absent(&error) => String::new(),
        Err(error) => return Err(read::named(&sysfs::device(bdf), &error)),
    };
    let mut ports = Vec::new();
    for bdf in parse_path(&link) {
        ports.push(Port {
            bdf,
            capabilities: Capabilities::read(&config(host, bdf).await?),
            subordinate_bus: read::decimal(host, &sysfs::attribute(bdf, "subordinate_bus_number"))
                .await?,
        });
    }
    Ok(ports)
}

/// The addresses between the root complex and the function itself in a path such as
/// `../../../devices/pci0000:00/0000:00:03.0/0000:01:00.0`. What stands before the last root
/// complex is no bridge: Intel VMD has its own root complex below an endpoint.
fn parse_path(link: &str) -> Vec<Bdf> {
    let parts: Vec<&str> = link.split('/').collect();
    let root = parts
        .iter()
        .rposition(|part| part.starts_with("pci"))
        .unwrap_or(0);
    let mut bridges: Vec<Bdf> = parts[root..]
        .iter()
        .filter_map(|part| part.parse().ok())
        .collect();
    bridges.pop();
    bridges
}

/// The driver that is bound to a PCI function, without its firmware's version.
pub async fn driver(host: &dyn Host, bdf: Bdf) -> io::Result<Option<Driver>> {
    let link = sysfs::attribute(bdf, "driver");
    let Some(name) = read::target(host, &link).await? else {
        return Ok(None);
    };
    // A driver built into the kernel is no module; its version is the kernel's.
    let version = match read::target(host, &format!("{link}/module")).await? {
        Some(module) => read::optional(host, &format!("/sys/module/{module}/version")).await?,
        None => None,
    };
    Ok(Some(Driver {
        name,
        version,
        firmware: None,
    }))
}

async fn driver_with_firmware(
    host: &dyn Host,
    driver: Option<Driver>,
    net: &[NetFacts],
    nvme: Option<String>,
) -> Option<Driver> {
    let firmware = match net.first() {
        Some(net) => ethtool(host, &net.name).await,
        None => nvme,
    };
    driver.map(|driver| Driver { firmware, ..driver })
}

/// A machine without `ethtool` can be certified all the same.
async fn ethtool(host: &dyn Host, interface: &str) -> Option<String> {
    let text = command::run(host, &["ethtool", "-i", interface])
        .await
        .ok()?;
    net::parse_firmware(&text)
}

async fn reset_methods(host: &dyn Host, bdf: Bdf) -> io::Result<Vec<String>> {
    let methods = read::optional(host, &sysfs::attribute(bdf, "reset_method"))
        .await?
        .unwrap_or_default();
    Ok(methods.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{IGB, NVME, lab, lab_with_vfs, run};

    fn bdf(text: &str) -> Bdf {
        text.parse().unwrap()
    }

    #[test]
    fn the_igb_of_the_lab() {
        let facts = run(device(&lab_with_vfs(), bdf(IGB), &Names::default())).unwrap();
        assert_eq!(facts.name, "device 8086:10c9");
        assert_eq!(
            (facts.ids.class, facts.ids.revision, facts.numa_node),
            (0x02_0000, 1, None)
        );
        let expected = Driver {
            name: "igb".into(),
            version: None,
            firmware: Some("2.1.0".into()),
        };
        assert_eq!(facts.driver, Some(expected));
        assert_eq!(facts.config_ids, Some(facts.ids));
        assert_eq!(facts.vf_windows.len(), 2);
        let ports: Vec<(Bdf, u8)> = facts
            .path
            .iter()
            .map(|port| (port.bdf, port.subordinate_bus))
            .collect();
        assert_eq!(ports, [(bdf("0000:00:05.0"), 1)]);
        assert_eq!(
            facts
                .capabilities
                .sriov
                .as_ref()
                .map(|sriov| (sriov.total_vfs, sriov.num_vfs)),
            Some((8, 2))
        );
        assert_eq!((facts.vfs.len(), facts.net.len()), (2, 1));
        assert_eq!(facts.reset_methods, ["flr", "pm", "bus"]);
    }

    #[test]
    fn the_nvme_controller_of_the_lab() {
        let facts = run(device(&lab(), bdf(NVME), &Names::default())).unwrap();
        let nvme = facts.nvme.unwrap();
        assert_eq!(
            (
                nvme.name.as_str(),
                nvme.model.as_str(),
                nvme.serial.as_str()
            ),
            ("nvme0", "QEMU NVMe Ctrl", "LAB0")
        );
        assert_eq!(facts.driver.unwrap().firmware.unwrap(), "11.1.3");
        assert_eq!(facts.sriov.map(|sriov| sriov.vf_device), Some(0x10));
    }

    #[test]
    fn only_what_can_have_vfs_is_listed() {
        let devices = run(sriov_devices(&lab(), &Names::default())).unwrap();
        let found: Vec<String> = devices
            .iter()
            .map(|device| device.bdf.to_string())
            .collect();
        assert_eq!(found, [IGB, NVME]);
    }

    #[test]
    fn an_address_without_a_function_is_named_with_the_way_out() {
        let error = run(device(&lab(), bdf("0000:01:00.7"), &Names::default())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no PCI function 0000:01:00.7 on this machine; `lspci -D` lists those there are"
        );
    }

    #[test]
    fn the_path_begins_below_the_last_root_complex() {
        let path = |link: &str| {
            parse_path(link)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            path("../../../devices/pci0000:00/0000:00:05.0/0000:01:00.0"),
            "0000:00:05.0"
        );
        let vmd =
            "../../../devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0";
        assert_eq!(path(vmd), "10000:e0:06.0");
        let arm =
            "../../../devices/platform/soc/4010000000.pcie/pci0001:00/0001:00:00.0/0001:01:00.0";
        assert_eq!(path(arm), "0001:00:00.0");
        assert_eq!(path(""), "");
    }

    #[test]
    fn an_out_of_tree_driver_has_a_version_of_its_own() {
        let machine = lab().file("/sys/module/igb/version", "5.19.8\n");
        let found = run(driver(&machine, bdf(IGB))).unwrap().unwrap();
        assert_eq!(found.version.as_deref(), Some("5.19.8"));
        assert_eq!(run(driver(&machine, bdf("0000:00:05.0"))).unwrap(), None);
    }
}
