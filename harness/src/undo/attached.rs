//! Attaches to a namespace the controllers that were, and no others.

use std::io;

use super::drive::drive;
use super::{command, write};
use crate::facts;
use crate::machine::Host;
use crate::nvme::{Attachment, Scratch};
use crate::pci::Bdf;
use crate::sysfs;

pub(super) async fn restore_attached(
    host: &dyn Host,
    pf: Bdf,
    namespace: &Scratch,
    controllers: &[u16],
) -> io::Result<()> {
    let (serial, nsid) = (&namespace.serial, namespace.nsid);
    let nvme = drive(host, pf, serial).await?;
    let now = facts::attached(host, &nvme.name, nsid).await?;
    let gone = now.iter().filter(|cntlid| !controllers.contains(cntlid));
    let missing = controllers.iter().filter(|cntlid| !now.contains(cntlid));
    let detach = gone.map(|cntlid| (Attachment::Detach, cntlid));
    let attach = missing.map(|cntlid| (Attachment::Attach, cntlid));
    let mut done = Ok(());
    let path = format!(
        "{}/{}/rescan_controller",
        sysfs::attribute(pf, "nvme"),
        nvme.name
    );
    for (what, cntlid) in detach.chain(attach) {
        let words = what.words(&nvme.name, nsid, *cntlid);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // One that is refused must not keep the others from what is theirs.
        done = done.and(command(host, &words).await);
    }
    // Its driver need not have heard of it.
    done.and(write(host, &path, "1").await)
}
