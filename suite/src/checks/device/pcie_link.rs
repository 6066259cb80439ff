//! The PCI Express link runs at the full width that the device and its port both have.
//!
//! Source: Linux 6.12 include/uapi/linux/pci_regs.h, `PCI_EXP_LNKCAP_MLW` and `PCI_EXP_LNKSTA_NLW`; drivers/pci/pci.c,
//! `__pcie_print_link_status`, which warns of the same.
//!
//! The speed is noted and not judged: hardware may lower it by itself to save power (`PCI_EXP_LNKSTA_LABS`,
//! `PCI_EXP_LNKCTL2_HASD`), and firmware may cap it (`PCI_EXP_LNKCTL2_TLS`), so a lower one proves no defect. Lanes that are
//! missing on a device in use are a seating, slot or board matter.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::DeviceFacts;
use harness::need::Need;
use harness::pci::capability::{Express, Link, PortType};
use harness::require;

use super::LIMIT;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "device::pcie_link",
    proves: "the PCI Express link runs at the full width of the device and its port",
    source: "Linux 6.12 drivers/pci/pci.c, __pcie_print_link_status",
    needs: &[Need::Express],
    limit: LIMIT,
    provokes: &[],
    findings: &[&NO_LINK, &NARROW],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const NO_LINK: Finding = Finding::device(
    "pcie-link-unknown",
    "The device says that its link has no lanes, or has no link although it is not part of the root complex.",
    "Power the machine off and on and read the registers again: lspci -vvv, `LnkCap` and `LnkSta`. If they stay so, the card or its \
     firmware is defective.",
);
const NARROW: Finding = Finding::device(
    "pcie-link-narrow",
    "The link runs with fewer lanes than the device and the port above it both have, so the card cannot reach its throughput.",
    "Reseat the card; look whether the slot has all its lanes wired and none is shared with another slot (the board's manual, \
     bifurcation in the firmware setup); try another slot.",
);

fn run(bench: &mut Bench) -> Answer {
    let facts = bench.facts.clone();
    let device = &facts.device;
    let (bdf, Some(express)) = (device.bdf, &device.capabilities.express) else {
        return Err(anyhow::anyhow!(
            "the plan lets this check run only where the capability was read"
        )
        .into());
    };
    let (Some(can), Some(runs)) = (express.link_capability, express.link_status) else {
        return without_link(bench, express);
    };
    let port = port_link(device);
    require!(
        bench,
        can.width > 0,
        NO_LINK,
        "{bdf}: LnkCap says x{}",
        can.width
    );
    bench.log.note(format!(
        "{bdf}: runs at {}, can {}; its port can {}",
        show(runs),
        show(can),
        port.map_or("unknown".into(), show)
    ))?;
    let wanted = wanted(can, port);
    require!(
        bench,
        runs.width >= wanted,
        NARROW,
        "{bdf}: LnkSta says x{}, device and port both have x{wanted}",
        runs.width
    );
    Ok(())
}

/// Only inside the root complex there is no link.
fn without_link(bench: &mut Bench, express: &Express) -> Answer {
    let inside = express.port == PortType::RootComplexEndpoint;
    require!(
        bench,
        inside,
        NO_LINK,
        "{}: no link registers, and it is {}a part of the root complex",
        bench.pf(),
        if inside { "" } else { "not " }
    );
    Ok(())
}

/// What the port at the other end of the link can do, where it says.
fn port_link(device: &DeviceFacts) -> Option<Link> {
    let express = device.path.last()?.capabilities.express.as_ref()?;
    express.link_capability.filter(|link| link.width > 0)
}

fn wanted(device: Link, port: Option<Link>) -> u8 {
    port.map_or(device.width, |port| port.width.min(device.width))
}

fn show(link: Link) -> String {
    let speed = link
        .speed
        .map_or_else(|| "unknown speed".into(), |speed| speed.to_string());
    format!("{speed} x{}", link.width)
}

#[cfg(test)]
mod tests {
    use harness::facts::Facts;
    use harness::pci::capability::{Express, LinkSpeed, PortType};

    use super::CHECK;
    use crate::checks::fixture::{ask, facts, profile};

    fn express(facts: &mut Facts) -> &mut Express {
        facts.device.capabilities.express.as_mut().unwrap()
    }

    #[test]
    fn full_width_passes_and_says_how() {
        let notes = ask(&CHECK, profile(), facts()).unwrap();
        assert_eq!(
            notes,
            ["0000:01:00.0: runs at 5.0 GT/s x4, can 5.0 GT/s x4; its port can 5.0 GT/s x4"]
        );
    }

    #[test]
    fn lost_lanes_fail() {
        let mut facts = facts();
        express(&mut facts).link_status.as_mut().unwrap().width = 1;
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert_eq!(
            told,
            "pcie-link-narrow: 0000:01:00.0: LnkSta says x1, device and port both have x4"
        );
    }

    #[test]
    fn a_narrow_port_is_no_fault_of_the_device() {
        let mut facts = facts();
        express(&mut facts).link_status.as_mut().unwrap().width = 2;
        let port = facts.device.path[0].capabilities.express.as_mut().unwrap();
        port.link_capability.as_mut().unwrap().width = 2;
        assert!(ask(&CHECK, profile(), facts).is_ok());
    }

    #[test]
    fn a_lower_speed_is_only_noted() {
        let mut facts = facts();
        express(&mut facts).link_status.as_mut().unwrap().speed = Some(LinkSpeed::Gt2_5);
        let notes = ask(&CHECK, profile(), facts).unwrap();
        assert!(
            notes[0].contains("runs at 2.5 GT/s x4, can 5.0 GT/s x4"),
            "{notes:?}"
        );
    }

    #[test]
    fn a_link_without_lanes_is_unknown() {
        let mut facts = facts();
        express(&mut facts).link_capability.as_mut().unwrap().width = 0;
        assert_eq!(
            ask(&CHECK, profile(), facts).unwrap_err(),
            "pcie-link-unknown: 0000:01:00.0: LnkCap says x0"
        );
    }

    #[test]
    fn only_the_root_complex_does_without_a_link() {
        let mut facts = facts();
        express(&mut facts).link_status = None;
        let told = ask(&CHECK, profile(), facts.clone()).unwrap_err();
        assert_eq!(
            told,
            "pcie-link-unknown: 0000:01:00.0: no link registers, and it is not a part of the root complex"
        );
        express(&mut facts).port = PortType::RootComplexEndpoint;
        assert!(ask(&CHECK, profile(), facts).is_ok());
    }
}
