//! Which network interfaces the machine and the ssh connection depend on, through bridges, bonds and VLANs.

use std::collections::BTreeSet;
use std::io;

use futures_util::future::try_join4;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ssh;
use crate::facts::command;
use crate::machine::Host;

/// The interfaces of a machine, and those among them that must stay.
#[derive(Debug, Default)]
pub(super) struct Network {
    needed: Vec<Needed>,
    /// What is lost with an interface, though nothing may need it.
    addresses: Vec<Needed>,
    links: Vec<Link>,
}

/// An interface that must stay, and why, as the end of "… carries".
#[derive(Debug, PartialEq, Eq)]
struct Needed {
    interface: String,
    what: String,
}

/// One of `ip -j -d link show`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names are those of ip")]
struct Link {
    ifname: String,
    /// The bridge or bond it is a port of.
    master: Option<String>,
    /// The interface it is built on: of a VLAN, a macvlan or a macvtap. Of a veth its other end.
    link: Option<String>,
    linkinfo: LinkInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LinkInfo {
    info_kind: String,
}

impl Link {
    fn lower(&self) -> Option<&str> {
        self.link
            .as_deref()
            .filter(|_| self.linkinfo.info_kind != "veth")
    }
}

/// One of `ip -j route show default`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Route {
    dev: Option<String>,
    /// Of a route over several interfaces.
    nexthops: Vec<Hop>,
}

#[derive(Debug, Deserialize)]
struct Hop {
    dev: String,
}

/// One of `ip -j addr show`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Addresses {
    ifname: String,
    addr_info: Vec<Address>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    family: String,
    local: String,
    /// Those of scope `link` come back by themselves with the interface.
    scope: String,
}

impl Network {
    pub(super) async fn read(host: &dyn Host) -> io::Result<Self> {
        let addresses = ask::<Addresses>(host, &["ip", "-j", "addr", "show"]);
        let links = ask::<Link>(host, &["ip", "-j", "-d", "link", "show"]);
        let v4 = ask::<Route>(host, &["ip", "-j", "route", "show", "default"]);
        let v6 =
            async { Ok(ask::<Route>(host, &["ip", "-6", "-j", "route", "show", "default"]).await) };
        let (addresses, links, v4, v6) = try_join4(addresses, links, v4, v6).await?;
        // A kernel without IPv6 refuses the question, and then has no IPv6 address either.
        let has_v6 = addresses
            .iter()
            .flat_map(|all| &all.addr_info)
            .any(|address| address.family == "inet6");
        let v6 = if has_v6 { v6? } else { v6.unwrap_or_default() };
        let mut needed = default_routes("IPv4", v4);
        needed.extend(default_routes("IPv6", v6));
        needed.extend(
            ssh::server_address(host)
                .await
                .and_then(|address| ssh_connection(&address, &addresses)),
        );
        let addresses = addresses.iter().flat_map(addresses_of).collect();
        Ok(Self {
            needed,
            addresses,
            links,
        })
    }

    /// Why an interface must stay, one sentence a reason.
    pub(super) fn reasons(&self, name: &str) -> Vec<String> {
        let carries = self
            .needed
            .iter()
            .filter_map(|needed| self.carries(name, needed));
        let own = self.addresses.iter().filter(|own| own.interface == name);
        let own = own.map(|own| format!("{name} carries {}", own.what));
        let above = self.links.iter().filter_map(|link| above(name, link));
        carries.chain(own).chain(above).collect()
    }

    fn carries(&self, name: &str, needed: &Needed) -> Option<String> {
        let Needed { interface, what } = needed;
        if interface == name {
            return Some(format!("{name} carries {what}"));
        }
        self.below(interface)
            .contains(name)
            .then(|| format!("{name} carries {what}, by way of {interface}"))
    }

    /// Everything an interface depends on, itself included.
    fn below<'a>(&'a self, interface: &'a str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut next = vec![interface];
        while let Some(name) = next.pop() {
            if seen.insert(name) {
                let ports = self
                    .links
                    .iter()
                    .filter(|link| link.master.as_deref() == Some(name));
                next.extend(ports.map(|link| link.ifname.as_str()));
                let own = self.links.iter().filter(|link| link.ifname == name);
                next.extend(own.filter_map(Link::lower));
            }
        }
        seen
    }
}

/// An address is lost when the driver is taken from the interface, and no undo knows it.
fn addresses_of(interface: &Addresses) -> impl Iterator<Item = Needed> {
    let global = interface
        .addr_info
        .iter()
        .filter(|address| address.scope == "global");
    global.map(|address| Needed {
        interface: interface.ifname.clone(),
        what: format!(
            "the address {}, which would be lost (`ip addr flush dev {}` frees it)",
            address.local, interface.ifname
        ),
    })
}

/// That nobody reaches anything through it now does not make a port free.
fn above(name: &str, link: &Link) -> Option<String> {
    match (&link.ifname, &link.master, link.lower()) {
        (own, Some(master), _) if own == name => Some(format!("{name} is a port of {master}")),
        (other, _, Some(lower)) if lower == name => Some(format!("{other} is built on {name}")),
        _ => None,
    }
}

fn default_routes(family: &str, routes: Vec<Route>) -> Vec<Needed> {
    let hops = |route: Route| {
        route
            .dev
            .into_iter()
            .chain(route.nexthops.into_iter().map(|hop| hop.dev))
    };
    let interfaces: BTreeSet<String> = routes.into_iter().flat_map(hops).collect();
    let what = format!("the {family} default route");
    interfaces
        .into_iter()
        .map(|interface| Needed {
            interface,
            what: what.clone(),
        })
        .collect()
}

/// A link-local address ends with `%` and its interface, which `ip` does not print.
fn ssh_connection(server: &str, all: &[Addresses]) -> Option<Needed> {
    let (address, zone) = server
        .split_once('%')
        .map_or((server, None), |(address, zone)| (address, Some(zone)));
    let has = |interface: &&Addresses| interface.addr_info.iter().any(|info| info.local == address);
    let interface = zone.or_else(|| all.iter().find(has).map(|found| found.ifname.as_str()))?;
    Some(Needed {
        interface: interface.to_owned(),
        what: format!("the ssh connection to {address}"),
    })
}

async fn ask<T: DeserializeOwned>(host: &dyn Host, argv: &[&str]) -> io::Result<Vec<T>> {
    let text = command::run(host, argv).await?;
    parse(&text).map_err(|error| {
        io::Error::other(format!(
            "`{}` printed what cannot be understood: {error}",
            argv.join(" ")
        ))
    })
}

/// Older versions of `ip` print nothing where there is nothing.
fn parse<T: DeserializeOwned>(text: &str) -> serde_json::Result<Vec<T>> {
    if text.trim().is_empty() {
        Ok(Vec::new())
    } else {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{Recorded, lab, run};

    /// Recorded in a network namespace: enp1s0 is a port of br0, which has an IPv4 default route
    /// and half an IPv6 one, enp3s0 has the other half, a macvlan and a macvtap are built on
    /// enp2s0. The enp are veth, whose other ends are called far.
    fn bridged() -> Recorded {
        lab()
            .prints(
                "ip -j -d link show",
                include_str!("../recorded/bridged-link.json"),
            )
            .prints(
                "ip -j addr show",
                include_str!("../recorded/bridged-addr.json"),
            )
            .prints(
                "ip -j route show default",
                include_str!("../recorded/bridged-route4.json"),
            )
            .prints(
                "ip -6 -j route show default",
                include_str!("../recorded/bridged-route6.json"),
            )
    }

    fn reasons(machine: &Recorded, interface: &str) -> Vec<String> {
        run(Network::read(machine)).unwrap().reasons(interface)
    }

    #[test]
    fn nothing_hangs_on_the_interfaces_of_the_lab() {
        assert_eq!(reasons(&lab(), "enp1s0"), Vec::<String>::new());
    }

    #[test]
    fn default_routes_go_through_bridges_and_several_hops() {
        let expected = [
            "enp1s0 carries the IPv4 default route, by way of br0",
            "enp1s0 carries the IPv6 default route, by way of br0",
            "enp1s0 is a port of br0",
        ];
        assert_eq!(reasons(&bridged(), "enp1s0"), expected);
        assert_eq!(
            reasons(&bridged(), "enp3s0"),
            [
                "enp3s0 carries the IPv6 default route",
                "enp3s0 carries the address fd00::2, which would be lost (`ip addr flush dev enp3s0` frees it)"
            ]
        );
        assert_eq!(reasons(&bridged(), "far1"), Vec::<String>::new());
    }

    #[test]
    fn what_is_built_on_an_interface_keeps_it() {
        assert_eq!(
            reasons(&bridged(), "enp2s0"),
            [
                "on-macvlan is built on enp2s0",
                "on-macvtap is built on enp2s0"
            ]
        );
    }

    #[test]
    fn a_vlan_on_a_bond_reaches_both_its_ports() {
        let links = r#"[{"ifname":"a","master":"bond0"},{"ifname":"b","master":"bond0"},
            {"ifname":"bond0"},{"ifname":"bond0.5","link":"bond0"},{}]"#;
        let route = r#"[{"dst":"default","gateway":"192.0.2.1","dev":"bond0.5","flags":[]}]"#;
        let machine = lab()
            .prints("ip -j -d link show", links)
            .prints("ip -j route show default", route);
        let expected = "carries the IPv4 default route, by way of bond0.5";
        assert_eq!(reasons(&machine, "a")[0], format!("a {expected}"));
        assert_eq!(reasons(&machine, "b")[0], format!("b {expected}"));
    }

    #[test]
    fn a_ring_of_links_ends() {
        let links = r#"[{"ifname":"a","link":"b"},{"ifname":"b","link":"a"}]"#;
        let network = Network {
            links: parse(links).unwrap(),
            ..Network::default()
        };
        assert_eq!(network.below("a"), BTreeSet::from(["a", "b"]));
    }

    #[test]
    fn the_ssh_connection_is_found_by_its_address_or_its_zone() {
        let over = |address: &str| {
            bridged().file(
                "/proc/self/environ",
                format!("TERM=vt\0SSH_CONNECTION=192.0.2.9 5 {address} 22\0"),
            )
        };
        let expected = "enp1s0 carries the ssh connection to 192.0.2.2, by way of br0";
        assert!(reasons(&over("192.0.2.2"), "enp1s0").contains(&expected.to_owned()));
        assert_eq!(reasons(&over("192.0.2.2"), "enp2s0").len(), 2);
        let local = reasons(&over("fe80::1%enp2s0"), "enp2s0");
        assert_eq!(local[0], "enp2s0 carries the ssh connection to fe80::1");
    }

    #[test]
    fn a_kernel_without_ipv6_has_no_ipv6_route() {
        let refused = bridged().fails(
            "ip -6 -j route show default",
            2,
            "RTNETLINK answers: Operation not supported",
        );
        let error = run(Network::read(&refused)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`ip -6 -j route show default` ended with 2: RTNETLINK answers: Operation not supported"
        );
        let without = refused.prints("ip -j addr show", r#"[{"ifname":"lo","addr_info":[]}]"#);
        assert_eq!(reasons(&without, "enp3s0"), Vec::<String>::new());
    }

    #[test]
    fn nothing_printed_is_nothing_there_and_nonsense_an_error() {
        assert!(parse::<Route>("\n").unwrap().is_empty());
        let error = run(Network::read(&lab().prints("ip -j addr show", "1: lo"))).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`ip -j addr show` printed what cannot be understood"),
            "{error}"
        );
    }
}
