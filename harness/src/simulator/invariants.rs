//! Laws that hold whatever is written, in whatever order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Simulator;
use super::tests::{simulator, text};
use crate::facts::{self, VfFacts};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// Something that anyone may do to the machine.
#[derive(Clone, Debug)]
enum Deed {
    Write(String, String),
    Run(Vec<&'static str>),
    Reboot,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let vf = (1..3, 0..8_u8)
        .prop_map(|(bus, index)| format!("0000:0{bus}:1{:x}.{:x}", index / 4, index % 4 * 2));
    let pf = prop_oneof![3 => Just("0000:01:00.0"), 1 => Just("0000:02:00.0")];
    let device = prop_oneof![pf.clone().prop_map(str::to_owned), vf];
    let of_pf = |pf: &str, name| format!("/sys/bus/pci/devices/{pf}/{name}");
    let count = prop_oneof![
        (0..9_u16).prop_map(|count| count.to_string()),
        "[0-9x+ -]{0,3}"
    ];
    let action = prop_oneof![
        Just("igb/bind"),
        Just("igb/unbind"),
        Just("igbvf/bind"),
        Just("igbvf/unbind"),
        Just("vfio-pci/bind"),
        Just("vfio-pci/unbind"),
    ];
    let attribute = prop_oneof![
        Just(("driver_override", "vfio-pci")),
        Just(("driver_override", "\n")),
        Just(("reset_method", "default")),
        Just(("reset_method", "\n")),
    ];
    let deed = prop_oneof![
        4 => (pf.clone(), count).prop_map(move |(pf, count)| Deed::Write(of_pf(pf, "sriov_numvfs"), count)),
        1 => (pf, any::<bool>()).prop_map(move |(pf, on)| Deed::Write(of_pf(pf, "sriov_drivers_autoprobe"), u8::from(on).to_string())),
        3 => (action, device.clone()).prop_map(|(action, device)| Deed::Write(format!("/sys/bus/pci/drivers/{action}"), device)),
        2 => (attribute, device).prop_map(|((name, value), device)| {
            Deed::Write(format!("/sys/bus/pci/devices/{device}/{name}"), value.to_owned())
        }),
        1 => (prop_oneof![Just("enp1s0"), Just("enp2s0")], prop_oneof![Just("up"), Just("down")])
            .prop_map(|(name, state)| Deed::Run(vec!["ip", "link", "set", "dev", name, state])),
        1 => Just(Deed::Reboot),
    ];
    proptest::collection::vec(deed, 0..12)
}

async fn hold(host: &Simulator) {
    let ports = ["0000:00:03.0", "0000:00:04.0"].map(str::to_owned);
    let mut expected = BTreeSet::from(ports);
    for pf in [host.bdf(), host.second().unwrap()] {
        expected.insert(pf.to_string());
        let vfs = agreed(host, pf).await;
        expected.extend(vfs.iter().map(|vf| vf.bdf.to_string()));
    }
    let listed: BTreeSet<String> = host
        .list("/sys/bus/pci/devices")
        .await
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(
        listed, expected,
        "no VF without its link, no link without its VF"
    );
    let mut members = BTreeSet::new();
    for group in host.list("/sys/kernel/iommu_groups").await.unwrap() {
        for member in host
            .list(&format!("/sys/kernel/iommu_groups/{group}/devices"))
            .await
            .unwrap()
        {
            let link = host
                .link(&format!("/sys/bus/pci/devices/{member}/iommu_group"))
                .await
                .unwrap();
            assert!(
                link.ends_with(&format!("/{group}")),
                "{member} says {link}, is in {group}"
            );
            assert!(members.insert(member), "each function is in one group");
        }
    }
    assert_eq!(members, expected);
}

/// The VFs of a PF, wherever it tells of them.
async fn agreed(host: &Simulator, pf: Bdf) -> Vec<VfFacts> {
    let vfs = facts::vfs(host, pf).await.unwrap();
    assert_eq!(
        text(host, &sysfs::attribute(pf, "sriov_numvfs")).await,
        vfs.len().to_string()
    );
    let names = facts::names(host).await;
    let device = facts::device(host, pf, &names).await.unwrap();
    assert_eq!(
        usize::from(device.capabilities.sriov.as_ref().unwrap().num_vfs),
        vfs.len()
    );
    for vf in &vfs {
        assert_eq!(
            device.capabilities.sriov.as_ref().unwrap().vf(pf, vf.index),
            Some(vf.bdf)
        );
        let seen = facts::device(host, vf.bdf, &names).await.unwrap();
        assert_eq!(seen.physfn, Some(pf));
    }
    vfs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_written_the_kernel_stays_consistent(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let host = simulator("igb", "igbvf", None);
            for deed in deeds {
                match deed {
                    Deed::Write(path, text) => drop(host.write(&path, text.as_bytes()).await),
                    Deed::Run(argv) => assert!(host.run(&argv).await.unwrap().success() || !host.list("/sys/class/net").await.unwrap().contains(&argv[4].to_owned())),
                    Deed::Reboot => host.reboot().await.unwrap(),
                }
            }
            hold(&host).await;
        });
    }
}
