//! Every port above the device keeps peer-to-peer traffic away from it by access control services (ACS).
//!
//! Source: RHEL 9, 14.7.2, prerequisites (ACS for DMA isolation). What is required of which port: Linux 6.12
//! drivers/iommu/iommu.c, `REQ_ACS_FLAGS`, and drivers/pci/pci.c, `pci_acs_enabled` and `pci_acs_flags_enabled`.

use std::collections::BTreeSet;

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::{Facts, Port};
use harness::need::Need;
use harness::pci::capability::{AcsControl, PortType};
use harness::require;

use super::{LIMIT, read_to_the_end};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "device::acs_path",
    proves: "every port above the device isolates it by access control services",
    source: "RHEL 9, 14.7.2, prerequisites: ACS; Linux 6.12 drivers/iommu/iommu.c, REQ_ACS_FLAGS",
    needs: &[Need::Express],
    limit: LIMIT,
    provokes: &[],
    findings: &[&MISSING, &HIDDEN],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const MISSING: Finding = Finding::device(
    "acs-missing",
    "A port above the device does not force peer-to-peer traffic through the IOMMU, so a guest with a VF can reach other devices \
     behind that port, and they its memory.",
    "Switch on `ACS` (sometimes below `PCIe` or `AMD CBS / NBIO`) in the firmware setup, or put the card into a slot whose root port \
     has ACS (lspci -vvv, `ACSCap` and `ACSCtl`). Remove pci=disable_acs_redir from the kernel command line. Do not use \
     pcie_acs_override.",
);
const HIDDEN: Finding = Finding::device(
    "pcie-path-hidden",
    "The device is an endpoint that must have a port above it, but none is to be seen: a virtual machine hides the topology. \
     Nothing can be proven about isolation.",
    "Certify the device in the machine that it is plugged into; in a virtual machine put it behind a root port (pcie-root-port).",
);

fn run(bench: &mut Bench) -> Answer {
    let facts = bench.facts.clone();
    let (bdf, kind) = (
        facts.device.bdf,
        facts
            .device
            .capabilities
            .express
            .as_ref()
            .map(|express| express.port),
    );
    let ports = facts.device.path.len();
    let root_complex = kind == Some(PortType::RootComplexEndpoint);
    require!(
        bench,
        ports > 0 || root_complex,
        HIDDEN,
        "{bdf}: {ports} ports above it; it is {}a part of the root complex",
        if root_complex { "" } else { "not " }
    );
    for port in &facts.device.path {
        read_to_the_end(port.bdf, &port.capabilities)?;
        bench.log.note(describe(port))?;
    }
    let in_use = facts.host.iommu.groups > 0;
    if !in_use {
        let text = "no IOMMU is in use, and only with one the kernel switches ACS on: judged is what the ports can";
        bench.log.note(text.into())?;
    }
    for port in &facts.device.path {
        let missing = named(&missing(port, in_use));
        let (holds, by) = if missing == "none" {
            (true, "")
        } else {
            (vouched(&facts, port), VOUCHED)
        };
        require!(
            bench,
            holds,
            MISSING,
            "{}; missing {missing}{}",
            describe(port),
            if holds { by } else { "" }
        );
    }
    Ok(())
}

/// What a port lacks. The kernel switches ACS on when it sets up an IOMMU, and leaves it off otherwise (Linux 6.12
/// drivers/iommu/intel/dmar.c, `detect_intel_iommu`, and drivers/pci/pci.c, `pci_request_acs`), so that without an IOMMU
/// `in_use` only the capability can be asked for. A control that a port cannot switch counts as always on, as `pci_acs_flags_enabled` has it; a port
/// without the capability lacks all. The upstream port of a switch has one only where it is one of several functions.
fn missing(port: &Port, in_use: bool) -> Vec<AcsControl> {
    let kind = port
        .capabilities
        .express
        .as_ref()
        .map(|express| express.port);
    let may_do_without = kind == Some(PortType::UpstreamPort);
    match (&port.capabilities.acs, kind) {
        (
            Some(acs),
            Some(PortType::RootPort | PortType::DownstreamPort | PortType::UpstreamPort),
        ) => {
            let lacks = |control: &AcsControl| {
                in_use && acs.capable.contains(control) && !acs.enabled.contains(control)
            };
            AcsControl::REQUIRED.into_iter().filter(lacks).collect()
        }
        (None, _) if may_do_without => Vec::new(),
        _ => AcsControl::REQUIRED.to_vec(),
    }
}

const VOUCHED: &str = ", but the kernel knows the port to isolate in its own way";

/// Some ports isolate without showing ACS, and the kernel knows them (Linux 6.12 drivers/pci/quirks.c,
/// `pci_dev_acs_enabled`). It puts a port that does not isolate into one group with all that is behind it, so a port
/// outside the device's group is one of those: unless the kernel was told to pretend.
fn vouched(facts: &Facts, port: &Port) -> bool {
    let apart = facts
        .device
        .iommu_group
        .as_ref()
        .is_some_and(|group| !group.members.contains(&port.bdf));
    apart && !facts.host.command_line.contains("pcie_acs_override")
}

fn describe(port: &Port) -> String {
    let kind = port
        .capabilities
        .express
        .as_ref()
        .map_or("conventional bridge", |express| kind_name(express.port));
    let acs = match &port.capabilities.acs {
        None => "no ACS capability".to_owned(),
        Some(acs) => format!("can {}, set {}", named(&acs.capable), named(&acs.enabled)),
    };
    format!(
        "{} ({kind}): ACS required {}; {acs}",
        port.bdf,
        named(&AcsControl::REQUIRED)
    )
}

fn kind_name(kind: PortType) -> &'static str {
    match kind {
        PortType::RootPort => "root port",
        PortType::UpstreamPort => "upstream port",
        PortType::DownstreamPort => "downstream port",
        PortType::PciBridge | PortType::PcieBridge => "bridge to conventional PCI",
        _ => "unexpected port",
    }
}

/// As `lspci` has them, in the order of their bits.
fn named<'a>(controls: impl IntoIterator<Item = &'a AcsControl>) -> String {
    let controls: BTreeSet<_> = controls.into_iter().copied().collect();
    let names: Vec<_> = controls.into_iter().map(AcsControl::name).collect();
    if names.is_empty() {
        "none".into()
    } else {
        names.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use harness::facts::Facts;
    use harness::pci::capability::{AcsControl, PortType};

    use super::{CHECK, missing};
    use crate::checks::fixture::{ask, bdf, facts, profile, root_port};

    fn of_kind(kind: PortType) -> harness::facts::Port {
        let mut port = root_port("00:03.0");
        port.capabilities.express.as_mut().unwrap().port = kind;
        port
    }

    /// As the kernel groups where a port does not isolate: together with the port.
    fn shared(mut facts: Facts) -> Facts {
        facts.device.iommu_group.as_mut().unwrap().members = vec![bdf("00:03.0"), bdf("01:00.0")];
        facts
    }

    #[test]
    fn a_pass_reports_each_port() {
        let notes = ask(&CHECK, profile(), facts()).unwrap();
        assert_eq!(
            notes,
            [
                "0000:00:03.0 (root port): ACS required SV RR CR UF; can SV TB RR CR UF, set SV RR CR UF"
            ]
        );
    }

    #[test]
    fn a_switched_off_control_is_named_with_its_port() {
        let mut facts = shared(facts());
        facts.device.path[0]
            .capabilities
            .acs
            .as_mut()
            .unwrap()
            .enabled
            .remove(&AcsControl::Rr);
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert_eq!(
            told,
            "acs-missing: 0000:00:03.0 (root port): ACS required SV RR CR UF; can SV TB RR CR UF, set SV CR UF; missing RR"
        );
    }

    #[test]
    fn without_an_iommu_in_use_the_capability_is_enough() {
        let mut facts = facts();
        facts.host.iommu.groups = 0;
        facts.device.iommu_group = None;
        let port = &mut facts.device.path[0];
        port.capabilities.acs.as_mut().unwrap().enabled.clear();
        let notes = ask(&CHECK, profile(), facts.clone()).unwrap();
        assert!(notes[1].starts_with("no IOMMU is in use"), "{notes:?}");
        facts.device.path[0].capabilities.acs = None;
        assert!(ask(&CHECK, profile(), facts).is_err());
    }

    #[test]
    fn a_port_without_the_capability_lacks_all() {
        let mut facts = shared(facts());
        facts.device.path[0].capabilities.acs = None;
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert!(
            told.ends_with("no ACS capability; missing SV RR CR UF"),
            "{told}"
        );
    }

    #[test]
    fn the_kernel_may_vouch_for_a_port_unless_it_was_told_to() {
        let mut facts = facts();
        facts.device.path[0].capabilities.acs = None;
        assert!(
            ask(&CHECK, profile(), facts.clone()).is_ok(),
            "the port is not in the device's group"
        );
        facts.host.command_line = "pcie_acs_override=downstream".into();
        assert!(ask(&CHECK, profile(), facts.clone()).is_err());
        facts.host.command_line.clear();
        facts.device.iommu_group = None;
        assert!(
            ask(&CHECK, profile(), facts).is_err(),
            "without groups nobody vouches"
        );
    }

    #[test]
    fn each_kind_of_port_by_its_rule() {
        let mut upstream = of_kind(PortType::UpstreamPort);
        upstream.capabilities.acs = None;
        assert_eq!(missing(&upstream, true), []);
        assert_eq!(missing(&of_kind(PortType::PciBridge), true).len(), 4);
        let mut hard_wired = of_kind(PortType::DownstreamPort);
        hard_wired
            .capabilities
            .acs
            .as_mut()
            .unwrap()
            .capable
            .remove(&AcsControl::Uf);
        hard_wired
            .capabilities
            .acs
            .as_mut()
            .unwrap()
            .enabled
            .remove(&AcsControl::Uf);
        assert_eq!(
            missing(&hard_wired, true),
            [],
            "what cannot be switched is always on"
        );
        let mut conventional = root_port("00:03.0");
        conventional.capabilities.express = None;
        assert_eq!(missing(&conventional, true).len(), 4);
    }

    #[test]
    fn without_ports_only_the_root_complex_passes() {
        let mut facts = facts();
        facts.device.path.clear();
        let told = ask(&CHECK, profile(), facts.clone()).unwrap_err();
        assert_eq!(
            told,
            "pcie-path-hidden: 0000:01:00.0: 0 ports above it; it is not a part of the root complex"
        );
        facts.device.capabilities.express.as_mut().unwrap().port = PortType::RootComplexEndpoint;
        assert_eq!(ask(&CHECK, profile(), facts), Ok(vec![]));
    }

    #[test]
    fn an_unread_port_breaks_the_bench() {
        let mut facts = facts();
        facts.device.path[0].capabilities.complete = false;
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert!(
            told.starts_with(
                "bench: the config space of 0000:00:03.0 could not be read to its end"
            ),
            "{told}"
        );
    }
}
