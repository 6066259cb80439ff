//! `ip` of iproute2: links, addresses and routes, as JSON and as changes.

use serde_json::{Value, json};

use crate::machine::Output;

use super::World;
use super::commands::{failed, printed};
use super::fault::Fault;
use super::function::{Device, Function, Interface};

/// The interface by which the machine is reached; it has nothing to do with the device.
const MANAGEMENT: &str = "mgmt0";

/// Runs `ip` with these arguments.
pub(super) fn run(world: &mut World, arguments: &[&str]) -> Output {
    let (options, words): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .partition(|argument| argument.starts_with('-'));
    match words.as_slice() {
        ["link", "set", "dev", name, setting @ ..] => set(world, name, setting),
        ["link", "show" | "list"] | ["link"] => print(links(world)),
        ["link", "show", "dev", name] => match owned_link(world, name) {
            Some(link) => print(vec![link]),
            None => failed(1, &format!("Device \"{name}\" does not exist.")),
        },
        ["addr" | "address", "show" | "list"] | ["addr" | "address"] => print(addresses(world)),
        ["route", "show", "default"] => print(if options.contains(&"-6") {
            vec![]
        } else {
            default_route()
        }),
        _ => failed(
            255,
            &format!(
                "the simulated `ip` does not know `ip {}`",
                arguments.join(" ")
            ),
        ),
    }
}

/// Errors as iproute2 prints those of netlink: what the kernel says of an MTU, and nothing else here.
fn set(world: &mut World, name: &str, setting: &[&str]) -> Output {
    let Some(bdf) = world.owner(name).map(|function| function.bdf) else {
        return failed(1, &format!("Cannot find device \"{name}\""));
    };
    match setting {
        ["up"] => world.at(bdf, |world| world.set_up(name, true)),
        ["down"] => world.at(bdf, |world| world.set_up(name, false)),
        ["mtu", text] => {
            let Ok(mtu) = text.parse() else {
                return failed(
                    255,
                    &format!("Error: argument \"{text}\" is wrong: Invalid \"mtu\" value"),
                );
            };
            if let Err(bad) = world.at(bdf, |world| world.set_mtu(name, mtu)) {
                return failed(2, &format!("Error: {}.", bad.0));
            }
        }
        ["vf", index, "max_tx_rate", rate] => return set_rate(world, name, index, rate),
        _ => {
            return failed(
                255,
                &format!(
                    "the simulated `ip link set` does not know `{}`",
                    setting.join(" ")
                ),
            );
        }
    }
    printed("")
}

/// As igb takes it: with a link, and not above its speed (Linux 6.12 drivers/net/ethernet/intel/igb/igb_main.c,
/// `igb_ndo_set_vf_bw`).
fn set_rate(world: &mut World, name: &str, index: &str, rate: &str) -> Output {
    let refused = world.model.has(Fault::RateRefused);
    let speed = world.model.row.speed;
    let mut devices = world.devices_mut();
    let device = devices.find(|device| device.pf.interface_named(name).is_some());
    let linked = |device: &&mut Device| {
        let interface = device.pf.interface_named(name);
        interface.is_some_and(|own| own.carrier)
    };
    let rate = rate.parse().ok().filter(|rate| *rate <= speed && !refused);
    let vf = device.filter(linked).and_then(|device| {
        let index: usize = index.parse().ok()?;
        device.vfs.get_mut(index)
    });
    let (Some(rate), Some(vf)) = (rate, vf) else {
        return failed(2, "RTNETLINK answers: Invalid argument");
    };
    vf.rate = rate;
    printed("")
}

fn print(objects: Vec<Value>) -> Output {
    printed(format!("{}\n", Value::Array(objects)))
}

fn links(world: &World) -> Vec<Value> {
    let own = world
        .functions()
        .filter_map(|function| function.interface.as_ref());
    let mtu = [*world.model.row.mtu.start(), world.model.max_mtu];
    let own = own
        .enumerate()
        .map(|(number, interface)| link(number + 3, interface, mtu));
    let management = Interface {
        name: MANAGEMENT.into(),
        mac: [2, 0, 0, 0, 0, 1],
        since: world.booted,
        up: true,
        carrier: true,
        mtu: 1500,
        was_down: false,
    };
    [loopback(), link(2, &management, [68, 9216])]
        .into_iter()
        .chain(own)
        .collect()
}

/// One link by name; the PF's with what its driver knows of each VF, as seen with QEMU's igb.
fn owned_link(world: &World, name: &str) -> Option<Value> {
    let mut links = links(world).into_iter();
    let mut link = links.find(|link| link["ifname"] == name)?;
    let mut devices = world.devices();
    if let Some(device) = devices.find(|device| device.pf.interface_named(name).is_some()) {
        let vfs = device.vfs.iter().enumerate();
        link["vfinfo_list"] = vfs.map(|(index, vf)| vf_info(index, vf)).collect();
    }
    Some(link)
}

fn vf_info(index: usize, vf: &Function) -> Value {
    json!({
        "vf": index, "link_type": "ether", "address": vf.address.as_deref().unwrap_or("00:00:00:00:00:00"),
        "broadcast": "ff:ff:ff:ff:ff:ff", "vlan_list": [{}], "rate": {"max_tx": vf.rate, "min_tx": 0},
        "spoofchk": true, "link_state": "auto", "trust": false,
    })
}

fn loopback() -> Value {
    json!({
        "ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536, "qdisc": "noqueue",
        "operstate": "UNKNOWN", "linkmode": "DEFAULT", "group": "default", "txqlen": 1000,
        "link_type": "loopback", "address": "00:00:00:00:00:00", "broadcast": "00:00:00:00:00:00",
    })
}

fn link(index: usize, interface: &Interface, mtu: [u32; 2]) -> Value {
    let flags: &[&str] = match (interface.up, interface.carrier) {
        (true, true) => &["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
        (true, false) => &["NO-CARRIER", "BROADCAST", "MULTICAST", "UP"],
        (false, _) => &["BROADCAST", "MULTICAST"],
    };
    let mac: Vec<String> = interface
        .mac
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!({
        "ifindex": index, "ifname": interface.name, "flags": flags, "mtu": interface.mtu, "qdisc": "mq",
        "operstate": if interface.carrier { "UP" } else { "DOWN" }, "linkmode": "DEFAULT", "group": "default", "txqlen": 1000,
        "min_mtu": mtu[0], "max_mtu": mtu[1], "link_type": "ether", "address": mac.join(":"), "broadcast": "ff:ff:ff:ff:ff:ff",
    })
}

fn addresses(world: &World) -> Vec<Value> {
    let mut links = links(world);
    for link in &mut links {
        link["addr_info"] = match link["ifname"].as_str() {
            Some(MANAGEMENT) => {
                json!([{ "family": "inet", "local": "192.0.2.10", "prefixlen": 24, "scope": "global" }])
            }
            Some("lo") => {
                json!([{ "family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host" }])
            }
            _ => json!([]),
        };
    }
    links
}

fn default_route() -> Vec<Value> {
    vec![json!({ "dst": "default", "gateway": "192.0.2.1", "dev": MANAGEMENT, "flags": [] })]
}
