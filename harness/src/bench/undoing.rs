//! What a bench has changed, and how it is changed back.

use anyhow::Context;

use super::Bench;
use crate::finding::Problem;
use crate::pci::Bdf;
use crate::undo::Undo;

/// A change that is promised to be undone, by its number in the journal.
pub(super) struct Pending {
    number: u32,
    pub(super) undo: Undo,
}

impl Pending {
    /// What an earlier process promised.
    pub(super) fn resumed(change: &reports::Pending) -> anyhow::Result<Self> {
        let number = change.number;
        let undo = serde_json::from_value(change.undo.clone()).with_context(|| {
            format!(
                "change {number} ({}) has an undo of another version of this program",
                change.what
            )
        })?;
        Ok(Self { number, undo })
    }
}

impl Bench {
    /// A device is not where it was any more. What the kernel kept about it is gone with it, and
    /// nothing may be undone on another one.
    pub fn is_elsewhere(&mut self, device: Bdf) {
        self.left.push(device);
    }

    /// Writes down how to change something back, before it is changed. The first change of a
    /// subject within a check knows its original; later ones add nothing.
    pub(super) fn promise(&mut self, what: &str, undo: Undo) -> Result<(), Problem> {
        if !self.is_promised(&undo) {
            let number = self.log.change(what, &undo)?;
            self.pending.push(Pending { number, undo });
        }
        Ok(())
    }

    pub(super) fn is_promised(&self, undo: &Undo) -> bool {
        let same = |pending: &Pending| pending.undo.subject() == undo.subject();
        self.pending.iter().any(same)
    }

    /// Undoes all that was changed, last change first, but ends the guests before: one that does not
    /// let go of a VF would block all that is done to it. Returns what cannot be undone, and whether
    /// the journal took it all: one that takes no more must not keep the rest from being undone.
    pub async fn undo(&mut self) -> (Vec<String>, anyhow::Result<()>) {
        let (guests, mut all) = self.take_pending();
        all.extend(guests);
        self.guests.clear();
        self.apply(all).await
    }

    /// As [`Bench::undo`], but leaves its guests to the checks that come.
    pub async fn undo_check(&mut self) -> (Vec<String>, anyhow::Result<()>) {
        let (guests, changes) = self.take_pending();
        self.pending = guests;
        self.apply(changes).await
    }

    /// What is to be undone: guests, and all the rest.
    fn take_pending(&mut self) -> (Vec<Pending>, Vec<Pending>) {
        let all = std::mem::take(&mut self.pending);
        all.into_iter()
            .partition(|pending| matches!(pending.undo, Undo::Guest { .. }))
    }

    async fn apply(&mut self, changes: Vec<Pending>) -> (Vec<String>, anyhow::Result<()>) {
        let mut left = Vec::new();
        let mut written = Ok(());
        let (mut changes, others): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|pending| pending.undo.comes_last());
        changes.extend(others);
        for Pending { number, undo } in changes.into_iter().rev() {
            let applied = if undo.device().is_some_and(|bdf| self.left.contains(&bdf)) {
                Ok(())
            } else {
                undo.apply(self.host.as_ref()).await
            };
            let error = applied.err().map(|error| error.to_string());
            written = written.and(self.log.undone(number, error.clone()));
            left.extend(error.map(|error| format!("{}: {error}", undo.subject())));
        }
        (left, written)
    }
}
