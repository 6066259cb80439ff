//! From what a check answered and what the kernel logged meanwhile to the check's record.

use std::time::Duration;

use reports::{Outcome, Record};

use crate::bench::Bench;
use crate::check::{Answer, Blames, Check, Finding, Problem};
use crate::kernel_log;
use crate::profile::KnownIssue;

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

/// The record of a check that is over.
pub(super) fn record(
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

/// What of the kernel's log counts against the device.
pub(super) fn grave(bench: &Bench, check: &Check, heard: &[String]) -> Vec<String> {
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
        ((Outcome::Failed, message, finding), Some(issue)) if is_known(issue, finding) => (
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

/// Whether this is the failure that the profile knows, and not another one of the same check.
fn is_known(issue: &KnownIssue, finding: Option<&Finding>) -> bool {
    let Some(code) = &issue.finding else {
        return true;
    };
    finding.is_some_and(|finding| finding.code == code)
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
        Ok(()) if !grave.is_empty() => (
            Outcome::Failed,
            format!("the kernel logged: {}", grave[0]),
            Some(&KERNEL_COMPLAINED),
        ),
        Ok(()) if bench.log.assertions() == 0 => {
            (Outcome::Error, "the check asserted nothing".into(), None)
        }
        Ok(()) => (Outcome::Passed, String::new(), None),
    }
}
