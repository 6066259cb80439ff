//! Reads the network interfaces of a PCI function.

use std::io;

use serde_json::Value;

use super::{NetFacts, read};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// `IFF_UP` of Linux include/uapi/linux/if.h.
const IFF_UP: u32 = 1;

/// The network interfaces of a PCI function as they are now, sorted by name.
pub async fn net(host: &dyn Host, bdf: Bdf) -> io::Result<Vec<NetFacts>> {
    let mut all = Vec::new();
    for (folder, name) in interfaces(host, bdf).await? {
        match interface(host, &folder, &name).await {
            Ok(facts) => all.push(facts),
            // udev renames interfaces soon after they appear, and a driver may go at any time.
            Err(error) if read::is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// What the PF's driver knows of one of its VFs, from what `ip -j link show` prints of the PF (iproute2 ip/ipaddress.c, `print_vfinfo`);
/// `None` for one that is not there.
pub(crate) fn vf_info(printed: &[u8], index: u16) -> serde_json::Result<Option<Value>> {
    let links: Value = serde_json::from_slice(printed)?;
    let vfs = links[0]["vfinfo_list"].as_array();
    let vf = vfs.and_then(|vfs| vfs.iter().find(|vf| vf["vf"] == index));
    Ok(vf.cloned())
}

/// The interface that a function's is a part of (Linux 6.12 net/core/dev.c, `__netdev_adjacent_dev_insert`); `None` for none.
pub(crate) async fn master(host: &dyn Host, bdf: Bdf) -> io::Result<Option<NetFacts>> {
    let Some(part) = net(host, bdf).await?.into_iter().next() else {
        return Ok(None);
    };
    let link = match host
        .link(&format!("/sys/class/net/{}/master", part.name))
        .await
    {
        Err(error) if read::is_absent(&error) => return Ok(None),
        link => link?,
    };
    let name = link.rsplit('/').next().unwrap_or_default();
    interface(host, "/sys/class/net", name).await.map(Some)
}

/// The interface of that address, whatever it is an interface of; `None` for none.
pub(crate) async fn net_of_address(host: &dyn Host, mac: &str) -> io::Result<Option<NetFacts>> {
    const ALL: &str = "/sys/class/net";
    for name in read::names(host, ALL).await? {
        match interface(host, ALL, &name).await {
            Ok(net) if net.mac == mac => return Ok(Some(net)),
            // The bonding driver puts a file beside them (Linux drivers/net/bonding/bond_sysfs.c).
            Err(error)
                if read::is_absent(&error) || error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Ok(None)
}

/// The interfaces of a PCI function, each with the folder it is in. That of a virtio device is in
/// the folder of a device between the two (Linux 6.12 `drivers/net/virtio_net.c`, `virtnet_probe`).
pub(super) async fn interfaces(host: &dyn Host, bdf: Bdf) -> io::Result<Vec<(String, String)>> {
    let device = sysfs::device(bdf);
    let mut all = Vec::new();
    for part in read::names(host, &device).await? {
        let folder = match part.as_str() {
            "net" => format!("{device}/net"),
            part if part.starts_with("virtio") => format!("{device}/{part}/net"),
            _ => continue,
        };
        let names = read::names(host, &folder).await?;
        all.extend(names.into_iter().map(|name| (folder.clone(), name)));
    }
    Ok(all)
}

/// The interface of that name in a folder of interfaces.
pub(crate) async fn interface(host: &dyn Host, folder: &str, name: &str) -> io::Result<NetFacts> {
    let path = |file: &str| format!("{folder}/{name}/{file}");
    // `carrier` and `speed` refuse to be read while the interface is down (EINVAL), and `speed` is
    // -1 while there is no link (Linux net/core/net-sysfs.c).
    let carrier = read::text(host, &path("carrier")).await.ok();
    let speed = read::text(host, &path("speed")).await.ok();
    Ok(NetFacts {
        name: name.to_owned(),
        mac: read::text(host, &path("address")).await?,
        up: read::hex::<u32>(host, &path("flags")).await? & IFF_UP != 0,
        carrier: carrier.map(|text| text == "1"),
        mtu: read::decimal(host, &path("mtu")).await?,
        speed: speed.and_then(|text| text.parse().ok()),
    })
}

/// What `ethtool -i` prints as the firmware's version.
pub(super) fn parse_firmware(text: &str) -> Option<String> {
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("firmware-version:"))?
        .trim();
    (!version.is_empty() && version != "N/A").then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::facts::testing::{IGB, Recorded, lab, run};

    const FOLDER: &str = "/sys/devices/pci0000:00/0000:00:05.0/0000:01:00.0/net/enp1s0";

    fn read(machine: &Recorded) -> Vec<NetFacts> {
        run(net(machine, IGB.parse().unwrap())).unwrap()
    }

    #[test]
    fn an_interface_that_is_down_has_neither_carrier_nor_speed() {
        let down = lab()
            .file(&format!("{FOLDER}/flags"), "0x1002\n")
            .refuses(&format!("{FOLDER}/carrier"), Errno::EINVAL)
            .refuses(&format!("{FOLDER}/speed"), Errno::EINVAL);
        let net = &read(&down)[0];
        assert_eq!(
            (net.up, net.carrier, net.speed, net.mtu),
            (false, None, None, 1500)
        );
    }

    #[test]
    fn without_a_link_partner_the_speed_is_unknown() {
        let lonely = lab()
            .file(&format!("{FOLDER}/carrier"), "0\n")
            .file(&format!("{FOLDER}/speed"), "-1\n");
        let net = &read(&lonely)[0];
        assert_eq!((net.up, net.carrier, net.speed), (true, Some(false), None));
    }

    #[test]
    fn an_interface_that_goes_while_it_is_read_is_not_there() {
        for errno in [Errno::ENOENT, Errno::ENODEV] {
            assert_eq!(
                read(&lab().refuses(&format!("{FOLDER}/address"), errno)),
                []
            );
        }
    }

    #[test]
    fn a_file_that_makes_no_sense_is_an_error_that_names_it() {
        let machine = lab().file(&format!("{FOLDER}/mtu"), "many\n");
        let error = run(net(&machine, IGB.parse().unwrap())).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("net/enp1s0/mtu: `many` is not a number in range"),
            "{error}"
        );
    }

    #[test]
    fn the_interface_of_a_virtio_device_is_one_folder_down() {
        let folder = "/sys/devices/pci0000:00/0000:00:07.0/0000:03:00.0/virtio2/net/eth0";
        let files = [
            ("address", "02:00:00:00:00:01\n"),
            ("flags", "0x1003\n"),
            ("mtu", "1400\n"),
        ];
        let machine = lab().files(folder, &files);
        let found = run(net(&machine, "0000:03:00.0".parse().unwrap())).unwrap();
        assert_eq!(
            (found.len(), found[0].name.as_str(), found[0].mtu),
            (1, "eth0", 1400)
        );
    }

    #[test]
    fn firmware_is_what_ethtool_says_unless_it_says_nothing() {
        assert_eq!(
            parse_firmware("driver: igb\nfirmware-version: 2.1.0\nbus-info: x"),
            Some("2.1.0".to_owned())
        );
        assert_eq!(parse_firmware("driver: igb\nfirmware-version: N/A\n"), None);
        assert_eq!(parse_firmware("driver: igbvf\nfirmware-version: \n"), None);
    }
}
