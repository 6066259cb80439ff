//! Deletes namespaces that a run has created.

use std::io;

use super::drive::{drive, is_free};
use super::tell;
use crate::facts;
use crate::machine::Host;
use crate::nvme::{Attachment, delete};
use crate::pci::Bdf;

/// Those that were not there before, and have just the size that this run has given to its own: another one may have been created
/// by somebody else meanwhile.
pub(super) async fn delete_created(
    host: &dyn Host,
    pf: Bdf,
    serial: &str,
    before: &[u32],
    nsze: u64,
) -> io::Result<()> {
    let (pf, controller) = drive(host, pf, serial).await?;
    for nsid in facts::namespaces(host, &controller).await? {
        let is_ours = !before.contains(&nsid)
            && facts::identify_namespace(host, &controller, nsid)
                .await?
                .nsze
                == nsze;
        if is_ours {
            is_free(host, pf, nsid).await?;
            delete_one(host, &controller, nsid).await?;
        }
    }
    Ok(())
}

async fn delete_one(host: &dyn Host, controller: &str, nsid: u32) -> io::Result<()> {
    let attached = facts::attached(host, controller, nsid).await?;
    let detach = attached
        .into_iter()
        .map(|cntlid| Attachment::Detach.words(controller, nsid, cntlid));
    for words in detach.chain([delete(controller, nsid)]) {
        tell(host, &words).await?;
    }
    Ok(())
}
