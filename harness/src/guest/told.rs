//! What libvirt tells of a guest (`virsh dumpxml`).

use std::fmt;

use anyhow::Context;
use roxmltree::{Document, Node};

use super::Files;
use super::hostdev::hostdev as described;
use crate::machine::agent::PORT;
use crate::pci::Bdf;

/// What of it concerns us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The socket of the agent's port; `None` while the guest does not run.
    pub socket: Option<String>,
    /// The functions handed to it, in libvirt's order.
    pub hostdevs: Vec<Hostdev>,
    /// The addresses of the interfaces that the emulator makes on one of the machine.
    pub direct: Vec<String>,
    /// The names, such as `vdz`, of the disks that the emulator makes of block devices of the machine.
    pub disks: Vec<String>,
}

/// A function handed to a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hostdev {
    /// Where it is on the host.
    pub bdf: Bdf,
    /// Whether libvirt gives it its driver for guests, and its own one back.
    pub managed: bool,
    /// The address that libvirt gives it, where it is handed over as a network interface.
    pub mac: Option<String>,
}

impl Hostdev {
    /// What takes it from a guest, but for when. One that is no network interface has no name of its own, and is described
    /// ([`Hostdev::description`]) in a file of the guest.
    pub fn detach(&self, guest: &str) -> Vec<String> {
        let words = match &self.mac {
            Some(mac) => vec!["virsh", "detach-interface", guest, "hostdev", "--mac", mac],
            None => vec!["virsh", "detach-device", guest],
        };
        let file = self.mac.is_none().then(|| Files::of(guest).plug);
        words.into_iter().map(str::to_owned).chain(file).collect()
    }

    /// Its description, where it takes one to take it back.
    pub fn description(&self) -> Option<String> {
        self.mac.is_none().then(|| described(self.bdf))
    }
}

impl fmt::Display for Hostdev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let managed = if self.managed {
            "managed"
        } else {
            "not managed"
        };
        match &self.mac {
            None => write!(f, "{} ({managed})", self.bdf),
            Some(mac) => write!(f, "{} ({managed}, {mac})", self.bdf),
        }
    }
}

impl Told {
    /// From the XML of a guest (libvirt docs/formatdomain.rst, `hostdev`, `interface` of type `hostdev`, and `disk`).
    pub fn parse(xml: &str) -> anyhow::Result<Self> {
        let document = Document::parse(xml).context("libvirt tells no XML of the guest")?;
        let named = |node: &Node<'_, '_>| {
            let target = child(*node, "target");
            target.and_then(|target| target.attribute("name")) == Some(PORT)
        };
        let channel = all(&document, "channel").find(named);
        let source = channel.and_then(|channel| child(channel, "source"));
        let of_type = |tag, kind| {
            let all = all(&document, tag);
            all.filter(move |node| node.attribute("type") == Some(kind))
        };
        let hostdevs = of_type("interface", "hostdev").chain(of_type("hostdev", "pci"));
        Ok(Self {
            socket: source
                .and_then(|source| source.attribute("path"))
                .map(str::to_owned),
            hostdevs: hostdevs.map(hostdev).collect::<anyhow::Result<_>>()?,
            direct: of_type("interface", "direct").filter_map(mac).collect(),
            disks: of_type("disk", "block").filter_map(target).collect(),
        })
    }

    /// Whether nothing of the machine was handed to it.
    pub fn has_nothing(&self) -> bool {
        self.hostdevs.is_empty() && self.direct.is_empty() && self.disks.is_empty()
    }

    /// What takes from a guest all that the emulator makes for it, each but for when.
    pub fn emulated(&self, guest: &str) -> Vec<Vec<String>> {
        let card = |mac: &String| {
            ["virsh", "detach-interface", guest, "direct", "--mac", mac]
                .map(str::to_owned)
                .to_vec()
        };
        let disk = |name: &String| {
            ["virsh", "detach-disk", guest, name]
                .map(str::to_owned)
                .to_vec()
        };
        let cards = self.direct.iter().map(card);
        cards.chain(self.disks.iter().map(disk)).collect()
    }

    /// The entry of that function.
    pub fn hostdev(&self, bdf: Bdf) -> Option<&Hostdev> {
        self.hostdevs.iter().find(|hostdev| hostdev.bdf == bdf)
    }
}

fn all<'a>(document: &'a Document<'a>, tag: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.has_tag_name(tag))
}

fn child<'a>(node: Node<'a, 'a>, tag: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name(tag))
}

fn hostdev(node: Node<'_, '_>) -> anyhow::Result<Hostdev> {
    let address = child(node, "source").and_then(|source| child(source, "address"));
    let address = address.context("libvirt tells no address of a function")?;
    let part = |name| {
        let text = address.attribute(name).unwrap_or_default();
        let number = u32::from_str_radix(text.trim_start_matches("0x"), 16);
        number.with_context(|| format!("libvirt's address of a function has a {name} of {text:?}"))
    };
    let (domain, bus) = (part("domain")?, part("bus")?);
    let (slot, function) = (part("slot")?, part("function")?);
    let bdf = format!("{domain:04x}:{bus:02x}:{slot:02x}.{function:x}");
    Ok(Hostdev {
        bdf: bdf
            .parse()
            .context("libvirt's address of a function is none")?,
        managed: node.attribute("managed") == Some("yes"),
        mac: mac(node),
    })
}

fn mac(node: Node<'_, '_>) -> Option<String> {
    let mac = child(node, "mac")?.attribute("address")?;
    Some(mac.to_owned())
}

fn target(node: Node<'_, '_>) -> Option<String> {
    let target = child(node, "target")?.attribute("dev")?;
    Some(target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Told;

    /// Of the lab's libvirt 11.3, shortened.
    const RUNNING: &str = "<domain type='kvm' id='2'>
  <name>sriov-certify-0000-02-00.0-a</name>
  <devices>
    <channel type='unix'>
      <source mode='bind' path='/run/libvirt/qemu/channel/2-sriov-certify-0000-0/org.qemu.guest_agent.0'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    </channel>
    <interface type='direct'>
      <mac address='52:54:00:36:fc:27'/>
      <source dev='enp2s0' mode='bridge'/>
    </interface>
    <interface type='network'><mac address='52:54:00:36:fc:26'/></interface>
    <interface type='hostdev' managed='yes'>
      <mac address='52:54:00:36:fc:25'/>
      <driver name='vfio'/>
      <source>
        <address type='pci' domain='0x0000' bus='0x02' slot='0x10' function='0x2'/>
      </source>
      <alias name='hostdev0'/>
      <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>
    </interface>
    <channel type='unix'>
      <source mode='bind' path='/run/libvirt/qemu/channel/2-sriov-certify-0000-0/sriov-certify'/>
      <target type='virtio' name='sriov-certify' state='connected'/>
    </channel>
  </devices>
</domain>";

    #[test]
    fn a_running_guest_has_a_port_and_a_function() {
        let told = Told::parse(RUNNING).unwrap();
        let socket = "/run/libvirt/qemu/channel/2-sriov-certify-0000-0/sriov-certify";
        assert_eq!(told.socket.as_deref(), Some(socket));
        let vf = "0000:02:10.2".parse().unwrap();
        let hostdev = told.hostdev(vf).unwrap();
        assert_eq!(
            (hostdev.managed, hostdev.mac.as_deref()),
            (true, Some("52:54:00:36:fc:25"))
        );
        assert_eq!(told.hostdevs.len(), 1);
        assert_eq!(told.direct, ["52:54:00:36:fc:27"]);
    }

    #[test]
    fn a_guest_that_does_not_run_has_no_socket() {
        let xml = "<domain><devices><channel type='unix'><target type='virtio' name='sriov-certify'/></channel></devices></domain>";
        assert_eq!(Told::parse(xml).unwrap(), Told::default());
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        let broken = RUNNING.replace("bus='0x02' slot='0x10'", "bus='two' slot='0x10'");
        let error = Told::parse(&broken).unwrap_err().to_string();
        assert_eq!(
            error,
            "libvirt's address of a function has a bus of \"two\""
        );
        assert!(Told::parse("Domain 'a' started").is_err());
    }
}
