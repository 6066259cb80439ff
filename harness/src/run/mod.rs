//! Carries out a plan: the only part that lets anything be changed.

mod ending;
mod judge;
mod part;
mod stage;

use futures_util::future::LocalBoxFuture;
use reports::{Event, Identity, Record};

use crate::bench::Bench;
use crate::check::Check;
use crate::plan::Step;
use crate::returned::Returned;
use ending::left_behind;
pub use judge::{ISSUE_GONE, KERNEL_COMPLAINED};
use part::Undone;
use stage::Stage;

/// What a caller hears of a run while it goes on.
pub enum Progress<'a> {
    /// A check begins.
    Begin(&'a Check),
    /// It has ended so.
    End(&'a Record),
    /// The machine is about to restart, for so many checks.
    Restart(usize),
}

/// What a run needs beside its bench.
pub struct Orders<'a> {
    /// The run's id.
    pub run_id: String,
    /// The text of the unit that goes on with the run after a restart.
    pub resume_unit: String,
    /// Comes to an end, with a name, when the run is to stop early.
    pub stop: LocalBoxFuture<'a, String>,
    /// Is told how the run gets on.
    pub progress: &'a mut dyn FnMut(Progress<'_>),
}

/// What is to be done once a run returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it has come to its end.
    Nothing,
    /// The machine is to be restarted, and the run to be gone on with by [`resume`].
    Restart,
}

/// Runs a plan to its end, to a stop or to a restart of the machine. At its end the bench is as it
/// was found. Everything that is to be known about it stands in the journal; only where that takes
/// no more, the error says it.
pub async fn run(
    bench: &mut Bench,
    identity: Identity,
    plan: &[Step],
    orders: Orders<'_>,
) -> anyhow::Result<Next> {
    let planned = plan.iter().map(Step::planned).collect();
    bench.log.append(&Event::RunStarted {
        identity,
        plan: planned,
    })?;
    let mut course = Course::new(orders);
    let stage = course.carry_out(bench, plan).await;
    course.conclude(bench, stage).await
}

/// Goes on with a run whose journal waits for a restart. `waiting` are the checks that have a
/// further part.
pub async fn resume(
    bench: &mut Bench,
    waiting: &[&'static Check],
    returned: &Returned,
    orders: Orders<'_>,
) -> anyhow::Result<Next> {
    let mut course = Course::new(orders);
    let stage = course.go_on(bench, waiting, returned).await;
    course.conclude(bench, stage).await
}

/// Ends a run that nobody can go on with: undoes what it left. Returns what is not as it was found.
/// `why` is what kept it from coming to its end, where it did not.
pub async fn abandon(bench: &mut Bench, why: Option<String>) -> anyhow::Result<Vec<String>> {
    let (left, written) = bench.undo().await;
    let left_behind = left_behind(bench, left).await;
    let ended = bench.log.append(&Event::RunEnded {
        interrupted: why,
        left_behind: left_behind.clone(),
    });
    written
        .and(ended)
        .map_err(|error| unwritten(&error, &left_behind))?;
    Ok(left_behind)
}

/// A run under way.
struct Course<'a> {
    run_id: String,
    resume_unit: String,
    stop: LocalBoxFuture<'a, String>,
    progress: &'a mut dyn FnMut(Progress<'_>),
    /// What could not be undone.
    dirty: Vec<String>,
}

impl<'a> Course<'a> {
    fn new(orders: Orders<'a>) -> Self {
        Self {
            run_id: orders.run_id,
            resume_unit: orders.resume_unit,
            stop: orders.stop,
            progress: orders.progress,
            dirty: Vec::new(),
        }
    }

    /// Runs the checks one by one: first those that need no restart, then the others together.
    async fn carry_out(&mut self, bench: &mut Bench, plan: &[Step]) -> anyhow::Result<Stage> {
        let planned = plan.iter().filter(|step| step.skip.is_none());
        let (once, across): (Vec<&Check>, Vec<_>) = planned
            .map(|step| step.check)
            .partition(|check| check.parts.len() == 1);
        for (index, check) in once.iter().enumerate() {
            // Guests take long to start: the checks of an area share them.
            let next = once.get(index + 1).map(|next| next.area());
            let undone = if next == Some(check.area()) {
                Undone::ButGuests
            } else {
                Undone::All
            };
            let ended = self.part(bench, check, undone).await?;
            if let Some(signal) = ended.stopped {
                return Ok(Stage::Stopped(signal));
            }
        }
        self.begin_stage(bench, &across).await
    }

    /// Leaves the bench as it was found, unless the run goes on.
    async fn conclude(
        mut self,
        bench: &mut Bench,
        stage: anyhow::Result<Stage>,
    ) -> anyhow::Result<Next> {
        if matches!(stage, Ok(Stage::Restart)) {
            return Ok(Next::Restart);
        }
        let (left, undone) = bench.undo().await;
        self.dirty.extend(left);
        let left_behind = left_behind(bench, self.dirty).await;
        let written = stage.and_then(|stage| {
            bench.log.append(&Event::RunEnded {
                interrupted: stage.stopped(),
                left_behind: left_behind.clone(),
            })
        });
        written
            .and(undone)
            .map_err(|error| unwritten(&error, &left_behind))?;
        Ok(Next::Nothing)
    }
}

/// The journal cannot tell what became of the bench.
fn unwritten(error: &anyhow::Error, left_behind: &[String]) -> anyhow::Error {
    if left_behind.is_empty() {
        anyhow::anyhow!("{error:#}; the bench was left as it was found")
    } else {
        anyhow::anyhow!("{error:#}; left behind: {}", left_behind.join("; "))
    }
}
