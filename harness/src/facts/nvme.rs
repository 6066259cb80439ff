//! Reads the `NVMe` controller of a PCI function.

use std::io;

use super::{NvmeFacts, read};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// The `NVMe` controller of a PCI function, if the `nvme` driver has made one.
pub async fn nvme(host: &dyn Host, bdf: Bdf) -> io::Result<Option<NvmeFacts>> {
    let folder = sysfs::attribute(bdf, "nvme");
    let Some(name) = read::names(host, &folder).await?.into_iter().next() else {
        return Ok(None);
    };
    let file = async |file: &str| {
        read::optional(host, &format!("{folder}/{name}/{file}"))
            .await
            .map(Option::unwrap_or_default)
    };
    Ok(Some(NvmeFacts {
        model: file("model").await?,
        serial: file("serial").await?,
        firmware: file("firmware_rev").await?,
        name,
    }))
}
