//! The interface that frames go through: found by name, and fit for a test.

use std::collections::BTreeSet;
use std::fmt;
use std::io;

use pnet_datalink::MacAddr;

use super::frame::HEADER;
use super::routes::default_routes;
use crate::facts::{self, read};
use crate::machine::Host;

const NET: &str = "/sys/class/net";
/// `ARPHRD_ETHER` of Linux include/uapi/linux/if_arp.h.
const ETHERNET: u16 = 1;

/// An interface that a test may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its address.
    pub mac: MacAddr,
    /// Its MTU in bytes.
    pub mtu: u32,
}

/// Why a test cannot use an interface.
#[derive(Debug)]
pub enum Unfit {
    /// There is none of that name, but these.
    Unknown(String, Vec<String>),
    /// It is loopback, a tunnel or the like.
    NotEthernet(String),
    /// It is down.
    Down(String),
    /// It carries a default route, itself or by way of what is built on it.
    InUse(String, String),
    /// The kernel does not say.
    Unreadable(io::Error),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name, all) => {
                write!(f, "no interface `{name}`; there are {}", all.join(", "))
            }
            Self::NotEthernet(name) => write!(f, "{name} is no Ethernet interface; take another"),
            Self::Down(name) => write!(f, "{name} is down; `ip link set {name} up` changes that"),
            Self::InUse(name, what) => write!(
                f,
                "{name} carries {what}: frames of a test have no business there; take another"
            ),
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unfit {}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Interface {
    /// The interface of that name, if a test may use it.
    pub async fn find(host: &dyn Host, name: &str) -> Result<Self, Unfit> {
        let owned = || name.to_owned();
        let all = names(host).await?;
        if !all.iter().any(|known| known == name) {
            return Err(Unfit::Unknown(owned(), all));
        }
        if read::decimal::<u16>(host, &format!("{NET}/{name}/type")).await? != ETHERNET {
            return Err(Unfit::NotEthernet(owned()));
        }
        if let Some(what) = default_route(host, name).await? {
            return Err(Unfit::InUse(owned(), what));
        }
        let net = facts::interface(host, NET, name).await?;
        if !net.up {
            return Err(Unfit::Down(owned()));
        }
        let mac = net.mac.parse().map_err(io::Error::other)?;
        let (name, mtu) = (net.name, net.mtu);
        Ok(Self { name, mac, mtu })
    }

    /// The longest frame that it sends, in bytes.
    pub fn longest_frame(&self) -> u32 {
        self.mtu.saturating_add(HEADER.into())
    }
}

/// All but a file that the bonding driver puts beside them (Linux drivers/net/bonding/bond_sysfs.c).
async fn names(host: &dyn Host) -> io::Result<Vec<String>> {
    let mut names = read::names(host, NET).await?;
    names.retain(|name| name != "bonding_masters");
    Ok(names)
}

/// The default route that would be disturbed.
async fn default_route(host: &dyn Host, name: &str) -> io::Result<Option<String>> {
    let routes = default_routes(host).await?;
    let built = built_on(host, name).await?;
    let route = routes.iter().find(|route| built.contains(&route.interface));
    Ok(route.map(|route| {
        let (family, other) = (route.family, &route.interface);
        let way = format!(", by way of {other}");
        let way = if other == name { "" } else { &way };
        format!("the {family} default route{way}")
    }))
}

/// The interface itself, and bridges, bonds and VLANs that it is below of (Linux net/core/dev.c,
/// `netdev_adjacent_sysfs_add`).
async fn built_on(host: &dyn Host, name: &str) -> io::Result<BTreeSet<String>> {
    let mut seen = BTreeSet::new();
    let mut next = vec![name.to_owned()];
    while let Some(name) = next.pop() {
        let files = read::names(host, &format!("{NET}/{name}")).await?;
        if seen.insert(name) {
            let upper = files.iter().filter_map(|file| file.strip_prefix("upper_"));
            next.extend(upper.map(str::to_owned));
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{Recorded, run};

    fn machine() -> Recorded {
        let near = [
            ("address", "02:00:00:00:00:01\n"),
            ("flags", "0x1003\n"),
            ("mtu", "1500\n"),
            ("type", "1\n"),
        ];
        Recorded::default()
            .files("/sys/class/net/near", &near)
            .file("/sys/class/net/lo/type", "772\n")
            .file("/sys/class/net/bonding_masters", "\n")
    }

    fn default_by(interface: &str) -> String {
        format!("{interface}\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
    }

    fn refusal(machine: &Recorded, name: &str) -> String {
        run(Interface::find(machine, name)).unwrap_err().to_string()
    }

    #[test]
    fn an_interface_is_found_by_its_name() {
        let found = run(Interface::find(&machine(), "near")).unwrap();
        assert_eq!(found.mac, MacAddr(2, 0, 0, 0, 0, 1));
        assert_eq!((found.mtu, found.longest_frame()), (1500, 1514));
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        let down = machine().file("/sys/class/net/near/flags", "0x1002\n");
        assert_eq!(
            refusal(&machine(), "far"),
            "no interface `far`; there are lo, near"
        );
        assert!(refusal(&machine(), "../near").starts_with("no interface"));
        assert!(refusal(&machine(), "lo").starts_with("lo is no Ethernet interface"));
        assert!(refusal(&down, "near").starts_with("near is down"));
    }

    #[test]
    fn what_carries_the_default_route_is_refused_by_name() {
        let direct = machine().file("/proc/net/route", default_by("near"));
        assert!(refusal(&direct, "near").starts_with("near carries the IPv4 default route:"));
        let bridged = machine()
            .file("/proc/net/route", default_by("br0"))
            .file("/sys/class/net/near/upper_bond0", "")
            .file("/sys/class/net/bond0/upper_br0", "")
            .file("/sys/class/net/br0/upper_bond0", "");
        let text = refusal(&bridged, "near");
        let expected = "near carries the IPv4 default route, by way of br0:";
        assert!(text.starts_with(expected), "{text}");
        let other = machine().file("/proc/net/route", default_by("eth0"));
        run(Interface::find(&other, "near")).unwrap();
    }
}
