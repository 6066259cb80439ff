//! Reads the `NVMe` controller of a PCI function.

use std::io;

use super::{NvmeFacts, command, namespaces_in_use, parse_namespace, read, vfs};
use crate::machine::Host;
use crate::nvme::{
    self, IdentifyController, IdentifyNamespace, PrimaryCapabilities, Question, STATUS,
    SecondaryController, attached_controllers, secondary_controllers,
};
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
        held: [0; 2],
        attaches: None,
        namespaces: Vec::new(),
        unasked: None,
        name,
    }))
}

/// The same with its secondary controllers and namespaces, of one that can have VFs. That it cannot be asked is for whoever needs
/// them to say; that it has no answer is for the checks to find, which ask again.
pub(super) async fn with_secondaries(host: &dyn Host, mut nvme: NvmeFacts) -> NvmeFacts {
    match secondaries(host, &nvme.name).await {
        Ok(secondaries) => nvme.secondaries = secondaries,
        Err(error) => nvme.unasked = unless_refused(&error),
    }
    match primary_capabilities(host, &nvme.name).await {
        Ok(capabilities) => nvme.held = capabilities.held(),
        Err(error) => nvme.unasked = nvme.unasked.or(unless_refused(&error)),
    }
    if let Err(error) = with_namespaces(host, &mut nvme).await {
        nvme.unasked = nvme.unasked.or(unless_refused(&error));
    }
    nvme
}

/// What kept a command from the controller; `None` where it was the controller that refused it.
fn unless_refused(error: &io::Error) -> Option<String> {
    let text = error.to_string();
    (!text.contains(STATUS)).then_some(text)
}

/// All namespaces, and who is attached to each. A controller that cannot manage any has none to tell of.
async fn with_namespaces(host: &dyn Host, nvme: &mut NvmeFacts) -> io::Result<()> {
    let data = ask(host, Question::Controller, &nvme.name).await?;
    let known = IdentifyController::decode(&data).map_err(io::Error::other)?;
    nvme.attaches = Some(known.manages_namespaces());
    if !known.manages_namespaces() {
        return Ok(());
    }
    for nsid in namespaces(host, &nvme.name).await? {
        let controllers = attached(host, &nvme.name, nsid).await?;
        nvme.namespaces.push((nsid, controllers));
    }
    Ok(())
}

async fn ask(host: &dyn Host, question: Question, controller: &str) -> io::Result<Vec<u8>> {
    let words = question.words(controller);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    command::bytes(host, &words).await
}

/// All namespaces that there are, attached or not.
pub(crate) async fn namespaces(host: &dyn Host, controller: &str) -> io::Result<Vec<u32>> {
    let list = ask(host, Question::Namespaces, controller).await?;
    nvme::namespaces(&list).map_err(io::Error::other)
}

/// What a controller says of a namespace, attached or not.
pub(crate) async fn identify_namespace(
    host: &dyn Host,
    controller: &str,
    nsid: u32,
) -> io::Result<IdentifyNamespace> {
    let bytes = ask(host, Question::Namespace(nsid), controller).await?;
    IdentifyNamespace::decode(&bytes).map_err(io::Error::other)
}

/// The controllers that are attached to a namespace.
pub(crate) async fn attached(host: &dyn Host, controller: &str, nsid: u32) -> io::Result<Vec<u16>> {
    let bytes = ask(host, Question::Attached(nsid), controller).await?;
    attached_controllers(&bytes).map_err(io::Error::other)
}

/// What the primary controller of that name has to give.
pub(crate) async fn primary_capabilities(
    host: &dyn Host,
    controller: &str,
) -> io::Result<PrimaryCapabilities> {
    let bytes = ask(host, Question::PrimaryCapabilities, controller).await?;
    PrimaryCapabilities::decode(&bytes).map_err(io::Error::other)
}

/// Nothing is reset under somebody who uses it: the error says who.
pub(crate) async fn may_be_reset(host: &dyn Host, pf: Bdf) -> io::Result<()> {
    let vfs = vfs(host, pf).await?.len();
    let mut reasons = namespaces_in_use(host, pf).await?;
    reasons.extend((vfs > 0).then(|| format!("it has {vfs} VFs")));
    match reasons.first() {
        None => Ok(()),
        Some(reason) => Err(io::Error::other(format!("{pf} is not reset: {reason}"))),
    }
}

/// Under multipath a namespace of several controllers has one block device, `nvme0n1`, and a hidden one for each way to it,
/// `nvme0c1n1` (Linux 6.12 drivers/nvme/host/multipath.c, `nvme_mpath_set_disk_name`). The numbers in the names are no NSIDs.
pub(crate) async fn block_device(
    host: &dyn Host,
    function: Bdf,
    nsid: u32,
) -> io::Result<Option<String>> {
    let folder = sysfs::attribute(function, "nvme");
    for controller in read::names(host, &folder).await? {
        let at = format!("{folder}/{controller}");
        for name in read::names(host, &at).await? {
            let Some(head) = parse_namespace(&name) else {
                continue;
            };
            let own = read::optional(host, &format!("{at}/{name}/nsid")).await?;
            if own.and_then(|text| text.parse().ok()) == Some(nsid) {
                return Ok(Some(format!("/dev/{head}")));
            }
        }
    }
    Ok(None)
}

/// The secondary controllers of the controller of that name.
pub(crate) async fn secondaries(
    host: &dyn Host,
    controller: &str,
) -> io::Result<Vec<SecondaryController>> {
    let bytes = ask(host, Question::SecondaryControllers, controller).await?;
    secondary_controllers(&bytes).map_err(io::Error::other)
}
