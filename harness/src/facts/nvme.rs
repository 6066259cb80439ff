//! Reads the `NVMe` controller of a PCI function.

use std::io;

use super::{NvmeFacts, command, read};
use crate::machine::Host;
use crate::nvme::{Question, SecondaryController, secondary_controllers};
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
        secondaries: Vec::new(),
        unasked: None,
        name,
    }))
}

/// The same with its secondary controllers, of one that can have VFs. That it cannot be asked is for whoever needs them to say.
pub(super) async fn with_secondaries(host: &dyn Host, nvme: NvmeFacts) -> NvmeFacts {
    match secondaries(host, &nvme.name).await {
        Ok(secondaries) => NvmeFacts {
            secondaries,
            ..nvme
        },
        Err(error) => NvmeFacts {
            unasked: Some(error.to_string()),
            ..nvme
        },
    }
}

/// The secondary controllers of the controller of that name.
pub(crate) async fn secondaries(
    host: &dyn Host,
    controller: &str,
) -> io::Result<Vec<SecondaryController>> {
    let words = Question::SecondaryControllers.words(controller);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let bytes = command::bytes(host, &words).await?;
    secondary_controllers(&bytes).map_err(io::Error::other)
}
