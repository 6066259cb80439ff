//! The facts as a table that people read.

mod device;
mod machine;

use std::fmt::Write;

use super::{DeviceFacts, HostFacts};

/// The machine and the devices.
pub fn table(host: &HostFacts, devices: &[DeviceFacts]) -> String {
    let blocks = devices.iter().map(|device| {
        let driver = device
            .driver
            .as_ref()
            .map_or_else(|| "none".to_owned(), device::driver);
        device_block(device, Some(("driver", driver)))
    });
    let devices = joined(blocks)
        .unwrap_or_else(|| "No device of this machine can have virtual functions.\n".to_owned());
    format!("{}\n{devices}", block("Machine", &machine::rows(host)))
}

/// The devices of a dump that can have virtual functions, and those whose config space is broken,
/// which may hide that they can. Which driver they have, it does not say.
pub fn devices_table(devices: &[DeviceFacts]) -> String {
    let worth_a_look = devices.iter().filter(|device| {
        let found = &device.capabilities;
        found.sriov.is_some() || !found.anomalies.is_empty()
    });
    joined(worth_a_look.map(|device| device_block(device, None))).unwrap_or_else(|| {
        let whole = devices.iter().all(|device| device.capabilities.complete);
        let hint = if whole { "" } else { " that is seen, but parts of config space are missing: make the dump with `lspci -xxxx` as root" };
        format!("The dump has no device with SR-IOV{hint}.\n")
    })
}

fn joined(blocks: impl Iterator<Item = String>) -> Option<String> {
    let blocks: Vec<String> = blocks.collect();
    (!blocks.is_empty()).then(|| blocks.join("\n"))
}

fn device_block(device: &DeviceFacts, driver: Option<Row>) -> String {
    block(
        &format!("{} {}", device.bdf, device.name),
        &device::rows(device, driver),
    )
}

type Row = (&'static str, String);

/// A title and its rows; a label that is that of the row above is not repeated.
fn block(title: &str, rows: &[Row]) -> String {
    let mut text = format!("{title}\n");
    let mut above = "";
    for (label, value) in rows {
        let shown = if *label == above { "" } else { label };
        let _ = writeln!(text, "  {shown:<17} {value}"); // writing to a String cannot fail
        above = label;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{lab, lab_with_vfs, run};
    use crate::facts::{dump, host, sriov_devices};
    use crate::pci::Names;

    fn names() -> Names {
        Names::parse(
            "8086  Intel Corporation\n\t10c9  82576 Gigabit Network Connection\n".to_owned(),
        )
    }

    #[test]
    fn the_lab() {
        let devices = run(sriov_devices(&lab_with_vfs(), &names())).unwrap();
        insta::assert_snapshot!(table(&run(host(&lab_with_vfs())).unwrap(), &devices));
    }

    #[test]
    fn a_machine_where_everything_is_wrong() {
        let machine = lab()
            .prints("id -u", "1000\n")
            .prints(
                "ip -j route show default",
                r#"[{"dst":"default","dev":"enp1s0"}]"#,
            )
            .fails(
                "virsh version",
                1,
                "error: failed to connect to the hypervisor",
            )
            .fails("modinfo -n vfio-pci", 1, "")
            .file("/proc/interrupts", "")
            .file(
                "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
                "Y\n",
            )
            .without("/sys/firmware/acpi/tables/DMAR")
            .without("/dev/kvm")
            .file(
                "/sys/devices/pci0000:00/0000:00:05.0/config",
                &include_bytes!("../recorded/root-port.config")[..64],
            )
            .file(
                "/sys/devices/pci0000:00/0000:00:05.0/0000:01:00.0/config",
                [0xff; 64],
            );
        let devices = run(sriov_devices(&machine, &names())).unwrap();
        insta::assert_snapshot!(table(&run(host(&machine)).unwrap(), &devices[..1]));
    }

    #[test]
    fn another_machine_by_its_dump() {
        let text = dump::tests::lab();
        insta::assert_snapshot!(devices_table(&dump::dump(&text, &names()).unwrap()));
    }

    #[test]
    fn nothing_with_sriov() {
        let mut devices = dump::dump(&dump::tests::lab(), &names()).unwrap();
        assert_eq!(
            devices_table(&devices[1..]),
            "The dump has no device with SR-IOV.\n"
        );
        devices[1].capabilities.complete = false;
        let cut = devices_table(&devices[1..]);
        assert!(
            cut.contains("make the dump with `lspci -xxxx` as root"),
            "{cut}"
        );
        let none = table(&HostFacts::default(), &[]);
        assert!(
            none.ends_with("\nNo device of this machine can have virtual functions.\n"),
            "{none}"
        );
    }
}
