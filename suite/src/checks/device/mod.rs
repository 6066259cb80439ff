//! Area `device`: what the card, its firmware and its slot must offer before a virtual function is made.
//!
//! Nothing here touches the device: the checks judge what was read of it beforehand.

pub mod acs_path;
pub mod identity;
pub mod iommu_group;
pub mod link_up;
pub mod pcie_link;
pub mod sriov_capability;
mod vendor_knob;
pub mod vf_resources;

use std::time::Duration;

use anyhow::anyhow;
use harness::check::{Check, Problem};
use harness::pci::{Bdf, Capabilities};

/// In the order they run: each explains what the next would only find missing.
pub const CHECKS: &[&Check] = &[
    &identity::CHECK,
    &sriov_capability::CHECK,
    &acs_path::CHECK,
    &iommu_group::CHECK,
    &pcie_link::CHECK,
    &vf_resources::CHECK,
    &link_up::CHECK,
];

/// They only compute.
const LIMIT: Duration = Duration::from_secs(10);

/// An absent capability proves nothing where config space was not read to its end.
fn read_to_the_end(bdf: Bdf, capabilities: &Capabilities) -> Result<(), Problem> {
    if capabilities.complete {
        return Ok(());
    }
    Err(anyhow!("the config space of {bdf} could not be read to its end: run as root, and see whether the function still answers").into())
}

#[cfg(test)]
mod tests {
    use harness::facts::{Facts, SriovFacts, VfWindow};

    use super::{CHECKS, acs_path, pcie_link, sriov_capability, vf_resources};
    use crate::checks::fixture::{ask, facts, profile, recorded};

    const ROOT_PORT: &[u8] =
        include_bytes!("../../../../harness/src/facts/recorded/root-port.config");
    const IGB: &[u8] = include_bytes!("../../../../harness/src/facts/recorded/igb.config");
    const NVME: &[u8] = include_bytes!("../../../../harness/src/facts/recorded/nvme.config");

    fn igb() -> Facts {
        let window = |bar, start| VfWindow {
            bar,
            start,
            end: start + 0x1_ffff,
        };
        recorded(
            IGB,
            ROOT_PORT,
            vec![window(0, 0xc0_4000_0000), window(3, 0xc0_4002_0000)],
        )
    }

    fn nvme() -> Facts {
        let window = VfWindow {
            bar: 0,
            start: 0xfe40_4000,
            end: 0xfe41_3fff,
        };
        let mut facts = recorded(NVME, ROOT_PORT, vec![window]);
        let sriov = facts.device.sriov.unwrap();
        facts.device.sriov = Some(SriovFacts {
            totalvfs: 4,
            offset: 1,
            stride: 1,
            ..sriov
        });
        facts
    }

    #[test]
    fn a_good_device_passes_all() {
        for check in CHECKS {
            assert!(ask(check, profile(), facts()).is_ok(), "{}", check.id);
        }
    }

    #[test]
    fn the_recorded_82576_passes_by_its_own_registers() {
        for check in CHECKS {
            assert_eq!(ask(check, profile(), igb()).err(), None, "{}", check.id);
        }
        let link = ask(&pcie_link::CHECK, profile(), igb()).unwrap();
        assert_eq!(
            link,
            ["0000:01:00.0: runs at 2.5 GT/s x1, can 2.5 GT/s x1; its port can 16.0 GT/s x32"]
        );
        let port = ask(&acs_path::CHECK, profile(), igb()).unwrap();
        let expected = "0000:00:03.0 (root port): ACS required SV RR CR UF; can SV TB RR CR UF DT, set SV RR CR UF";
        assert_eq!(port, [expected]);
    }

    #[test]
    fn the_recorded_nvme_controller_passes_by_its_own_registers() {
        let mut profile = profile();
        profile.claims.total_vfs = Some(4);
        for check in [
            &acs_path::CHECK,
            &pcie_link::CHECK,
            &sriov_capability::CHECK,
            &vf_resources::CHECK,
        ] {
            assert_eq!(
                ask(check, profile.clone(), nvme()).err(),
                None,
                "{}",
                check.id
            );
        }
    }
}
