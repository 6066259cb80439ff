//! Whether a run certifies hardware.

use reports::Environment;

use super::{DeviceFacts, HostFacts};

/// Red Hat's ids, of virtio and of QEMU's own devices (QEMU docs/specs/pci-ids.rst).
const QEMU_VENDORS: [u16; 2] = [0x1af4, 0x1b36];

/// Where a run on this machine and device takes place. A device that was handed to a virtual
/// machine is real, but what the machine around it does is not.
pub fn environment(host: &HostFacts, device: &DeviceFacts) -> Environment {
    let ids = device.ids;
    let emulated =
        QEMU_VENDORS.contains(&ids.vendor) || QEMU_VENDORS.contains(&ids.subsystem_vendor);
    if host.cpu.hypervisor || emulated {
        Environment::Lab
    } else {
        Environment::Hardware
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Cpu;
    use crate::facts::testing::{IGB, lab, run};
    use crate::pci::Names;

    #[test]
    fn virtual_machines_and_emulated_devices_are_no_hardware() {
        let bare = HostFacts::default();
        let guest = HostFacts {
            cpu: Cpu {
                hypervisor: true,
                ..Cpu::default()
            },
            ..HostFacts::default()
        };
        let emulated = run(super::super::device(
            &lab(),
            IGB.parse().unwrap(),
            &Names::default(),
        ))
        .unwrap();
        let mut real = emulated.clone();
        real.ids.subsystem_vendor = 0x8086;
        assert_eq!(environment(&bare, &real), Environment::Hardware);
        assert_eq!(environment(&bare, &emulated), Environment::Lab);
        assert_eq!(environment(&guest, &real), Environment::Lab);
    }
}
