//! Carries out a plan: the only part that lets anything be changed.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use reports::{Event, Identity, Outcome, Record};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::check::{Answer, Blames, Check, Finding, Problem};
use crate::facts;
use crate::kernel_log::{self, Witness};
use crate::plan::Step;

/// The kernel complained while a check ran.
pub const KERNEL_COMPLAINED: Finding = Finding::device(
    "kernel-complained",
    "The check's own assertions held, but the kernel logged a warning, a bus error or an IOMMU fault meanwhile.",
    "Read the lines in the report. Where the driver's maintainers know them to be harmless, add a [[kernel_log]] entry with their word as reason to the profile.",
);

/// A check did what the profile says it cannot.
pub const ISSUE_GONE: Finding = Finding::device(
    "known-issue-gone",
    "The profile lists this as a known issue, but it did not occur. A stale entry would hide the next real failure.",
    "Repeat the run; if the issue stays away, remove the [[known_issue]] from the profile.",
);

/// How long the facts may take to become what they were, once everything is undone: a link that
/// was down and up again needs its time.
const RESTORE_LIMIT: Duration = Duration::from_secs(20);

/// What a caller hears of a run while it goes on.
pub enum Progress<'a> {
    /// A check begins.
    Begin(&'a Check),
    /// It has ended so.
    End(&'a Record),
}

/// What a run needs beside its bench.
pub struct Orders<'a> {
    /// The device and the place.
    pub identity: Identity,
    /// What is to be done.
    pub plan: Vec<Step>,
    /// Comes to an end, with a name, when the run is to stop early.
    pub stop: LocalBoxFuture<'a, String>,
    /// Is told how the run gets on.
    pub progress: &'a mut dyn FnMut(Progress<'_>),
}

/// Runs a plan to its end, or to a stop, and leaves the bench as it was found. Everything that is
/// to be known about it stands in the journal; only where that takes no more, the error says it.
pub async fn run(bench: &mut Bench, orders: Orders<'_>) -> anyhow::Result<()> {
    let plan = orders.plan.iter().map(Step::planned).collect();
    let identity = orders.identity.clone();
    bench.log.append(&Event::RunStarted { identity, plan })?;
    let mut dirty = Vec::new();
    let carried_out = carry_out(bench, orders, &mut dirty).await;
    let left_behind = left_behind(bench, dirty).await;
    let written = carried_out.and_then(|interrupted| {
        bench.log.append(&Event::RunEnded {
            interrupted,
            left_behind: left_behind.clone(),
        })
    });
    written.map_err(|error| unwritten(&error, &left_behind))
}

/// The journal cannot tell what became of the bench.
fn unwritten(error: &anyhow::Error, left_behind: &[String]) -> anyhow::Error {
    if left_behind.is_empty() {
        anyhow::anyhow!("{error:#}; the bench was left as it was found")
    } else {
        anyhow::anyhow!("{error:#}; left behind: {}", left_behind.join("; "))
    }
}

/// Runs the checks one by one. Returns what stopped it before the end, if anything did.
async fn carry_out(
    bench: &mut Bench,
    orders: Orders<'_>,
    dirty: &mut Vec<String>,
) -> anyhow::Result<Option<String>> {
    let Orders {
        identity,
        plan,
        mut stop,
        progress,
    } = orders;
    for step in plan.iter().filter(|step| step.skip.is_none()) {
        progress(Progress::Begin(step.check));
        let ended = run_one(bench, step.check, &identity.run_id, dirty, &mut stop).await?;
        bench.log.append(&Event::CheckEnded {
            record: ended.record.clone(),
        })?;
        progress(Progress::End(&ended.record));
        if ended.stopped.is_some() {
            return Ok(ended.stopped);
        }
    }
    Ok(None)
}

struct Ended {
    record: Record,
    stopped: Option<String>,
}

async fn run_one(
    bench: &mut Bench,
    check: &'static Check,
    run_id: &str,
    dirty: &mut Vec<String>,
    stop: &mut LocalBoxFuture<'_, String>,
) -> anyhow::Result<Ended> {
    let start = Instant::now();
    bench.log.begin(check.id)?;
    let (mut answer, witness, stopped) = if dirty.is_empty() {
        observed(bench, check, run_id, stop).await
    } else {
        (
            Err(anyhow::anyhow!("the bench was left dirty: {}", dirty.join("; ")).into()),
            None,
            None,
        )
    };
    let (left, written) = bench.undo().await;
    if !left.is_empty() && answer.is_ok() {
        answer = Err(anyhow::anyhow!("could not undo: {}", left.join("; ")).into());
    }
    dirty.extend(left);
    written?;
    // Only now: what a driver does wrong while its VFs are removed, it does in the undo.
    let (answer, heard) = testimony(bench, witness, answer).await;
    let record = record(bench, check, answer, &heard, start.elapsed());
    Ok(Ended { record, stopped })
}

/// Runs a check from a mark in the kernel's log on. Without the mark nothing is touched.
async fn observed(
    bench: &mut Bench,
    check: &'static Check,
    run_id: &str,
    stop: &mut LocalBoxFuture<'_, String>,
) -> (Answer, Option<Witness>, Option<String>) {
    match Witness::call(bench.host.as_ref(), run_id, check.id).await {
        Ok(witness) => {
            let (answer, stopped) = bounded(bench, check, stop).await;
            (answer, Some(witness), stopped)
        }
        Err(error) => {
            let error = anyhow::anyhow!("cannot mark the kernel log: {error}");
            (Err(error.into()), None, None)
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
    stop: &mut LocalBoxFuture<'_, String>,
) -> (Answer, Option<String>) {
    let answer = pin!(AssertUnwindSafe((check.run)(bench)).catch_unwind());
    tokio::select! {
        biased;
        reason = stop => (Err(anyhow::anyhow!("stopped by {reason}").into()), Some(reason)),
        answer = tokio::time::timeout(check.limit, answer) => (match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Err(anyhow::anyhow!("the check panicked: {}", panic_text(panic.as_ref())).into()),
            Err(_) => Err(anyhow::anyhow!("no answer within {} s", check.limit.as_secs()).into()),
        }, None),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

fn record(
    bench: &Bench,
    check: &Check,
    answer: Answer,
    heard: &[String],
    took: Duration,
) -> Record {
    let (outcome, message, finding) = judge(bench, check, answer, heard);
    Record {
        check: check.id.into(),
        outcome,
        message,
        finding: finding.map(Into::into),
        skip: None,
        assertions: bench.log.assertions(),
        seconds: took.as_secs_f64(),
        kernel_log: grave(bench, check, heard),
        notes: bench.log.notes(),
    }
}

fn grave(bench: &Bench, check: &Check, heard: &[String]) -> Vec<String> {
    let known = bench
        .profile
        .kernel_log
        .iter()
        .map(|log| log.contains.as_str());
    let expected: Vec<&str> = known.chain(check.provokes.iter().copied()).collect();
    kernel_log::grave(heard, &expected)
}

type Judgement = (Outcome, String, Option<&'static Finding>);

fn judge(bench: &Bench, check: &Check, answer: Answer, heard: &[String]) -> Judgement {
    let issue = bench
        .profile
        .known_issues
        .iter()
        .find(|issue| issue.check == check.id);
    match (blame(bench, check, answer, heard), issue) {
        ((Outcome::Failed, message, finding), Some(issue)) => (
            Outcome::KnownIssue,
            format!("{} ({}): {message}", issue.reason, issue.source),
            finding,
        ),
        ((Outcome::Passed, ..), Some(issue)) => (
            Outcome::Failed,
            format!("it passed, although it is a known issue: {}", issue.reason),
            Some(&ISSUE_GONE),
        ),
        (judgement, _) => judgement,
    }
}

/// A check that executed no assertion has proven nothing, whatever it returned.
fn blame(bench: &Bench, check: &Check, answer: Answer, heard: &[String]) -> Judgement {
    let grave = grave(bench, check, heard);
    match answer {
        Err(Problem::Bench(error)) => (Outcome::Error, format!("{error:#}"), None),
        Err(Problem::Found { finding, message }) => (
            if finding.blames == Blames::Device {
                Outcome::Failed
            } else {
                Outcome::Error
            },
            message,
            Some(finding),
        ),
        Ok(()) if bench.log.assertions() == 0 => {
            (Outcome::Error, "the check asserted nothing".into(), None)
        }
        Ok(()) if !grave.is_empty() => (
            Outcome::Failed,
            format!("the kernel logged: {}", grave[0]),
            Some(&KERNEL_COMPLAINED),
        ),
        Ok(()) => (Outcome::Passed, String::new(), None),
    }
}

/// Reads the facts again until they are what they were, or the time is over.
async fn left_behind(bench: &mut Bench, dirty: Vec<String>) -> Vec<String> {
    let end = Instant::now() + RESTORE_LIMIT;
    loop {
        let differences = differences(bench).await;
        if differences.is_empty() || Instant::now() >= end {
            return dirty.into_iter().chain(differences).collect();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn differences(bench: &Bench) -> Vec<String> {
    match facts::reread(bench.host.as_ref(), &bench.facts).await {
        Ok(now) => facts::compare(&bench.facts, &now),
        Err(error) => vec![format!("the facts cannot be read again: {error}")],
    }
}
