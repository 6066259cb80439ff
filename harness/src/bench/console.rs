//! What guests leave as evidence: their consoles, and what libvirt and its emulator log of them.

use super::{Bench, STEP_LIMIT, within};
use crate::finding::Problem;
use crate::guest::Files;
use crate::undo::Undo;

/// How much of a console or a log goes into the evidence at once, in bytes from its end.
const TAIL: usize = 16 * 1024;

impl Bench {
    /// Keeps what the consoles and the logs of all guests have gained since this was last done.
    pub(crate) async fn guests_evidence(&mut self) -> Result<(), Problem> {
        let undos = self.pending.iter().map(|pending| &pending.undo);
        let guests = undos.filter_map(|undo| match undo {
            Undo::Guest { name } => Some(Files::of(name)),
            _ => None,
        });
        for Files { console, log, .. } in guests.collect::<Vec<_>>() {
            self.tail(&console).await?;
            self.tail(&log).await?;
        }
        Ok(())
    }

    async fn tail(&mut self, path: &str) -> Result<(), Problem> {
        let text = match within(STEP_LIMIT, self.host.read(path)).await {
            Ok(bytes) => String::from_utf8_lossy(self.news(path, &bytes)).into_owned(),
            Err(error) => format!("({error})"),
        };
        Ok(self.log.step(format!("$ tail -c {TAIL} {path}\n{text}"))?)
    }

    /// The end of a file, without what was kept before. libvirt begins a console anew at each start of
    /// its guest.
    fn news<'a>(&mut self, path: &str, bytes: &'a [u8]) -> &'a [u8] {
        let kept = self.kept.insert(path.to_owned(), bytes.len());
        let kept = kept.filter(|&kept| kept <= bytes.len()).unwrap_or(0);
        &bytes[kept.max(bytes.len().saturating_sub(TAIL))..]
    }
}
