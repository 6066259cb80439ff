//! Why a device must not be touched: what this machine, its user or its guests depend on.

mod network;
mod ssh;
mod storage;

use std::io;

use futures_util::future::join;

use super::{DeviceFacts, VfFacts, net};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;
use network::Network;
use storage::Storage;
pub(crate) use storage::{namespaces_in_use, parse_namespace};

/// What the machine depends on, read once for all its devices.
#[derive(Debug)]
pub(super) struct Usage {
    /// Or why it is not known. Ignorance is a reason to leave a network adapter alone.
    network: Result<Network, String>,
    storage: Storage,
}

impl Usage {
    /// Reads what the machine depends on.
    pub(super) async fn read(host: &dyn Host) -> io::Result<Self> {
        let (network, storage) = join(Network::read(host), Storage::read(host)).await;
        Ok(Self {
            network: network.map_err(|error| error.to_string()),
            storage: storage?,
        })
    }

    /// Why nobody may touch a device, one sentence a reason. Removing VFs takes away what they
    /// carry, so that each of them counts like the PF itself.
    pub(super) async fn reasons(
        &self,
        host: &dyn Host,
        device: &DeviceFacts,
    ) -> io::Result<Vec<String>> {
        let mut reasons = Vec::new();
        let driver = device.driver.as_ref().map(|driver| driver.name.as_str());
        self.function(host, device.bdf, driver, &mut reasons)
            .await?;
        for vf in &device.vfs {
            let before = reasons.len();
            self.function(host, vf.bdf, vf.driver.as_deref(), &mut reasons)
                .await?;
            reasons[before..]
                .iter_mut()
                .for_each(|reason| *reason = format!("{reason} (VF {})", vf.index));
            reasons.extend(elsewhere(host, device, vf).await?);
        }
        reasons.extend(settings_of_vfs(device));
        Ok(reasons)
    }

    async fn function(
        &self,
        host: &dyn Host,
        bdf: Bdf,
        driver: Option<&str>,
        reasons: &mut Vec<String>,
    ) -> io::Result<()> {
        if let Some(driver) = driver.filter(|driver| driver.starts_with("vfio")) {
            reasons.push(format!(
                "{bdf} is bound to {driver}, so that a guest or a program may hold it"
            ));
        }
        for (_, name) in net::interfaces(host, bdf).await? {
            match &self.network {
                Ok(network) => reasons.extend(network.reasons(&name)),
                Err(error) => reasons.push(format!(
                    "nobody knows whether {name} carries the default route: {error}"
                )),
            }
        }
        reasons.extend(self.storage.reasons(host, bdf).await?);
        Ok(())
    }
}

/// What was set on a VF (MAC, VLAN, trust) is gone with the VF, and no undo knows it.
fn settings_of_vfs(device: &DeviceFacts) -> Option<String> {
    let (count, path) = (
        device.vfs.len(),
        sysfs::attribute(device.bdf, "sriov_numvfs"),
    );
    (count > 0).then(|| format!("VFs are enabled ({count}), and their settings would be lost: remove them first with `echo 0 > {path}`"))
}

/// The kernel shows the interfaces of other network namespaces to nobody outside (Linux
/// net/core/net-sysfs.c, `net_ns_type_operations`), so that a VF in a container looks as if it had none.
async fn elsewhere(
    host: &dyn Host,
    device: &DeviceFacts,
    vf: &VfFacts,
) -> io::Result<Option<String>> {
    let Some(driver) = vf
        .driver
        .as_deref()
        .filter(|driver| !driver.starts_with("vfio"))
    else {
        return Ok(None);
    };
    let is_network = device.ids.class >> 16 == 0x02;
    if !is_network || !net::interfaces(host, vf.bdf).await?.is_empty() {
        return Ok(None);
    }
    let bdf = vf.bdf;
    Ok(Some(format!(
        "{bdf} is bound to {driver} but shows no interface, so that a container may hold it (VF {})",
        vf.index
    )))
}

#[cfg(test)]
mod tests {
    use crate::facts::testing::{IGB, Recorded, lab, lab_with_vfs, run};
    use crate::facts::{device, names};

    const VF: &str = "/sys/devices/pci0000:00/0000:00:05.0/0000:01:10.0";

    fn reasons(machine: &Recorded) -> Vec<String> {
        let facts =
            run(async { device(machine, IGB.parse().unwrap(), &names(machine).await).await });
        facts.unwrap().in_use
    }

    /// What is to be said of an adapter with VFs in any case.
    const SETTINGS: &str = "VFs are enabled (2), and their settings would be lost: remove them first with `echo 0 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs`";

    #[test]
    fn an_idle_adapter_is_free_unless_it_has_vfs() {
        assert_eq!(reasons(&lab()), Vec::<String>::new());
        assert_eq!(reasons(&lab_with_vfs()), [SETTINGS]);
    }

    #[test]
    fn an_address_would_be_lost() {
        let addresses = r#"[{"ifname":"enp1s0","addr_info":[{"family":"inet","local":"192.0.2.7","scope":"global"},
            {"family":"inet6","local":"fe80::1","scope":"link"}]}]"#;
        let machine = lab().prints("ip -j addr show", addresses);
        let expected = "enp1s0 carries the address 192.0.2.7, which would be lost (`ip addr flush dev enp1s0` frees it)";
        assert_eq!(reasons(&machine), [expected]);
    }

    #[test]
    fn a_vf_made_ready_for_a_guest_keeps_its_pf() {
        let driver = format!("{VF}/driver");
        let machine = lab_with_vfs().link_to(&driver, "../../../../bus/pci/drivers/vfio-pci");
        assert_eq!(
            reasons(&machine),
            [
                "0000:01:10.0 is bound to vfio-pci, so that a guest or a program may hold it (VF 0)",
                SETTINGS
            ]
        );
    }

    #[test]
    fn a_vf_that_carries_the_default_route_keeps_its_pf() {
        let route = r#"[{"dst":"default","gateway":"192.0.2.1","dev":"enp1s0v1","flags":[]}]"#;
        let machine = lab_with_vfs().prints("ip -j route show default", route);
        assert_eq!(
            reasons(&machine),
            ["enp1s0v1 carries the IPv4 default route (VF 1)", SETTINGS]
        );
    }

    #[test]
    fn a_vf_without_an_interface_may_be_in_a_container() {
        let machine = lab_with_vfs().without(&format!("{VF}/net/enp1s0v0/mtu"));
        let expected = "0000:01:10.0 is bound to igbvf but shows no interface, so that a container may hold it (VF 0)";
        assert_eq!(reasons(&machine), [expected, SETTINGS]);
    }

    #[test]
    fn ignorance_is_a_reason() {
        let machine = lab().refuses_to_run("ip -j addr show");
        assert_eq!(
            reasons(&machine),
            ["nobody knows whether enp1s0 carries the default route: `ip` is not installed"]
        );
    }
}
