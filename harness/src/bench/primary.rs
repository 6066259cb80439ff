//! What the primary controller has of the flexible resources, in verbs.

use super::{Attempt, Bench};
use crate::facts;
use crate::finding::Problem;
use crate::nvme::{Resource, Status, Virtualization};
use crate::sysfs;
use crate::undo::Undo;

impl Bench {
    /// Tells the primary controller to keep no more of the flexible resources than that from its next reset on, VQ and VI. Returns
    /// how it refused, where it did.
    pub async fn give_up(&mut self, keep: [u16; 2]) -> Result<Option<Status>, Problem> {
        self.is_that_drive().await?;
        let capabilities = self.primary_capabilities().await?;
        let undo = Undo::Held {
            pf: self.pf(),
            serial: self.serial(),
            held: capabilities.held(),
        };
        let has = capabilities.held();
        for ((resource, keep), has) in Resource::ALL.into_iter().zip(keep).zip(has) {
            if has <= keep {
                continue;
            }
            let command = Virtualization::hold(capabilities.cntlid, resource, keep);
            let words = command.words(&self.controller(self.pf()).await?);
            let refusal = self.tell(&words, undo.clone()).await?;
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        Ok(None)
    }

    /// Resets the PF, unless somebody uses it. A reset of the function is a reset of its controller too.
    ///
    /// Source: NVM Express Base Specification, Controller Level Reset.
    pub async fn reset_pf(&mut self) -> Result<Attempt, Problem> {
        facts::may_be_reset(self.host.as_ref(), self.pf()).await?;
        let undo = self.functions_undo();
        let path = sysfs::attribute(self.pf(), "reset");
        self.attempt(&path, "1", undo).await
    }
}
