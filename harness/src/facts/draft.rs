//! Drafts a profile from a card.

use std::fmt::Write;

use anyhow::bail;

use super::{DeviceFacts, Driver, HostFacts};

/// The VF drivers of the PF drivers that do not drive their own VFs (Linux 6.12
/// `drivers/net/ethernet/intel`: `igbvf/netdev.c`, `ixgbevf/ixgbevf_main.c`, `iavf/iavf_main.c`).
const VF_DRIVERS: [(&str, &str); 4] = [
    ("igb", "igbvf"),
    ("ixgbe", "ixgbevf"),
    ("i40e", "iavf"),
    ("ice", "iavf"),
];

/// A profile in TOML that claims what was read from this card today and nothing else.
pub fn draft(host: &HostFacts, device: &DeviceFacts) -> anyhow::Result<String> {
    draft_on(host, device, &jiff::Zoned::now().date().to_string())
}

fn draft_on(host: &HostFacts, device: &DeviceFacts, date: &str) -> anyhow::Result<String> {
    let ids = device.ids;
    let kind = kind(device)?;
    let pf = device
        .driver
        .as_ref()
        .map_or("unknown", |driver| driver.name.as_str());
    let mut text = format!(
        "# A draft: what one card said. A profile says what its vendor claims, so compare every line with the vendor's\n\
         # documents, add the claims a card cannot state (profiles/README.md has all keys) and name those documents.\n\
         name = {name}\nkind = \"{kind}\"\nsource = {source}\n\
         match = [{{ vendor = {:#06x}, device = {:#06x} }}]\ndriver = {{ pf = {pf}, vf = {vf} }}\n",
        ids.vendor,
        ids.device,
        name = quoted(&device.name),
        source = quoted(&format!("read from the card, {date}")),
        pf = quoted(pf),
        vf = quoted(&vf_driver(device, pf)),
    );
    add_numbers(&mut text, device, &read_from(host, device, date));
    Ok(text)
}

/// What the card is (PCI Code and ID Assignment Specification, base class 02 and class 010802).
fn kind(device: &DeviceFacts) -> anyhow::Result<&'static str> {
    if let Some(pf) = device.physfn {
        bail!("it is a virtual function: name its physical function, {pf}");
    }
    match device.ids.class {
        0x01_0802 => Ok("nvme"),
        class if class >> 16 == 0x02 => Ok("nic"),
        class => bail!(
            "its class {class:06x} is no network adapter's (02xxxx) and no NVMe controller's (010802)"
        ),
    }
}

fn add_numbers(text: &mut String, device: &DeviceFacts, source: &str) {
    let vf_device = device.sriov.map(|sriov| sriov.vf_device).or(device
        .capabilities
        .sriov
        .as_ref()
        .map(|sriov| sriov.vf_device));
    let total = device
        .sriov
        .map(|sriov| sriov.totalvfs)
        .filter(|total| *total > 0);
    let source = quoted(source);
    let mut sources = String::new();
    // Writing to a String cannot fail.
    if let Some(id) = vf_device {
        let _ = writeln!(text, "vf_devices = [{id:#06x}]");
        let _ = writeln!(sources, "vf_devices = {source}");
    }
    if let Some(total) = total {
        let _ = writeln!(text, "\n[claims]\ntotal_vfs = {total}");
        let _ = writeln!(sources, "total_vfs = {source}");
    }
    if !sources.is_empty() {
        let _ = write!(text, "\n[sources]\n{sources}");
    }
}

/// The driver a VF has now, unless it was made ready for a guest; else what is known of the PF's.
fn vf_driver(device: &DeviceFacts, pf: &str) -> String {
    let mut bound = device.vfs.iter().filter_map(|vf| vf.driver.as_deref());
    let bound = bound.find(|driver| !driver.starts_with("vfio"));
    let known = || {
        VF_DRIVERS
            .iter()
            .find(|(of, _)| *of == pf)
            .map(|(_, vf)| *vf)
    };
    bound.or_else(known).unwrap_or(pf).to_owned()
}

fn read_from(host: &HostFacts, device: &DeviceFacts, date: &str) -> String {
    let driver = match &device.driver {
        Some(Driver { name, version, .. }) => {
            let version = version
                .clone()
                .unwrap_or_else(|| format!("of Linux {}", host.kernel));
            format!("driver {name} {version}")
        }
        None => "no driver".to_owned(),
    };
    let firmware = device
        .driver
        .as_ref()
        .and_then(|driver| driver.firmware.as_deref())
        .unwrap_or("unknown");
    format!("read from the card, {driver}, firmware {firmware}, {date}")
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{IGB, NVME, Recorded, lab, lab_with_vfs, run};
    use crate::facts::{self, VfFacts};
    use crate::pci::Names;
    use crate::profile::{Kind, Profile};

    fn names() -> Names {
        Names::parse("8086  Intel Corporation\n\t10c9  82576 \"Kawela\"\n".to_owned())
    }

    fn read(machine: &Recorded, bdf: &str) -> (HostFacts, DeviceFacts) {
        let device = run(facts::device(machine, bdf.parse().unwrap(), &names())).unwrap();
        (run(facts::host(machine)).unwrap(), device)
    }

    fn drafted(machine: &Recorded, bdf: &str) -> String {
        let (host, device) = read(machine, bdf);
        draft_on(&host, &device, "2026-11-22").unwrap()
    }

    fn parsed(text: &str) -> Profile {
        Profile::parse("draft", "draft.toml", text, &[])
            .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    }

    #[test]
    fn a_network_adapter() {
        let text = drafted(&lab(), IGB);
        insta::assert_snapshot!(text);
        let profile = parsed(&text);
        assert_eq!(
            (profile.kind, profile.claims.total_vfs),
            (Kind::Nic, Some(7))
        );
        assert_eq!(profile.name, "Intel Corporation 82576 \"Kawela\"");
    }

    #[test]
    fn an_nvme_controller() {
        let profile = parsed(&drafted(&lab(), NVME));
        assert_eq!(
            (profile.kind, profile.driver.vf.as_str()),
            (Kind::Nvme, "nvme")
        );
        assert_eq!(profile.vf_devices, [0x10]);
    }

    #[test]
    fn without_sriov_there_is_nothing_to_claim() {
        let (host, mut device) = read(&lab(), IGB);
        (device.sriov, device.capabilities.sriov, device.driver) = (None, None, None);
        let profile = parsed(&draft_on(&host, &device, "2026-11-22").unwrap());
        assert_eq!(profile.claims, crate::profile::Claims::default());
        assert!(profile.vf_devices.is_empty() && profile.sources.is_empty());
    }

    #[test]
    fn only_a_physical_function_of_a_known_kind_is_drafted() {
        let (host, device) = read(&lab(), IGB);
        let refusal = |device: &DeviceFacts| draft(&host, device).unwrap_err().to_string();
        let mut vf = device.clone();
        vf.physfn = Some(device.bdf);
        assert_eq!(
            refusal(&vf),
            "it is a virtual function: name its physical function, 0000:01:00.0"
        );
        let mut gpu = device;
        gpu.ids.class = 0x03_0000;
        assert!(refusal(&gpu).starts_with("its class 030000 is no network adapter's"));
    }

    #[test]
    fn the_vf_driver_is_the_bound_one_unless_that_is_for_guests() {
        let (_, mut device) = read(&lab_with_vfs(), IGB);
        let bind = |driver: &str, vf: &mut VfFacts| vf.driver = Some(driver.to_owned());
        bind("vfio-pci", &mut device.vfs[0]);
        bind("other", &mut device.vfs[1]);
        assert_eq!(vf_driver(&device, "igb"), "other");
        bind("vfio-pci", &mut device.vfs[1]);
        assert_eq!(vf_driver(&device, "igb"), "igbvf");
        assert_eq!(vf_driver(&device, "mlx5_core"), "mlx5_core");
    }
}
