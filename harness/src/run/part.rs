//! Carries out one part of a check, with the kernel as a witness.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use reports::{Event, Record};
use tokio::time::Instant;

use super::judge::{grave, record};
use super::{Course, Progress};
use crate::bench::Bench;
use crate::check::{Answer, Check};
use crate::kernel_log::Witness;

/// What is undone at the end of a check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Undone {
    /// Nothing: other checks need what was changed.
    Nothing,
    /// All but the guests, which the next check uses too.
    ButGuests,
    /// All.
    All,
}

/// How a part of a check ended.
pub(super) struct Ended {
    /// What is to stop the run.
    pub stopped: Option<String>,
    /// Whether the check goes on after a restart.
    pub goes_on: bool,
}

impl Course<'_> {
    /// Carries out the next part of a check. Where it is the last, what was changed is undone.
    pub(super) async fn part(
        &mut self,
        bench: &mut Bench,
        check: &'static Check,
        undone: Undone,
    ) -> anyhow::Result<Ended> {
        let start = Instant::now();
        let part = bench.log.begin(check.id)?;
        if part == 0 {
            (self.progress)(Progress::Begin(check));
        }
        let (answer, witness, stopped) = self.observed(bench, check, part).await;
        let goes_on = answer.is_ok() && part + 1 < check.parts.len();
        let answer = if goes_on {
            answer
        } else {
            self.undo(bench, answer, undone).await?
        };
        // Only now: what a driver does wrong while its VFs are removed, it does in the undo.
        let (answer, heard) = testimony(bench, witness, answer).await;
        // What the kernel complains of now, it would not remember after a restart.
        let goes_on = goes_on && answer.is_ok() && grave(bench, check, &heard).is_empty();
        if goes_on {
            bench.log.pause(part + 1, start.elapsed())?;
        } else {
            let record = record(
                bench,
                check,
                answer,
                &heard,
                bench.log.took(start.elapsed()),
            );
            self.over(bench, &record)?;
        }
        Ok(Ended { stopped, goes_on })
    }

    /// Undoes what was changed. A check that leaves something behind has broken the bench, and a
    /// guest in which a check did not pass is of no use to the next.
    async fn undo(
        &mut self,
        bench: &mut Bench,
        answer: Answer,
        undone: Undone,
    ) -> anyhow::Result<Answer> {
        let (left, written) = match undone {
            Undone::Nothing => return Ok(answer),
            Undone::ButGuests if answer.is_ok() => bench.undo_check().await,
            Undone::ButGuests | Undone::All => bench.undo().await,
        };
        let answer = if left.is_empty() || answer.is_err() {
            answer
        } else {
            Err(anyhow::anyhow!("could not undo: {}", left.join("; ")).into())
        };
        self.dirty.extend(left);
        written?;
        Ok(answer)
    }

    /// Writes down how a check ended.
    pub(super) fn over(&mut self, bench: &mut Bench, record: &Record) -> anyhow::Result<()> {
        bench.log.append(&Event::CheckEnded {
            record: record.clone(),
        })?;
        (self.progress)(Progress::End(record));
        Ok(())
    }

    /// Runs a part from a mark in the kernel's log on. Without the mark nothing is touched.
    async fn observed(
        &mut self,
        bench: &mut Bench,
        check: &'static Check,
        part: usize,
    ) -> (Answer, Option<Witness>, Option<String>) {
        if !self.dirty.is_empty() {
            let dirty = anyhow::anyhow!("the bench was left dirty: {}", self.dirty.join("; "));
            return (Err(dirty.into()), None, None);
        }
        match Witness::call(bench.host.as_ref(), &self.run_id, check.id).await {
            Ok(witness) => {
                let (answer, stopped) = bounded(bench, check, part, &mut self.stop).await;
                let answer = bench.heed_guests(answer).await;
                let kept = bench.guests_evidence().await;
                (answer.and(kept), Some(witness), stopped)
            }
            Err(error) => {
                let error = anyhow::anyhow!("cannot mark the kernel log: {error}");
                (Err(error.into()), None, None)
            }
        }
    }
}

/// What the kernel has logged since the mark. Without it a check cannot pass.
async fn testimony(
    bench: &Bench,
    witness: Option<Witness>,
    answer: Answer,
) -> (Answer, Vec<String>) {
    let Some(witness) = witness else {
        return (answer, Vec::new());
    };
    match witness.hear(bench.host.as_ref()).await {
        Ok(heard) => (answer, heard),
        Err(error) => {
            let deaf = anyhow::anyhow!("cannot read the kernel log: {error}");
            (answer.and(Err(deaf.into())), Vec::new())
        }
    }
}

/// Runs a check until it answers, panics, takes too long or is stopped.
async fn bounded(
    bench: &mut Bench,
    check: &'static Check,
    part: usize,
    stop: &mut LocalBoxFuture<'_, String>,
) -> (Answer, Option<String>) {
    let limit = bench.time_limit(check);
    let answer = pin!(AssertUnwindSafe((check.parts[part])(bench)).catch_unwind());
    tokio::select! {
        biased;
        reason = stop => (Err(anyhow::anyhow!("stopped by {reason}").into()), Some(reason)),
        answer = tokio::time::timeout(limit, answer) => (match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Err(anyhow::anyhow!("the check panicked: {}", panic_text(panic.as_ref())).into()),
            Err(_) => Err(anyhow::anyhow!("no answer within {} s", limit.as_secs()).into()),
        }, None),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
