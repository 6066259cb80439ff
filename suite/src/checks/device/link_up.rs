//! Every network interface of the physical function is up and has a link.
//!
//! Source: RHEL 9, 14.7.2, prerequisites (the interface is running: `UP,LOWER_UP`). Linux 6.12 net/core/net-sysfs.c,
//! `carrier_show`: there is no carrier to be read while an interface is down.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::NetFacts;
use harness::need::Need;
use harness::require;

use super::LIMIT;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "device::link_up",
    proves: "every network interface of the physical function is up and has a link",
    source: "RHEL 9, 14.7.2, prerequisites: ip link set eth1 up",
    needs: &[Need::Nic, Need::Netdev],
    limit: LIMIT,
    provokes: &[],
    findings: &[&DOWN, &NO_CARRIER],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const DOWN: Finding = Finding::device(
    "interface-down",
    "The interface is switched off. VFs of a PF that is down have no link, and some drivers (bnx2x) refuse to create any.",
    "ip link set IFACE up; for good: nmcli connection modify IFACE connection.autoconnect yes && nmcli connection up IFACE",
)
.on_debian("ip link set IFACE up; for good: add `auto IFACE` and `iface IFACE inet manual` to /etc/network/interfaces.");
const NO_CARRIER: Finding = Finding::device(
    "no-carrier",
    "The interface is switched on but sees no link partner: no cable, no or a wrong transceiver, or the other end is off.",
    "Connect the port to a partner that is up (another port of the card will do); look with: ethtool IFACE; ethtool -m IFACE",
);

fn run(bench: &mut Bench) -> Answer {
    let facts = bench.facts.clone();
    for net in &facts.device.net {
        let name = &net.name;
        require!(
            bench,
            net.up,
            DOWN,
            "{name} is {}",
            if net.up { "up" } else { "down (no IFF_UP)" }
        );
        let linked = net.carrier == Some(true);
        require!(
            bench,
            linked,
            NO_CARRIER,
            "{name} has {}",
            if linked { "a carrier" } else { "no carrier" }
        );
        bench.log.note(format!("{name}: {}", speed(net)))?;
    }
    Ok(())
}

fn speed(net: &NetFacts) -> String {
    net.speed
        .map_or_else(|| "speed unknown".into(), |speed| format!("{speed} Mbit/s"))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::fixture::{ask, facts, profile};

    #[test]
    fn a_link_passes_with_its_speed() {
        let mut facts = facts();
        assert_eq!(
            ask(&CHECK, profile(), facts.clone()).unwrap(),
            ["enp1s0: 1000 Mbit/s"]
        );
        facts.device.net[0].speed = None;
        assert_eq!(
            ask(&CHECK, profile(), facts).unwrap(),
            ["enp1s0: speed unknown"]
        );
    }

    #[test]
    fn down_and_without_carrier_are_told_apart() {
        let mut facts = facts();
        facts.device.net[0].carrier = Some(false);
        assert_eq!(
            ask(&CHECK, profile(), facts.clone()).unwrap_err(),
            "no-carrier: enp1s0 has no carrier"
        );
        facts.device.net[0].up = false;
        facts.device.net[0].carrier = None;
        assert_eq!(
            ask(&CHECK, profile(), facts).unwrap_err(),
            "interface-down: enp1s0 is down (no IFF_UP)"
        );
    }

    #[test]
    fn every_interface_counts() {
        let mut facts = facts();
        let mut second = facts.device.net[0].clone();
        second.name = "enp1s0np1".into();
        second.up = false;
        facts.device.net.push(second);
        assert!(
            ask(&CHECK, profile(), facts)
                .unwrap_err()
                .contains("enp1s0np1")
        );
    }
}
