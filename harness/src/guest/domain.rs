//! A guest as libvirt is told of it.

use vm_images::guest::INIT;

use super::{Files, SERIAL};
use crate::machine::agent::PORT;

/// A guest of ours. All that belongs to it is called after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// What libvirt calls it.
    pub name: String,
    /// Its memory in MiB.
    pub memory: u32,
    /// The image of its guest system; without one it is a probe guest.
    pub image: Option<String>,
    /// How many devices can be plugged in while it runs. On a q35 each needs a root port of its own,
    /// and a port must be there when the guest starts (libvirt docs/pci-hotplug.rst).
    pub spare_ports: u8,
}

/// Those of the agent's port and of the balloon.
const OWN_PORTS: u8 = 2;
/// Those of the disks of a guest system.
const DISK_PORTS: u8 = 2;

/// The port of qemu-guest-agent, which libvirt knows by this name (libvirt docs/formatdomain.rst, `channel`).
const GUEST_AGENT: &str = "org.qemu.guest_agent.0";

impl Domain {
    /// As libvirt reads it.
    ///
    /// Source: libvirt docs/formatdomain.rst.
    pub fn xml(&self) -> String {
        let Self { name, memory, .. } = self;
        let console = Files::of(name).console;
        let (boot, disks) = match &self.image {
            None => (self.kernel(), String::new()),
            Some(image) => (String::new(), self.disks(image)),
        };
        let own = OWN_PORTS + self.image.as_ref().map_or(0, |_| DISK_PORTS);
        let ports = usize::from(own + self.spare_ports);
        let ports = "    <controller type='pci' model='pcie-root-port'/>\n".repeat(ports);
        format!(
            "<domain type='kvm'>\n\
            \x20 <name>{name}</name>\n\
            \x20 <memory unit='MiB'>{memory}</memory>\n\
            \x20 <vcpu>1</vcpu>\n\
            \x20 <os>\n\
            \x20   <type arch='x86_64' machine='q35'>hvm</type>\n\
            {boot}\
            \x20 </os>\n\
            \x20 <features><acpi/><apic/></features>\n\
            \x20 <cpu mode='host-passthrough'/>\n\
            \x20 <devices>\n\
            \x20   <controller type='usb' model='none'/>\n\
            \x20   <controller type='pci' model='pcie-root'/>\n\
            {ports}\
            {disks}\
            \x20   <serial type='file'><source path='{console}'/></serial>\n\
            \x20   <channel type='unix'>\n\
            \x20     <source mode='bind'/>\n\
            \x20     <target type='virtio' name='{PORT}'/>\n\
            \x20   </channel>\n\
            \x20   <memballoon model='virtio'/>\n\
            \x20 </devices>\n\
            </domain>\n"
        )
    }

    /// The kernel that a probe guest starts with.
    fn kernel(&self) -> String {
        let Files {
            kernel, initramfs, ..
        } = Files::of(&self.name);
        format!(
            "\x20   <kernel>{kernel}</kernel>\n\
            \x20   <initrd>{initramfs}</initrd>\n\
            \x20   <cmdline>{}</cmdline>\n",
            command_line()
        )
    }

    /// What a guest system boots from and what it gets this program from, and the port by which it is asked to start it.
    /// libvirt would leave the image to the emulator's user for good, so that it is told not to (libvirt
    /// src/security/security_dac.c, `virSecurityDACSetImageLabelInternal`: of a chain only the top is given back).
    fn disks(&self, image: &str) -> String {
        let Files {
            overlay, program, ..
        } = Files::of(&self.name);
        format!(
            "\x20   <disk type='file' device='disk'>\n\
            \x20     <driver name='qemu' type='qcow2'/>\n\
            \x20     <source file='{overlay}'/>\n\
            \x20     <backingStore type='file'>\n\
            \x20       <format type='qcow2'/>\n\
            \x20       <source file='{}'><seclabel model='dac' relabel='no'/></source>\n\
            \x20       <backingStore/>\n\
            \x20     </backingStore>\n\
            \x20     <target dev='vda' bus='virtio'/>\n\
            \x20     <boot order='1'/>\n\
            \x20   </disk>\n\
            \x20   <disk type='file' device='disk'>\n\
            \x20     <driver name='qemu' type='raw'/>\n\
            \x20     <source file='{program}'/>\n\
            \x20     <target dev='vdb' bus='virtio'/>\n\
            \x20     <readonly/>\n\
            \x20     <serial>{SERIAL}</serial>\n\
            \x20   </disk>\n\
            \x20   <channel type='unix'>\n\
            \x20     <source mode='bind'/>\n\
            \x20     <target type='virtio' name='{GUEST_AGENT}'/>\n\
            \x20   </channel>\n",
            escaped(image)
        )
    }
}

/// A path as XML takes it between single quotes.
fn escaped(path: &str) -> String {
    path.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('\'', "&apos;")
}

/// What is not for the kernel follows two hyphens and is for the first process (Linux 6.12
/// Documentation/admin-guide/kernel-parameters.rst). Its console is slow: it tells only what is wrong. It looks for no other
/// root bus, which a q35 does not have: it would ask each bus of the ECAM window for each of its devices, 8192 times
/// (arch/x86/pci/legacy.c, `pcibios_fixup_peer_bridges`; mmconfig-shared.c, `__pci_mmcfg_init`), and each time leave the guest.
fn command_line() -> String {
    format!("console=ttyS0 quiet pci=lastbus=0 rdinit=/{INIT} -- guest")
}

#[cfg(test)]
mod tests {
    use super::Domain;

    fn domain(image: Option<&str>) -> Domain {
        Domain {
            name: "sriov-certify-0000-01-00.0-a".into(),
            memory: 256,
            image: image.map(str::to_owned),
            spare_ports: 2,
        }
    }

    #[test]
    fn a_guest_with_two_spare_ports() {
        insta::assert_snapshot!(domain(None).xml());
    }

    #[test]
    fn a_guest_system_from_an_image() {
        let xml = domain(Some("/srv/it's <R&D>.qcow2")).xml();
        roxmltree::Document::parse(&xml).unwrap();
        insta::assert_snapshot!(xml);
    }
}
