//! Virtual functions that are made again after a restart are the same: each has the address, the company
//! in its IOMMU group, the interface's name, the way its MAC address comes about and the driver that it
//! had.
//!
//! Guests and network settings name VFs by these. The number of a group is shown but not compared: the
//! kernel gives it out as groups come. A MAC address is compared where it is the hardware's own.
//!
//! Source: RHEL 9, 14.7.2, steps 2 to 4, which name VFs by address and by interface over restarts; Linux
//! 6.12 drivers/iommu/iommu.c, `iommu_group_alloc`, for the numbers.

use std::time::Duration;

use harness::bench::{Bench, Vf, listed};
use harness::check::{Answer, Check, Finding, Problem};
use harness::creation_findings;

use super::row::{Row, table};
use super::{NEEDS, come_up};
use crate::checks::vf::driver_binds::{NO_INTERFACE, NOT_BOUND, expect_ready};

const ADDRESS_CHANGED: Finding = Finding::device(
    "vf-address-changed-at-restart",
    "After the restart the VFs have other PCI addresses. Guests that name an address get another VF, or none.",
    "Compare the bus numbers with `lspci -t`: a card that was added or a firmware setting (ARI, hot-plug buses) moves them. `pci=assign-busses` on the kernel's command line numbers buses anew at each boot.",
);
const GROUP_CHANGED: Finding = Finding::device(
    "vf-group-changed-at-restart",
    "After the restart a VF is in an IOMMU group with other devices than before, so that it may not be handed to a guest by itself any more.",
    "Compare ACS before and after with `lspci -vvv` (ACSCtl of the ports above the adapter); a firmware update or setting may have switched it off.",
);
const NAME_CHANGED: Finding = Finding::device(
    "vf-name-changed-at-restart",
    "After the restart the interfaces of the VFs have other names. Network settings that name an interface fit another VF, or none.",
    "See what udev made of it: `udevadm info /sys/class/net/<name>` (ID_NET_NAME, ID_NET_LINK_FILE); drop `net.ifnames=0` from the kernel's command line, and pin the naming scheme with `net.naming-scheme=`.",
);
const MAC_CHANGED: Finding = Finding::device(
    "vf-mac-policy-changed-at-restart",
    "After the restart the MAC addresses of the VFs come about in another way, or permanent ones are others. Leases and filters that go by the address do not fit any more.",
    "Compare `cat /sys/class/net/<name>/addr_assign_type` over restarts; look at MACAddressPolicy= in the .link files, and at who sets the VFs' addresses on the PF (`ip link show`).",
);
const DRIVER_CHANGED: Finding = Finding::device(
    "vf-driver-changed-at-restart",
    "After the restart the VFs have another driver than before.",
    "Look for what binds drivers during the boot: driverctl (`driverctl list-overrides`), `vfio-pci.ids=` on the kernel's command line, options and softdep lines in /etc/modprobe.d.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "persist::stable",
    proves: "virtual functions have the same address, group, interface name, MAC policy and driver after a restart",
    source: "RHEL 9, 14.7.2, steps 2 to 4",
    needs: NEEDS,
    limit: Duration::from_mins(5),
    provokes: &[],
    findings: creation_findings![
        NOT_BOUND,
        NO_INTERFACE,
        ADDRESS_CHANGED,
        GROUP_CHANGED,
        NAME_CHANGED,
        MAC_CHANGED,
        DRIVER_CHANGED
    ],
    parts: &[
        |bench| Box::pin(before(bench)),
        |bench| Box::pin(after(bench)),
    ],
};

/// One thing that may not change, with the finding for that.
type Property = (&'static str, &'static Finding, fn(&Row) -> String);

const PROPERTIES: [Property; 5] = [
    ("addresses", &ADDRESS_CHANGED, |row| row.bdf.to_string()),
    ("drivers", &DRIVER_CHANGED, Row::driver),
    ("company in the IOMMU groups", &GROUP_CHANGED, Row::company),
    ("interface names", &NAME_CHANGED, Row::interfaces),
    ("MAC policies", &MAC_CHANGED, Row::mac_policy),
];

async fn before(bench: &mut Bench) -> Answer {
    let vfs = create(bench).await?;
    let rows = rows(bench, &vfs).await?;
    bench.log.step(table(&[("before", &rows)]))?;
    bench.carry(&rows)
}

async fn after(bench: &mut Bench) -> Answer {
    come_up(bench).await?;
    let mut vfs = bench.vfs().await?;
    if vfs.is_empty() {
        vfs = create(bench).await?;
    }
    let (before, now): (Vec<Row>, _) = (bench.carried()?, rows(bench, &vfs).await?);
    bench
        .log
        .step(table(&[("before", &before), ("now", &now)]))?;
    for (what, finding, of) in PROPERTIES {
        let [before, now] = [&before, &now].map(|rows| rows.iter().map(of).collect::<Vec<_>>());
        let text = format!("{what} before: {}; now: {}", listed(&before), listed(&now));
        bench.assert(before == now, finding, text)?;
    }
    if !before.iter().map(Row::macs).eq(now.iter().map(Row::macs)) {
        let advice = "the VFs have other MAC addresses than before: where they must last, set them (`ip link set dev <PF> vf <number> mac <address>`)";
        bench.log.note(advice.into())?;
    }
    Ok(())
}

async fn create(bench: &mut Bench) -> Result<Vec<Vf>, Problem> {
    bench.set_autoprobe(true).await?;
    bench.create_vfs(bench.few()).await
}

/// What is known of each VF, once udev has named its interface and is done with its address.
async fn rows(bench: &mut Bench, vfs: &[Vf]) -> Result<Vec<Row>, Problem> {
    for vf in vfs {
        expect_ready(bench, vf.bdf).await?;
    }
    bench.settle().await?;
    let mut rows = Vec::new();
    for vf in bench.vfs().await? {
        rows.push(Row::read(bench, &vf).await?);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{PROPERTIES, Row};

    fn vf() -> Value {
        let interface =
            json!({"name": "enp1s0v0", "policy": "permanent", "mac": "00:1b:21:00:00:01"});
        json!({"bdf": "0000:01:10.0", "driver": "igbvf", "group": 12, "others": [], "interfaces": [interface]})
    }

    /// The findings for a VF that has become another in one place.
    fn found(place: &str, now: Value) -> Vec<&'static str> {
        let mut changed = vf();
        *changed.pointer_mut(place).unwrap() = now;
        let [before, now] = [vf(), changed].map(|vf| serde_json::from_value::<Row>(vf).unwrap());
        let differs = PROPERTIES
            .iter()
            .filter(|(_, _, of)| of(&before) != of(&now));
        differs.map(|(_, finding, _)| finding.code).collect()
    }

    #[test]
    fn each_change_has_its_finding() {
        for (place, now, code) in [
            ("/bdf", json!("0000:01:10.2"), "address"),
            ("/driver", json!("vfio-pci"), "driver"),
            ("/driver", Value::Null, "driver"),
            ("/others", json!(["0000:01:10.2"]), "group"),
            ("/group", Value::Null, "group"),
            ("/interfaces/0/name", json!("eth0"), "name"),
            ("/interfaces/0/policy", json!("random"), "mac-policy"),
            (
                "/interfaces/0/mac",
                json!("00:1b:21:00:00:02"),
                "mac-policy",
            ),
        ] {
            assert_eq!(found(place, now), [format!("vf-{code}-changed-at-restart")]);
        }
    }

    #[test]
    fn a_groups_number_is_no_property() {
        assert_eq!(found("/group", json!(13)), [""; 0]);
    }
}
