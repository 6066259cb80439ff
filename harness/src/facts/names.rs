//! Reads pci.ids, the list of names of vendors and devices.

use crate::machine::Host;
use crate::pci::Names;

/// Where Debian and RHEL keep it.
const FILES: [&str; 2] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

/// The names of vendors and devices that this machine knows; none where it has no pci.ids. Names
/// are a comfort: a file that cannot be read is no reason to give up.
pub async fn names(host: &dyn Host) -> Names {
    for path in FILES {
        if let Ok(bytes) = host.read(path).await {
            return Names::parse(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Names::default()
}
