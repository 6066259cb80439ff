//! Where things are in sysfs (Linux Documentation/ABI/testing/sysfs-bus-pci), and what is told to
//! udev and systemd.

use crate::pci::Bdf;

/// The administrator's rules for udev (udev(7)).
pub const UDEV_RULES: &str = "/etc/udev/rules.d";

/// The file of a unit of the administrator's (systemd.unit(5)).
pub fn unit(name: &str) -> String {
    format!("/etc/systemd/system/{name}")
}

/// The folder of a PCI function.
pub fn device(bdf: Bdf) -> String {
    format!("/sys/bus/pci/devices/{bdf}")
}

/// A file in the folder of a PCI function.
pub fn attribute(bdf: Bdf, name: &str) -> String {
    format!("/sys/bus/pci/devices/{bdf}/{name}")
}

/// Writing an address here binds the driver to that function.
pub fn bind(driver: &str) -> String {
    format!("/sys/bus/pci/drivers/{driver}/bind")
}

/// Writing an address here takes the driver from that function.
pub fn unbind(driver: &str) -> String {
    format!("/sys/bus/pci/drivers/{driver}/unbind")
}
