//! Facts from the output of `lspci -xxxx` on another machine, as far as config space tells them.

use super::{DeviceFacts, Port};
use crate::pci::dump::{DumpError, DumpedFunction, parse};
use crate::pci::{Bdf, BridgeBuses, Capabilities, Names, PciIds};

/// A bridge and the buses behind it.
struct Bridge {
    bdf: Bdf,
    buses: BridgeBuses,
    capabilities: Capabilities,
}

/// The functions of a dump that are no bridges, each with the bridges above it.
pub fn dump(text: &str, names: &Names) -> Result<Vec<DeviceFacts>, DumpError> {
    let functions = parse(text)?;
    let bridges: Vec<Bridge> = functions.iter().filter_map(bridge).collect();
    let devices = functions
        .iter()
        .filter(|function| bridge(function).is_none());
    Ok(devices
        .map(|function| device(function, &bridges, names))
        .collect())
}

fn bridge(function: &DumpedFunction) -> Option<Bridge> {
    let buses = function.config.header()?.buses?;
    Some(Bridge {
        bdf: function.bdf,
        buses,
        capabilities: Capabilities::read(&function.config),
    })
}

fn device(function: &DumpedFunction, bridges: &[Bridge], names: &Names) -> DeviceFacts {
    let config_ids = function.config.header().as_ref().map(PciIds::from);
    let ids = config_ids.unwrap_or_default();
    DeviceFacts {
        bdf: function.bdf,
        ids,
        config_ids,
        name: if names.vendor(ids.vendor).is_some() {
            names.function(ids.vendor, ids.device)
        } else {
            function.description.clone()
        },
        capabilities: Capabilities::read(&function.config),
        path: path(function.bdf, bridges),
        driver: None,
        iommu_group: None,
        numa_node: None,
        physfn: None,
        sriov: None,
        vf_windows: Vec::new(),
        vfs: Vec::new(),
        net: Vec::new(),
        nvme: None,
        reset_methods: Vec::new(),
        in_use: Vec::new(),
    }
}

/// The bridges above a function, from the root port down. Each step leads to a lower bus, so that
/// nonsense in the registers cannot make it go on for ever.
fn path(bdf: Bdf, bridges: &[Bridge]) -> Vec<Port> {
    let mut path = Vec::new();
    let mut below = bdf;
    while let Some(bridge) = parent(below, bridges) {
        path.push(Port {
            bdf: bridge.bdf,
            capabilities: bridge.capabilities.clone(),
            subordinate_bus: bridge.buses.subordinate,
        });
        below = bridge.bdf;
    }
    path.reverse();
    path
}

/// The innermost bridge with the function's bus behind it. A VF may sit on a bus that no bridge
/// has for its first.
fn parent(bdf: Bdf, bridges: &[Bridge]) -> Option<&Bridge> {
    let leads_there = |bridge: &&Bridge| {
        let BridgeBuses {
            secondary,
            subordinate,
            ..
        } = bridge.buses;
        bridge.bdf.domain == bdf.domain
            && (secondary..=subordinate).contains(&bdf.bus)
            && bridge.bdf.bus < secondary
    };
    bridges
        .iter()
        .filter(leads_there)
        .max_by_key(|bridge| bridge.buses.secondary)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write;

    use super::*;

    /// The config spaces of the lab as `lspci -xxxx` prints them.
    pub(in crate::facts) fn lab() -> String {
        let functions: [(&str, &[u8; 4096]); 3] = [
            (
                "00:05.0 PCI bridge: Red Hat, Inc. QEMU PCIe Root port",
                include_bytes!("recorded/root-port.config"),
            ),
            (
                "01:00.0 Ethernet controller: an adapter (rev 01)",
                include_bytes!("recorded/igb-2-vfs.config"),
            ),
            (
                "01:10.0 Ethernet controller: a virtual function",
                include_bytes!("recorded/igbvf.config"),
            ),
        ];
        functions
            .map(|(title, config)| printed(title, config))
            .join("\n")
    }

    fn printed(title: &str, config: &[u8]) -> String {
        let mut text = format!("{title}\n");
        for (index, line) in config.chunks(16).enumerate() {
            let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "{:02x}: {}", index * 16, bytes.join(" ")).unwrap();
        }
        text
    }

    /// A bridge as far as its header goes.
    fn bridge(bdf: &str, [secondary, subordinate]: [u8; 2]) -> String {
        let mut config = [0; 64];
        config[0x0e] = 1;
        config[0x19..0x1b].copy_from_slice(&[secondary, subordinate]);
        printed(&format!("{bdf} PCI bridge: x"), &config)
    }

    fn path_of(bdf: &str, bridges: &[String]) -> Vec<String> {
        let text = format!(
            "{}{}",
            bridges.concat(),
            printed(&format!("{bdf} Ethernet controller: x"), &[0; 64])
        );
        let devices = dump(&text, &Names::default()).unwrap();
        devices[0]
            .path
            .iter()
            .map(|port| port.bdf.to_string())
            .collect()
    }

    #[test]
    fn the_lab_without_its_bridge() {
        let devices = dump(&lab(), &Names::default()).unwrap();
        let found: Vec<(String, &str)> = devices
            .iter()
            .map(|device| (device.bdf.to_string(), device.name.as_str()))
            .collect();
        let expected = [
            (
                "0000:01:00.0".to_owned(),
                "Ethernet controller: an adapter (rev 01)",
            ),
            (
                "0000:01:10.0".to_owned(),
                "Ethernet controller: a virtual function",
            ),
        ];
        assert_eq!(found, expected);
        let path = &devices[0].path;
        assert_eq!(
            (path[0].bdf.to_string().as_str(), path[0].subordinate_bus),
            ("0000:00:05.0", 1)
        );
        assert!(path[0].capabilities.acs.is_some());
    }

    #[test]
    fn through_a_switch_and_to_a_bus_without_a_bridge_of_its_own() {
        let bridges = [
            bridge("02:01.0", [4, 6]),
            bridge("00:01.0", [1, 9]),
            bridge("01:00.0", [2, 9]),
            bridge("02:00.0", [3, 3]),
        ];
        let expected = ["0000:00:01.0", "0000:01:00.0", "0000:02:01.0"];
        assert_eq!(path_of("04:00.0", &bridges), expected);
        assert_eq!(path_of("05:10.0", &bridges), expected);
        assert_eq!(path_of("0001:04:00.0", &bridges), Vec::<String>::new());
    }

    #[test]
    fn nonsense_in_the_registers_ends_somewhere() {
        let bridges = [
            bridge("05:00.0", [1, 255]),
            bridge("01:00.0", [5, 5]),
            bridge("00:02.0", [0, 255]),
        ];
        assert_eq!(path_of("05:01.0", &bridges), ["0000:01:00.0"]);
    }

    #[test]
    fn a_text_that_is_no_dump_is_refused() {
        assert!(dump("hello", &Names::default()).is_err());
    }
}
