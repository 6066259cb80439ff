//! A guest as libvirt is told of it.

use vm_images::guest::INIT;

use super::Files;
use crate::machine::agent::PORT;

/// A guest of ours. All that belongs to it is called after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// What libvirt calls it.
    pub name: String,
    /// Its memory in MiB.
    pub memory: u32,
    /// How many devices can be plugged in while it runs. On a q35 each needs a root port of its own,
    /// and a port must be there when the guest starts (libvirt docs/pci-hotplug.rst).
    pub spare_ports: u8,
}

/// Those of the agent's port and of the balloon.
const OWN_PORTS: u8 = 2;

impl Domain {
    /// As libvirt reads it.
    ///
    /// Source: libvirt docs/formatdomain.rst.
    pub fn xml(&self) -> String {
        let Self {
            name,
            memory,
            spare_ports,
        } = self;
        let Files {
            kernel,
            initramfs,
            console,
            ..
        } = Files::of(name);
        let ports = usize::from(OWN_PORTS + spare_ports);
        let ports = "    <controller type='pci' model='pcie-root-port'/>\n".repeat(ports);
        format!(
            "<domain type='kvm'>\n\
            \x20 <name>{name}</name>\n\
            \x20 <memory unit='MiB'>{memory}</memory>\n\
            \x20 <vcpu>1</vcpu>\n\
            \x20 <os>\n\
            \x20   <type arch='x86_64' machine='q35'>hvm</type>\n\
            \x20   <kernel>{kernel}</kernel>\n\
            \x20   <initrd>{initramfs}</initrd>\n\
            \x20   <cmdline>{}</cmdline>\n\
            \x20 </os>\n\
            \x20 <features><acpi/><apic/></features>\n\
            \x20 <cpu mode='host-passthrough'/>\n\
            \x20 <devices>\n\
            \x20   <controller type='usb' model='none'/>\n\
            \x20   <controller type='pci' model='pcie-root'/>\n\
            {ports}\
            \x20   <serial type='file'><source path='{console}'/></serial>\n\
            \x20   <channel type='unix'>\n\
            \x20     <source mode='bind'/>\n\
            \x20     <target type='virtio' name='{PORT}'/>\n\
            \x20   </channel>\n\
            \x20   <memballoon model='virtio'/>\n\
            \x20 </devices>\n\
            </domain>\n",
            command_line()
        )
    }
}

/// What is not for the kernel follows two hyphens and is for the first process (Linux 6.12
/// Documentation/admin-guide/kernel-parameters.rst). Its console is slow: it tells only what is wrong.
fn command_line() -> String {
    format!("console=ttyS0 quiet rdinit=/{INIT} -- guest")
}

#[cfg(test)]
mod tests {
    use super::Domain;

    #[test]
    fn a_guest_with_two_spare_ports() {
        let domain = Domain {
            name: "sriov-certify-0000-01-00.0-a".into(),
            memory: 256,
            spare_ports: 2,
        };
        insta::assert_snapshot!(domain.xml());
    }
}
