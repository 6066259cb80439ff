//! The namespaces of the device's `NVMe` controller, in verbs.

use std::fmt;
use std::io;
use std::time::Duration;

use super::{Bench, STEP_LIMIT, within};
use crate::facts::{self, block_device, parse_namespace, read};
use crate::finding::{Finding, Problem};
use crate::machine::Host;
use crate::nvme::{Attachment, Malformed, Question, Status, attached_controllers, namespaces};
use crate::pci::Bdf;
use crate::sysfs;
use crate::undo::Undo;

/// A namespace cannot be attached or detached.
pub const ATTACH_REFUSED: Finding = Finding::device(
    "nvme-attach-refused",
    "The controller refuses to attach a namespace to a controller of its subsystem, or to detach it.",
    "Repeat the command of the transcript. A private namespace has one controller at most: create it with `nvme create-ns --nmic=1`.",
);

/// How long a driver may take to look for namespaces: a few commands for each.
pub(super) const NOTICED: Duration = Duration::from_secs(30);

impl Bench {
    /// The namespaces that the controller of a function is attached to, by its own word.
    pub async fn active(&mut self, function: Bdf) -> Result<Vec<u32>, Problem> {
        let bytes = self.ask_of(function, Question::ActiveNamespaces).await?;
        self.listed(namespaces(&bytes))
    }

    /// A list that a controller has told.
    pub(super) fn listed<T: fmt::Debug>(
        &mut self,
        list: Result<Vec<T>, Malformed>,
    ) -> Result<Vec<T>, Problem> {
        Ok(self.understood(list.map(Listed))?.0)
    }

    /// The controllers that are attached to a namespace.
    pub async fn attached(&mut self, nsid: u32) -> Result<Vec<u16>, Problem> {
        let bytes = self.ask(Question::Attached(nsid)).await?;
        self.listed(attached_controllers(&bytes))
    }

    /// Has a namespace attached to these controllers, and to no others.
    pub async fn attach_only(&mut self, nsid: u32, wanted: &[u16]) -> Result<(), Problem> {
        let before = self.attached(nsid).await?;
        self.may_be_taken(nsid, &before).await?;
        let undo = Undo::Attached {
            pf: self.pf(),
            namespace: self.named(nsid),
            controllers: before.clone(),
        };
        let gone = before.iter().filter(|cntlid| !wanted.contains(cntlid));
        for cntlid in gone {
            self.attachment(Attachment::Detach, nsid, *cntlid, &undo)
                .await?;
        }
        for cntlid in wanted.iter().filter(|cntlid| !before.contains(cntlid)) {
            self.attachment(Attachment::Attach, nsid, *cntlid, &undo)
                .await?;
        }
        Ok(())
    }

    /// Nothing is taken from a controller that is not of this device, nor what holds something from the PF, nor from another drive
    /// that is in its place.
    async fn may_be_taken(&mut self, nsid: u32, from: &[u16]) -> Result<(), Problem> {
        let primary = self.is_that_drive().await?.cntlid;
        let own: Vec<u16> = self
            .secondaries()
            .await?
            .iter()
            .map(|own| own.scid)
            .collect();
        let foreign = from
            .iter()
            .find(|cntlid| **cntlid != primary && !own.contains(cntlid));
        if let Some(cntlid) = foreign {
            return Err(anyhow::anyhow!(
                "namespace {nsid} is attached to controller {cntlid:#x} too, which is not of this device: detach it first, if nobody uses it"
            )
            .into());
        }
        match block_device(self.host.as_ref(), self.pf(), nsid).await? {
            Some(device) if from.contains(&primary) => self.holds_nothing(nsid, &device).await,
            _ => Ok(()),
        }
    }

    async fn attachment(
        &mut self,
        what: Attachment,
        nsid: u32,
        cntlid: u16,
        undo: &Undo,
    ) -> Result<(), Problem> {
        let words = what.words(&self.controller(self.pf()).await?, nsid, cntlid);
        let refusal = self.tell(&words, undo.clone()).await?;
        let answer = refusal.map_or("success".to_owned(), |status: Status| status.to_string());
        let text = format!("`{}`: {answer}", words.join(" "));
        self.assert(refusal.is_none(), &ATTACH_REFUSED, text)
    }

    /// Waits until no driver of another function of this device has a way to a namespace any more: what goes by a way that leads
    /// nowhere any more fails. Returns the function that still has one in the end.
    pub async fn other_way(&mut self, function: Bdf, nsid: u32) -> Result<Option<Bdf>, Problem> {
        let vfs = self.vfs().await?.into_iter().map(|vf| vf.bdf);
        let all: Vec<Bdf> = vfs.chain([self.pf()]).collect();
        for other in all.into_iter().filter(|other| *other != function) {
            let left = self.wait_for_namespace(other, nsid, false).await?;
            if left.is_some() {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    /// Has the driver of a function look at its controller's namespaces, and waits until it has found one, and until there is a file
    /// to use it by, or until it has lost it. Returns that file, where there is one in the end.
    pub async fn wait_for_namespace(
        &mut self,
        function: Bdf,
        nsid: u32,
        there: bool,
    ) -> Result<Option<String>, Problem> {
        let host = self.host.clone();
        let look = async || block_device(host.as_ref(), function, nsid).await;
        let is_so = async || {
            let so = if there {
                usable(host.as_ref(), function, nsid).await?.is_some()
            } else {
                look().await?.is_none()
            };
            Ok(so.then_some(()))
        };
        let rescanned = within(STEP_LIMIT, rescan(host.as_ref(), function)).await?;
        self.log.step(rescanned)?;
        self.until(NOTICED, is_so).await?;
        let found = look().await?;
        self.log.step(format!(
            "$ grep . {}/*/nvme*n*/nsid\nnamespace {nsid}: {}",
            sysfs::attribute(function, "nvme"),
            found.as_deref().unwrap_or("(none)")
        ))?;
        Ok(found)
    }
}

/// A controller need not tell of what was attached to it (Attached Namespace Attribute Notices are optional: OAES, bit 8), and QEMU
/// tells of a namespace once until its driver has asked which it was (hw/nvme/ctrl.c, `changed_nsids`). A function without a
/// controller has nothing to look at. Returns the command.
///
/// Source: Linux 6.12 drivers/nvme/host/sysfs.c, `nvme_sysfs_rescan`.
pub(super) async fn rescan(host: &dyn Host, function: Bdf) -> io::Result<String> {
    let Some(nvme) = facts::nvme(host, function).await? else {
        return Ok(format!("# {function} has no controller"));
    };
    let folder = sysfs::attribute(function, "nvme");
    let path = format!("{folder}/{}/rescan_controller", nvme.name);
    host.write(&path, b"1").await?;
    Ok(format!("$ echo 1 > {path}"))
}

/// The block device of a namespace, once there is a file to use it by.
pub(super) async fn usable(
    host: &dyn Host,
    function: Bdf,
    nsid: u32,
) -> io::Result<Option<String>> {
    match block_device(host, function, nsid).await? {
        Some(device) if has_file(host, &device).await? => Ok(Some(device)),
        _ => Ok(None),
    }
}

/// The way to a namespace is shown before the block device that is used, and its file (Linux 6.12 drivers/nvme/host/multipath.c,
/// `nvme_mpath_set_live`).
pub(super) async fn has_file(host: &dyn Host, device: &str) -> io::Result<bool> {
    let all = host.list("/dev").await?;
    let name = device.trim_start_matches("/dev/");
    Ok(all.iter().any(|known| known == name))
}

/// How much was written by way of a function since its driver has bound, to all namespaces together, in sectors: the seventh number of
/// `stat` (Linux Documentation/block/stat.rst).
pub(super) async fn written(host: &dyn Host, function: Bdf) -> io::Result<u64> {
    let folder = sysfs::attribute(function, "nvme");
    let mut sum = 0;
    for controller in read::names(host, &folder).await? {
        let at = format!("{folder}/{controller}");
        for name in read::names(host, &at).await? {
            if parse_namespace(&name).is_none() {
                continue;
            }
            let stat = read::optional(host, &format!("{at}/{name}/stat")).await?;
            let stat = stat.unwrap_or_default();
            let sectors = stat.split_whitespace().nth(6);
            sum += sectors
                .and_then(|text| text.parse::<u64>().ok())
                .unwrap_or(0);
        }
    }
    Ok(sum)
}

/// A list, as it stands in a transcript.
struct Listed<T>(Vec<T>);

impl<T: fmt::Debug> fmt::Display for Listed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
