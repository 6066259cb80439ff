//! What is known of a virtual function that must not change, as a row of a table.

use harness::bench::{Bench, MacPolicy, Vf, listed};
use harness::check::Problem;
use harness::pci::Bdf;
use serde::{Deserialize, Serialize};

/// A virtual function at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// Its address.
    pub bdf: Bdf,
    driver: Option<String>,
    group: Option<u32>,
    /// Who else is in its IOMMU group.
    others: Vec<String>,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Interface {
    name: String,
    policy: MacPolicy,
    mac: String,
}

impl Row {
    /// Reads what is known of a VF now.
    pub(super) async fn read(bench: &mut Bench, vf: &Vf) -> Result<Self, Problem> {
        let mut others = Vec::new();
        if let Some(group) = vf.iommu_group {
            let path = format!("/sys/kernel/iommu_groups/{group}/devices");
            others = bench.list(&path).await?.unwrap_or_default();
            others.retain(|member| *member != vf.bdf.to_string());
        }
        let mut interfaces = Vec::new();
        for net in bench.nets_of(vf.bdf).await? {
            interfaces.push(Interface {
                policy: bench.mac_policy(vf.bdf, &net.name).await?,
                name: net.name,
                mac: net.mac,
            });
        }
        Ok(Self {
            bdf: vf.bdf,
            driver: vf.driver.clone(),
            group: vf.iommu_group,
            others,
            interfaces,
        })
    }

    pub(super) fn driver(&self) -> String {
        self.driver.clone().unwrap_or_else(|| "none".into())
    }

    /// Who shares its IOMMU group.
    pub(super) fn company(&self) -> String {
        match (self.group, self.others.as_slice()) {
            (None, _) => "no group".into(),
            (_, []) => "alone".into(),
            (_, others) => format!("with {}", others.join(" and ")),
        }
    }

    pub(super) fn interfaces(&self) -> String {
        listed(self.interfaces.iter().map(|interface| &interface.name))
    }

    /// How its address comes about; with the address where that is the hardware's own.
    pub(super) fn mac_policy(&self) -> String {
        let interfaces = self.interfaces.iter();
        listed(interfaces.map(|interface| match interface.policy {
            MacPolicy::Permanent if is_universal(&interface.mac) => {
                format!("permanent {}", interface.mac)
            }
            policy => policy.to_string(),
        }))
    }

    pub(super) fn macs(&self) -> String {
        listed(self.interfaces.iter().map(|interface| &interface.mac))
    }

    fn cells(&self, when: &str) -> [String; 8] {
        let group = self.group.map_or("none".into(), |group| group.to_string());
        let interfaces = self.interfaces.iter();
        [
            when.to_owned(),
            self.bdf.to_string(),
            self.driver(),
            group,
            self.company(),
            self.interfaces(),
            listed(interfaces.map(|interface| interface.policy)),
            self.macs(),
        ]
    }
}

/// Whether an address was given out by a vendor. One that is administered locally, as its second bit says
/// (Linux 6.12 include/linux/etherdevice.h, `is_local_ether_addr`), is made up by someone, also where
/// a VF's driver takes it for the hardware's: sfc makes new random ones for the VFs that it creates
/// (drivers/net/ethernet/sfc/ef10_sriov.c, `efx_ef10_sriov_alloc_vf_vswitching`).
fn is_universal(mac: &str) -> bool {
    let first = mac.get(..2).map(|octet| u8::from_str_radix(octet, 16));
    matches!(first, Some(Ok(octet)) if octet & 0x02 == 0)
}

const HEAD: [&str; 8] = [
    "",
    "address",
    "driver",
    "group",
    "company",
    "interface",
    "MAC policy",
    "MAC",
];

/// The rows of each time, in columns.
pub(super) fn table(times: &[(&str, &[Row])]) -> String {
    let rows = times
        .iter()
        .flat_map(|(when, rows)| rows.iter().map(|row| row.cells(when)));
    let lines: Vec<[String; 8]> = std::iter::once(HEAD.map(str::to_owned))
        .chain(rows)
        .collect();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max();
    let widths: Vec<usize> = (0..HEAD.len()).filter_map(width).collect();
    let padded = |(cell, width): (&String, &usize)| format!("{cell:<width$}");
    let shown = lines.iter().map(|line| {
        let cells: Vec<String> = line.iter().zip(&widths).map(padded).collect();
        cells.join("  ").trim_end().to_owned()
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use harness::bench::MacPolicy;

    use super::{Interface, Row, table};

    fn row(address: &str, group: u32, name: &str) -> Row {
        Row {
            bdf: address.parse().unwrap(),
            driver: Some("igbvf".into()),
            group: Some(group),
            others: Vec::new(),
            interfaces: vec![Interface {
                name: name.into(),
                policy: MacPolicy::Set,
                mac: "66:45:82:92:09:6c".into(),
            }],
        }
    }

    #[test]
    fn before_and_now_stand_below_each_other() {
        let before = [
            row("01:10.0", 12, "enp1s0v0"),
            row("01:10.2", 13, "enp1s0v1"),
        ];
        let mut bare = row("01:10.2", 9, "eth1");
        bare.others = vec!["0000:01:10.0".into(), "0000:00:03.0".into()];
        bare.driver = None;
        bare.interfaces.clear();
        let now = [row("01:10.0", 9, "eth0"), bare];
        insta::assert_snapshot!(table(&[("before", &before), ("now", &now)]), @r"
                address       driver  group  company                             interface  MAC policy  MAC
        before  0000:01:10.0  igbvf   12     alone                               enp1s0v0   set         66:45:82:92:09:6c
        before  0000:01:10.2  igbvf   13     alone                               enp1s0v1   set         66:45:82:92:09:6c
        now     0000:01:10.0  igbvf   9      alone                               eth0       set         66:45:82:92:09:6c
        now     0000:01:10.2  none    9      with 0000:01:10.0 and 0000:00:03.0  none       none        none
        ");
    }

    #[test]
    fn a_vendors_address_belongs_to_the_policy() {
        let mut row = row("01:10.0", 12, "enp1s0v0");
        assert_eq!(row.mac_policy(), "set");
        row.interfaces[0].policy = MacPolicy::Permanent;
        assert_eq!(row.mac_policy(), "permanent");
        row.interfaces[0].mac = "00:1b:21:92:09:6c".into();
        assert_eq!(row.mac_policy(), "permanent 00:1b:21:92:09:6c");
    }
}
