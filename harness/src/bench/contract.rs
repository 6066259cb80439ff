//! Writes that the kernel is expected to refuse, or that race.

use std::time::Duration;

use futures_util::future::join_all;
use nix::errno::Errno;
use tokio::time::Instant;

use super::{Bench, STEP_LIMIT, within};
use crate::finding::Problem;
use crate::sysfs;

/// How the kernel answered a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Why it refused; `None` where it did not.
    pub error: Option<Errno>,
    /// How long it took.
    pub took: Duration,
}

impl Attempt {
    /// The errno's symbol, or `success`.
    pub fn answer(&self) -> String {
        self.error
            .map_or("success".to_owned(), |errno| format!("{errno:?}"))
    }
}

impl Bench {
    /// Writes exactly this text to `sriov_numvfs`, whatever comes of it.
    pub async fn attempt_numvfs(&mut self, text: &str) -> Result<Attempt, Problem> {
        let path = sysfs::attribute(self.facts.device.bdf, "sriov_numvfs");
        let undo = self.functions_undo();
        self.attempt(&path, text, undo).await
    }

    /// Writes both counts to `sriov_numvfs` at the same time.
    pub async fn attempt_numvfs_at_once(
        &mut self,
        counts: [u16; 2],
    ) -> Result<[Attempt; 2], Problem> {
        let path = sysfs::attribute(self.facts.device.bdf, "sriov_numvfs");
        let command = format!(
            "echo {} > {path} & echo {} > {path} & wait",
            counts[0], counts[1]
        );
        let undo = self.functions_undo();
        self.promise(&command, undo)?;
        self.log.step(format!("$ {command}"))?;
        let start = Instant::now();
        let host = self.host.clone();
        let results =
            join_all(
                counts.map(|count| {
                    let (host, path) = (&host, &path);
                    async move {
                        within(STEP_LIMIT, host.write(path, count.to_string().as_bytes())).await
                    }
                }),
            )
            .await;
        let mut attempts = [Attempt {
            error: None,
            took: Duration::ZERO,
        }; 2];
        for (slot, (count, result)) in attempts.iter_mut().zip(counts.iter().zip(results)) {
            *slot = self.attempted(&format!("echo {count} > {path}"), start.elapsed(), result)?;
        }
        Ok(attempts)
    }
}
