//! The checks that go on after a restart of the machine: all of them share each restart.

use std::time::Duration;

use anyhow::{Context, anyhow};
use reports::Event;

use super::judge::record;
use super::part::Undone;
use super::{Course, Progress};
use crate::bench::Bench;
use crate::check::{Check, Problem};
use crate::facts;
use crate::returned::Returned;

/// How far a run has come.
pub(super) enum Stage {
    /// To its end.
    Over,
    /// To a restart.
    Restart,
    /// To a signal, by name.
    Stopped(String),
}

impl Stage {
    /// What kept it from coming to its end.
    pub(super) fn stopped(self) -> Option<String> {
        match self {
            Self::Stopped(signal) => Some(signal),
            Self::Over | Self::Restart => None,
        }
    }
}

impl Course<'_> {
    /// The parts before the first restart. The unit is promised first and so undone last: as long
    /// as anything else is left, a machine that restarts meanwhile cleans up by itself.
    pub(super) async fn begin_stage(
        &mut self,
        bench: &mut Bench,
        checks: &[&'static Check],
    ) -> anyhow::Result<Stage> {
        if checks.is_empty() {
            return Ok(Stage::Over);
        }
        if self.dirty.is_empty() {
            let installed = bench.survive_restart(&self.resume_unit).await;
            if let Err(problem) = installed {
                let message = problem.to_string();
                return self.end_all(bench, checks, || anyhow!(message.clone()).into());
            }
        }
        self.stage(bench, checks).await
    }

    /// The parts after a restart, unless the machine that came back is not the one that went.
    pub(super) async fn go_on(
        &mut self,
        bench: &mut Bench,
        waiting: &[&'static Check],
        returned: &Returned,
    ) -> anyhow::Result<Stage> {
        match returned.wrong() {
            None => self.stage(bench, waiting).await,
            Some((finding, message)) => self.end_all(bench, waiting, || Problem::Found {
                finding,
                message: message.clone(),
            }),
        }
    }

    /// Answers for checks that cannot be asked.
    fn end_all(
        &mut self,
        bench: &mut Bench,
        checks: &[&'static Check],
        problem: impl Fn() -> Problem,
    ) -> anyhow::Result<Stage> {
        for check in checks {
            bench.log.begin(check.id)?;
            let took = bench.log.took(Duration::ZERO);
            let record = record(bench, check, Err(problem()), &[], took);
            self.over(bench, &record)?;
        }
        Ok(Stage::Over)
    }

    async fn stage(
        &mut self,
        bench: &mut Bench,
        checks: &[&'static Check],
    ) -> anyhow::Result<Stage> {
        let mut waiting = 0;
        for (index, check) in checks.iter().enumerate() {
            let undone = if waiting == 0 && index + 1 == checks.len() {
                Undone::All
            } else {
                Undone::Nothing
            };
            let ended = self.part(bench, check, undone).await?;
            if let Some(signal) = ended.stopped {
                return Ok(Stage::Stopped(signal));
            }
            waiting += usize::from(ended.goes_on);
        }
        if waiting == 0 {
            return Ok(Stage::Over);
        }
        let from = facts::boot(bench.host.as_ref())
            .await
            .context("cannot tell this boot from the next")?;
        bench.log.append(&Event::Restarting { from })?;
        (self.progress)(Progress::Restart(waiting));
        Ok(Stage::Restart)
    }
}
