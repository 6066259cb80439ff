//! What the primary controller has of the flexible resources, in verbs.

use super::{Attempt, Bench};
use crate::finding::Problem;
use crate::nvme::{Resource, Status, Virtualization};
use crate::sysfs;
use crate::undo::Undo;

impl Bench {
    /// Tells the primary controller to give up all that it has of the flexible resources at its next reset. Returns how it refused,
    /// where it did.
    pub async fn give_up(&mut self) -> Result<Option<Status>, Problem> {
        let capabilities = self.primary_capabilities().await?;
        let undo = Undo::Held {
            serial: self.serial(),
            held: capabilities.held(),
        };
        for resource in Resource::ALL {
            let hold = Virtualization::hold(capabilities.cntlid, resource, 0);
            let words = hold.words(&self.controller(self.pf()).await?);
            let refusal = self.tell(&words, undo.clone()).await?;
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        Ok(None)
    }

    /// Resets the PF, which has no VFs. A reset of the function is a reset of its controller too.
    ///
    /// Source: NVM Express Base Specification, Controller Level Reset.
    pub async fn reset_pf(&mut self) -> Result<Attempt, Problem> {
        let undo = self.functions_undo();
        let path = sysfs::attribute(self.pf(), "reset");
        self.attempt(&path, "1", undo).await
    }
}
