//! The verdict on a device: a fold over the records of its run.

use crate::words::{count, some_of};
use crate::{Environment, Outcome, Record, Run, SkipKind};

/// What a run says about its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that is claimed was done and observed, on real hardware.
    Certified,
    /// The same where it is not real hardware.
    Passed,
    /// The device did not do something that is claimed.
    Rejected,
    /// Nothing can be said about the device yet.
    Inconclusive,
}

impl Verdict {
    /// The verdict on a run and the reason for it, in one line.
    pub fn of(run: &Run) -> (Self, String) {
        let failed = checks_that(run, |record| record.outcome == Outcome::Failed);
        if let Some(signal) = &run.interrupted {
            let failed = if failed.is_empty() {
                String::new()
            } else {
                format!("; failed so far: {}", some_of(&failed))
            };
            return (
                Self::Inconclusive,
                format!("interrupted by {signal}{failed}"),
            );
        }
        if !failed.is_empty() {
            let of = count(run.checks.len(), "check");
            return (
                Self::Rejected,
                format!("{} of {of} failed: {}", failed.len(), some_of(&failed)),
            );
        }
        let doubts = doubts(run);
        if !doubts.is_empty() {
            return (Self::Inconclusive, doubts.join("; "));
        }
        (
            Self::without_doubt(run.identity.environment),
            all_passed(run),
        )
    }

    fn without_doubt(environment: Environment) -> Self {
        match environment {
            Environment::Hardware => Self::Certified,
            Environment::Lab | Environment::Simulator => Self::Passed,
        }
    }

    /// What the process answers to its caller.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Certified | Self::Passed => 0,
            Self::Rejected => 1,
            Self::Inconclusive => 2,
        }
    }

    /// The verdict in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Certified => "certified",
            Self::Passed => "passed",
            Self::Rejected => "rejected",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// Everything, apart from failures, that keeps a run from proving what is claimed.
pub(crate) fn doubts(run: &Run) -> Vec<String> {
    let mut doubts: Vec<String> = run.damage.iter().cloned().collect();
    match run.restarts.last().filter(|_| run.waits) {
        Some(restart) => doubts.push(format!(
            "the machine was asked to restart at {} and has not come back",
            restart.asked
        )),
        None if !run.complete => doubts.push("the run has not come to its end".into()),
        None => {}
    }
    let kinds = [
        (
            "ended in an error of the bench",
            checks_that(run, |record| record.outcome == Outcome::Error),
        ),
        (
            "did not run for an unmet need",
            checks_that(run, |record| is_skip(record, SkipKind::UnmetNeed)),
        ),
        (
            "did not run because other checks were selected",
            checks_that(run, |record| is_skip(record, SkipKind::NotSelected)),
        ),
    ];
    for (what, checks) in kinds.iter().filter(|(_, checks)| !checks.is_empty()) {
        doubts.push(format!(
            "{} {what}: {}",
            count(checks.len(), "check"),
            some_of(checks)
        ));
    }
    if !run.left_behind.is_empty() {
        doubts.push(format!(
            "the bench was not left as it was found: {}",
            some_of(&strs(&run.left_behind))
        ));
    }
    if !run.pending.is_empty() {
        let changes: Vec<_> = run
            .pending
            .iter()
            .map(|change| change.what.as_str())
            .collect();
        doubts.push(format!(
            "{} not undone: {}",
            count(changes.len(), "change"),
            some_of(&changes)
        ));
    }
    if checks_that(run, |record| record.outcome == Outcome::Passed).is_empty() {
        doubts.push("no check passed".into());
    }
    doubts
}

fn checks_that(run: &Run, holds: impl Fn(&Record) -> bool) -> Vec<&str> {
    run.records()
        .filter(|record| holds(record))
        .map(|record| record.check.as_str())
        .collect()
}

/// A skip that does not say why is no better than an unmet need.
fn is_skip(record: &Record, kind: SkipKind) -> bool {
    let why = record
        .skip
        .as_ref()
        .map_or(SkipKind::UnmetNeed, |skip| skip.kind);
    record.outcome == Outcome::Skipped && why == kind
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn all_passed(run: &Run) -> String {
    let counts = run.counts();
    let what = count(counts[&Outcome::Passed], "check");
    let known = match counts[&Outcome::KnownIssue] {
        0 => String::new(),
        known => format!(", {} still there", count(known, "known issue")),
    };
    format!(
        "{what} passed, none failed{known}; {}",
        run.identity.environment.meaning()
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{arbitrary, fixture};

    fn rank(verdict: Verdict) -> u8 {
        match verdict {
            Verdict::Rejected => 0,
            Verdict::Inconclusive => 1,
            Verdict::Passed | Verdict::Certified => 2,
        }
    }

    fn verdict(run: &Run) -> Verdict {
        Verdict::of(run).0
    }

    /// A run in which nothing is wrong.
    fn good(environment: Environment) -> Run {
        let mut run = fixture::run_of(&[
            (Outcome::Passed, None),
            (Outcome::Skipped, Some(SkipKind::NotClaimed)),
        ]);
        run.identity.environment = environment;
        run
    }

    #[test]
    fn a_good_run_is_certified_on_hardware_only() {
        assert_eq!(verdict(&good(Environment::Hardware)), Verdict::Certified);
        assert_eq!(verdict(&good(Environment::Lab)), Verdict::Passed);
        assert_eq!(verdict(&good(Environment::Simulator)), Verdict::Passed);
    }

    #[test]
    fn each_doubt_alone_makes_a_good_run_inconclusive() {
        let spoil: [fn(&mut Run); 8] = [
            |run| run.interrupted = Some("SIGINT".into()),
            |run| run.complete = false,
            |run| run.damage = Some("cut".into()),
            |run| run.left_behind.push("sriov_numvfs was 0, is 4".into()),
            |run| run.pending.push(fixture::pending(3)),
            |run| run.checks[1].record.outcome = Outcome::Error,
            |run| run.checks[1].record.skip = None,
            |run| drop(run.checks.remove(0)),
        ];
        for (number, spoil) in spoil.iter().enumerate() {
            let mut run = good(Environment::Hardware);
            spoil(&mut run);
            assert_eq!(
                verdict(&run),
                Verdict::Inconclusive,
                "spoiled in way {number}"
            );
        }
    }

    #[test]
    fn the_reason_names_the_checks() {
        let outcomes = [Outcome::Failed; 6].map(|outcome| (outcome, None));
        insta::assert_snapshot!(Verdict::of(&fixture::run_of(&outcomes)).1, @"6 of 6 checks failed: vf::n0, vf::n1, vf::n2, vf::n3 and 2 more");
        let mut run = good(Environment::Lab);
        run.complete = false;
        run.checks
            .push(fixture::checked("vf::x", Outcome::Error, None));
        insta::assert_snapshot!(Verdict::of(&run).1, @"the run has not come to its end; 1 check ended in an error of the bench: vf::x");
        insta::assert_snapshot!(Verdict::of(&good(Environment::Hardware)).1, @"1 check passed, none failed; a real card in a real machine");
    }

    proptest! {
        #[test]
        fn a_failure_is_never_certified(mut run in arbitrary::any_run(), at: prop::sample::Index) {
            run.checks.insert(at.index(run.checks.len() + 1), fixture::checked("vf::bad", Outcome::Failed, None));
            let expected = if run.interrupted.is_some() { Verdict::Inconclusive } else { Verdict::Rejected };
            prop_assert_eq!(verdict(&run), expected);
        }

        #[test]
        fn only_hardware_is_certified(run in arbitrary::any_run()) {
            prop_assert!(verdict(&run) != Verdict::Certified || run.identity.environment == Environment::Hardware);
        }

        /// No record that gets worse, and no check that is lost, makes a verdict better.
        #[test]
        fn worse_records_never_make_a_better_verdict(run in arbitrary::any_run(), at: prop::sample::Index) {
            let Some(last) = run.checks.len().checked_sub(1) else { return Ok(()) };
            let at = at.index(last + 1);
            for worse in [Outcome::Error, Outcome::Failed] {
                let mut changed = run.clone();
                if changed.checks[at].record.outcome != Outcome::Failed {
                    changed.checks[at].record.outcome = worse;
                }
                prop_assert!(rank(verdict(&changed)) <= rank(verdict(&run)));
            }
        }

        #[test]
        fn a_clean_exit_means_that_nothing_is_wrong(run in arbitrary::any_run()) {
            let clean = run.records().all(|record| match record.outcome {
                Outcome::Passed | Outcome::KnownIssue => true,
                Outcome::Skipped => record.skip.as_ref().is_some_and(|skip| skip.kind == SkipKind::NotClaimed),
                Outcome::Failed | Outcome::Error => false,
            }) && run.records().any(|record| record.outcome == Outcome::Passed)
                && run.complete && run.interrupted.is_none() && run.damage.is_none()
                && run.left_behind.is_empty() && run.pending.is_empty();
            prop_assert_eq!(verdict(&run).exit_code() == 0, clean);
        }
    }
}
