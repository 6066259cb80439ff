//! What a bound driver makes of a function in sysfs: its link, vectors, interface or controller.
//!
//! Source: Linux 6.12 Documentation/ABI/testing/sysfs-bus-pci and sysfs-class-net.

use nix::errno::Errno;

use super::World;
use super::binding::VFIO;
use super::function::{Function, Interface};
use super::nvme::{Namespaces, SERIAL};
use super::publish::{UP, folder};
use super::tree::File;
use crate::pci::Bdf;
use crate::profile::Kind;

/// A driver takes no more vectors than the machine has use for.
const MOST_VECTORS: u32 = 32;
/// How many processors the machine has.
pub(super) const PROCESSORS: u16 = 2;

impl World {
    /// Takes what a driver has made of a function out of sysfs.
    pub(super) fn withdraw_binding(&mut self, bdf: Bdf, interface: Option<&Interface>) {
        for part in ["driver", "net", "nvme", "msi_irqs"] {
            self.tree.remove(&format!("{}/{part}", folder(bdf)));
        }
        for driver in self.drivers() {
            self.tree
                .remove(&format!("/sys/bus/pci/drivers/{driver}/{bdf}"));
        }
        if let Some(number) = self.controller_of(bdf) {
            self.tree.remove(&format!("/sys/class/nvme/nvme{number}"));
        }
        if let Some(interface) = interface {
            self.tree
                .remove(&format!("/sys/class/net/{}", interface.name));
        }
    }

    fn controller_of(&self, bdf: Bdf) -> Option<u16> {
        let mut functions = self.device.functions();
        let own = functions.find(|function| function.bdf == bdf);
        own.filter(|_| self.model.kind == Kind::Nvme)
            .map(Function::controller)
    }

    /// Shows what the bound driver has made of a function.
    pub(super) fn publish_binding(&mut self, function: &Function, vectors: u16) {
        let Some(driver) = &function.driver else {
            return;
        };
        let at = folder(function.bdf);
        self.tree.link(
            &format!("{at}/driver"),
            format!("{UP}/bus/pci/drivers/{driver}"),
        );
        let below = at.trim_start_matches("/sys/");
        self.tree.link(
            &format!("/sys/bus/pci/drivers/{driver}/{}", function.bdf),
            format!("../../../../{below}"),
        );
        if driver == VFIO {
            return;
        }
        // Numbers as a machine gives them that has a few interrupts already.
        let first = 32 + 4096 * function.index.map_or(0, |index| u32::from(index) + 1);
        for irq in first..first + u32::from(vectors).min(MOST_VECTORS) {
            self.tree.file(&format!("{at}/msi_irqs/{irq}"), "msix\n");
        }
        match &function.interface {
            Some(interface) => {
                self.publish_interface(&at, interface);
                let policy = self.model.mac_policy(function.index.is_some());
                let path = format!("{at}/net/{}/addr_assign_type", interface.name);
                self.tree.file(&path, format!("{policy}\n"));
            }
            None => self.publish_nvme(&at, function),
        }
    }

    /// Reads of `carrier` and `speed` are refused while the interface is down
    /// (Linux 6.12 net/core/net-sysfs.c, `carrier_show` and `speed_show`).
    fn publish_interface(&mut self, function: &str, interface: &Interface) {
        let at = format!("{function}/net/{}", interface.name);
        let text: Vec<String> = interface
            .mac
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let flags = 0x1002 | u32::from(interface.up); // IFF_BROADCAST | IFF_MULTICAST | IFF_UP
        let running = |text: String| {
            if interface.up {
                File::from(text)
            } else {
                File::Refuses(Errno::EINVAL)
            }
        };
        let speed = if interface.carrier {
            self.model.row.speed.to_string()
        } else {
            "-1".into()
        };
        let address = text.join(":");
        let received = self.frames.received(&address);
        let tree = &mut self.tree;
        tree.file(&format!("{at}/address"), format!("{address}\n"));
        tree.file(&format!("{at}/statistics/rx_packets"), received);
        tree.file(&format!("{at}/flags"), format!("{flags:#x}\n"));
        tree.file(&format!("{at}/mtu"), format!("{}\n", interface.mtu));
        tree.file(
            &format!("{at}/operstate"),
            if interface.carrier { "up\n" } else { "down\n" },
        );
        tree.file(
            &format!("{at}/carrier"),
            running(format!("{}\n", u8::from(interface.carrier))),
        );
        tree.file(&format!("{at}/speed"), running(format!("{speed}\n")));
        tree.file(
            &format!("{at}/phys_port_name"),
            File::Refuses(Errno::EOPNOTSUPP),
        );
        tree.link(
            &format!("{at}/device"),
            format!(
                "../../../{}",
                function.rsplit('/').next().unwrap_or_default()
            ),
        );
        let below = at.trim_start_matches("/sys/");
        tree.link(
            &format!("/sys/class/net/{}", interface.name),
            format!("../../{below}"),
        );
    }

    /// Shows the namespaces of the controller of a function.
    pub(super) fn show_namespaces(&mut self, bdf: Bdf) {
        let function = self.device.function(bdf).cloned();
        if let Some(function) = function.filter(|it| it.driver.is_some()) {
            self.show_namespaces_of(&folder(bdf), &function);
        }
    }

    /// The hidden way to each namespace that a controller is attached to, as under multipath.
    fn show_namespaces_of(&mut self, folder: &str, function: &Function) {
        if function.driver.as_deref() == Some(VFIO) {
            return;
        }
        let number = function.controller();
        let namespaces = &self.device.controllers.namespaces;
        let found = namespaces.found(number);
        for nsid in Namespaces::ALL {
            let at = format!("{folder}/nvme/nvme{number}/nvme0c{number}n{nsid}");
            if found.contains(&nsid) {
                self.tree.file(&format!("{at}/nsid"), format!("{nsid}\n"));
                self.tree.file(&format!("/dev/nvme0n{nsid}"), "");
            } else {
                self.tree.remove(&at);
            }
        }
    }

    fn publish_nvme(&mut self, folder: &str, function: &Function) {
        let number = function.controller();
        let at = format!("{folder}/nvme/nvme{number}");
        let queues = match function.index {
            None => PROCESSORS + 1,
            Some(vf) => self.device.controllers.queues(vf, PROCESSORS + 1),
        };
        for (file, text) in [
            ("state", "live".to_owned()),
            ("cntlid", self.device.controllers.told(number).to_string()),
            ("queue_count", queues.to_string()),
        ] {
            self.tree.file(&format!("{at}/{file}"), format!("{text}\n"));
        }
        self.tree.file(&format!("{at}/rescan_controller"), "");
        self.show_namespaces_of(folder, function);
        let device = folder.rsplit('/').next().unwrap_or_default();
        self.tree
            .link(&format!("{at}/device"), format!("../../../{device}"));
        let below = at.trim_start_matches("/sys/");
        let class = format!("/sys/class/nvme/nvme{number}");
        self.tree.link(&class, format!("../../{below}"));
        self.tree
            .file(&format!("{at}/model"), format!("{:40}\n", self.model.name));
        self.tree
            .file(&format!("{at}/serial"), format!("{SERIAL} \n"));
        self.tree.file(&format!("{at}/firmware_rev"), "1.0     \n");
    }
}
