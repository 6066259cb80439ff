//! Attaches to a namespace the controllers that were, and no others.

use std::io;

use super::drive::{drive, is_free};
use super::{tell, write};
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
    let nsid = namespace.nsid;
    let (pf, controller) = drive(host, pf, &namespace.serial).await?;
    let now = facts::attached(host, &controller, nsid).await?;
    let gone = now.iter().filter(|cntlid| !controllers.contains(cntlid));
    let missing = controllers.iter().filter(|cntlid| !now.contains(cntlid));
    let detach = gone.map(|cntlid| (Attachment::Detach, cntlid));
    let attach = missing.map(|cntlid| (Attachment::Attach, cntlid));
    if now != controllers {
        is_free(host, pf, nsid).await?;
    }
    let mut done = Ok(());
    for (what, cntlid) in detach.chain(attach) {
        let words = what.words(&controller, nsid, *cntlid);
        // One that is refused must not keep the others from what is theirs.
        done = done.and(tell(host, &words).await);
    }
    // Its driver need not have heard of it.
    let folder = sysfs::attribute(pf, "nvme");
    let rescan = format!("{folder}/{controller}/rescan_controller");
    done.and(write(host, &rescan, "1").await)
}
