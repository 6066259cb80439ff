//! Attaches to a namespace the controllers that were, and no others.

use std::io;

use super::command;
use crate::facts;
use crate::machine::Host;
use crate::nvme::{Attachment, Scratch};
use crate::pci::Bdf;

/// Attachments outlive drivers, restarts and the power: where the drive cannot be asked, or another one is in its place, this stays
/// to be done.
pub(super) async fn restore_attached(
    host: &dyn Host,
    pf: Bdf,
    namespace: &Scratch,
    controllers: &[u16],
) -> io::Result<()> {
    let (serial, nsid) = (&namespace.serial, namespace.nsid);
    let nvme = facts::nvme(host, pf).await?;
    let Some(nvme) = nvme.filter(|nvme| nvme.serial == *serial) else {
        return Err(io::Error::other(format!(
            "{pf} is not the controller {serial} now, or has no driver: bind its driver, then `sriov-certify restore`"
        )));
    };
    let now = facts::attached(host, &nvme.name, nsid).await?;
    let gone = now.iter().filter(|cntlid| !controllers.contains(cntlid));
    let missing = controllers.iter().filter(|cntlid| !now.contains(cntlid));
    let detach = gone.map(|cntlid| (Attachment::Detach, cntlid));
    let attach = missing.map(|cntlid| (Attachment::Attach, cntlid));
    let mut done = Ok(());
    for (what, cntlid) in detach.chain(attach) {
        let words = what.words(&nvme.name, nsid, *cntlid);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // One that is refused must not keep the others from what is theirs.
        done = done.and(command(host, &words).await);
    }
    done
}
