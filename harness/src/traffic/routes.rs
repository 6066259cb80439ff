//! Which interfaces carry a default route, as the kernel says without any program.

use std::io;

use crate::facts::read;
use crate::machine::Host;

/// A default route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DefaultRoute {
    /// `IPv4` or `IPv6`.
    pub(super) family: &'static str,
    /// The interface that it leads to.
    pub(super) interface: String,
}

/// All default routes. A kernel without one of the families has no file for it.
pub(super) async fn default_routes(host: &dyn Host) -> io::Result<Vec<DefaultRoute>> {
    let v4 = read::optional(host, "/proc/net/route").await?;
    let v6 = read::optional(host, "/proc/net/ipv6_route").await?;
    let v4 = v4.as_deref().unwrap_or_default().lines().filter_map(of_v4);
    let v6 = v6.as_deref().unwrap_or_default().lines().filter_map(of_v6);
    Ok(v4.chain(v6).collect())
}

/// Interface, destination, gateway, flags, references, uses, metric, mask, and three more
/// (Linux net/ipv4/fib_trie.c, `fib_route_seq_show`).
fn of_v4(line: &str) -> Option<DefaultRoute> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [interface, destination, _, _, _, _, _, mask, ..] = fields[..] else {
        return None;
    };
    (destination == "00000000" && mask == "00000000").then(|| DefaultRoute {
        family: "IPv4",
        interface: interface.to_owned(),
    })
}

/// Destination, its length in bits, source, its length, gateway, metric, references, uses, flags,
/// interface (Linux net/ipv6/ip6_fib.c, `ipv6_route_native_seq_show`).
fn of_v6(line: &str) -> Option<DefaultRoute> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, length, _, _, _, _, _, _, _, interface] = fields[..] else {
        return None;
    };
    (length == "00").then(|| DefaultRoute {
        family: "IPv6",
        interface: interface.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{Recorded, run};

    /// Recorded on a machine with both; the last line of IPv6 is what refuses all other addresses.
    const V4: &str = "\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth1	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
";
    const V6: &str = "\
fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth2
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
";

    fn found(machine: &Recorded) -> Vec<(&'static str, String)> {
        let routes = run(default_routes(machine)).unwrap().into_iter();
        routes
            .map(|route| (route.family, route.interface))
            .collect()
    }

    #[test]
    fn a_default_route_is_to_everywhere() {
        let machine = Recorded::default()
            .file("/proc/net/route", V4)
            .file("/proc/net/ipv6_route", V6);
        let expected = [("IPv4", "eth0"), ("IPv6", "eth2"), ("IPv6", "lo")];
        assert_eq!(found(&machine), expected.map(|(a, b)| (a, b.to_owned())));
    }

    #[test]
    fn a_kernel_without_ip_has_none() {
        assert_eq!(found(&Recorded::default()), []);
    }
}
