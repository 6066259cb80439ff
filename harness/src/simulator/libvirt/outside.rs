//! The life of a guest as libvirt leads it: defined, started, destroyed, forgotten.

use std::fmt::Write as _;
use std::time::Duration;

use crate::machine::Output;
use crate::machine::agent::PORT;
use crate::pci::Bdf;

use super::super::World;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::super::tree::File;
use super::{Guest, Live};

/// Where libvirt has the sockets of running guests' ports.
pub(in super::super) const SOCKETS: &str = "/run/libvirt/qemu/channel/";

/// From its start to the agent's first answer: assumed; KVM on real hardware takes a second or two.
const BOOT: Duration = Duration::from_secs(2);

impl World {
    pub(super) fn virsh_list(&self, all: bool) -> Output {
        let guests = self.libvirt.guests.iter();
        let listed = guests.filter(|(_, guest)| all || guest.live.is_some());
        let names: Vec<&str> = listed.map(|(name, _)| name.as_str()).collect();
        printed(format!("{}\n\n", names.join("\n")))
    }

    pub(super) fn virsh_define(&mut self, path: &str) -> Output {
        let Ok(xml) = self.tree.read(path) else {
            return failed(
                1,
                &format!("error: Failed to open file '{path}': No such file or directory"),
            );
        };
        let Some(name) = element(&String::from_utf8_lossy(&xml), "name") else {
            return failed(
                1,
                &format!(
                    "error: Failed to define domain from {path}\nerror: XML error: name is missing"
                ),
            );
        };
        self.libvirt.guests.entry(name.clone()).or_default();
        let definition = format!("/etc/libvirt/qemu/{name}.xml");
        self.tree.file(&definition, File::Bytes(xml.into()));
        printed(format!("Domain '{name}' defined from {path}\n\n"))
    }

    pub(super) fn virsh_start(&mut self, name: &str) -> Output {
        let refused = |why: &str| {
            failed(
                1,
                &format!("error: Failed to start domain '{name}'\nerror: {why}"),
            )
        };
        if self.libvirt.live(name).is_some() {
            return failed(1, "error: Domain is already active");
        }
        for part in ["kernel", "initrd"] {
            let path = self.part(name, part);
            if self.tree.read(&path).is_err() {
                return refused(&format!(
                    "Cannot access storage file '{path}': No such file or directory"
                ));
            }
        }
        let up = (!self.model.has(Fault::GuestNeverUp)).then(|| self.now + BOOT);
        if let Some(guest) = self.libvirt.guests.get_mut(name) {
            guest.live = Some(Live {
                up,
                cards: Vec::new(),
            });
        }
        for file in [
            self.part(name, "console"),
            format!("/var/log/libvirt/qemu/{name}.log"),
        ] {
            if !file.is_empty() {
                self.tree.file(&file, "");
            }
        }
        printed(format!("Domain '{name}' started\n\n"))
    }

    /// The path of a part of the guest, as it was defined with.
    fn part(&self, name: &str, part: &str) -> String {
        let definition = format!("/etc/libvirt/qemu/{name}.xml");
        let xml = self.tree.read(&definition).unwrap_or_default();
        let xml = String::from_utf8_lossy(&xml).into_owned();
        if part == "console" {
            let path = xml.split_once("<serial type='file'><source path='");
            return path
                .and_then(|(_, rest)| rest.split('\'').next())
                .unwrap_or_default()
                .to_owned();
        }
        element(&xml, part).unwrap_or_default()
    }

    pub(super) fn virsh_destroy(&mut self, name: &str) -> Output {
        let guest = self.libvirt.guests.get_mut(name);
        let Some(live) = guest.and_then(|guest| guest.live.take()) else {
            return failed(
                1,
                &format!(
                    "error: Failed to destroy domain '{name}'\nerror: Requested operation is not valid: domain is not running"
                ),
            );
        };
        for card in live.cards {
            self.give_back(card.vf);
        }
        printed(format!("Domain '{name}' destroyed\n\n"))
    }

    pub(super) fn virsh_undefine(&mut self, name: &str) -> Output {
        self.libvirt.guests.remove(name);
        self.tree.remove(&format!("/etc/libvirt/qemu/{name}.xml"));
        printed(format!("Domain '{name}' has been undefined\n\n"))
    }

    pub(super) fn virsh_dumpxml(&self, name: &str, inactive: bool) -> Output {
        let Some(Guest { config, live }) = self.libvirt.guests.get(name) else {
            return failed(1, &format!("error: failed to get domain '{name}'"));
        };
        let live = live.as_ref().filter(|_| !inactive);
        let vfs: Vec<Bdf> = match live {
            Some(live) => live.cards.iter().map(|card| card.vf).collect(),
            None => config.clone(),
        };
        let path = live.map_or(String::new(), |_| format!(" path='{SOCKETS}{name}/{PORT}'"));
        let mut xml = format!(
            "<domain type='kvm'>\n  <name>{name}</name>\n  <devices>\n    <channel type='unix'>\n      \
             <source mode='bind'{path}/>\n      <target type='virtio' name='{PORT}'/>\n    </channel>\n"
        );
        for vf in vfs {
            let mac = self.guest_mac(vf);
            let _ = write!(
                xml,
                "    <interface type='hostdev' managed='yes'>\n      <mac address='{mac}'/>\n      <source>\n        \
                 <address type='pci' domain='{:#06x}' bus='{:#04x}' slot='{:#04x}' function='{:#x}'/>\n      \
                 </source>\n    </interface>\n",
                vf.domain, vf.bus, vf.device, vf.function
            );
        }
        printed(format!("{xml}  </devices>\n</domain>\n\n"))
    }
}

/// The text of an element that holds nothing else.
fn element(xml: &str, tag: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    let (text, _) = rest.split_once(&format!("</{tag}>"))?;
    Some(text.to_owned())
}
