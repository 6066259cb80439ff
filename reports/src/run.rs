//! A run as its journal tells it, however it ended. Everything that is reported is a function of a [`Run`].

use std::collections::BTreeMap;
use std::fmt;

use crate::fold::Fold;
use crate::{Halfway, Identity, Journaled, Measured, Outcome, Record, Restart, Torn, read_journal};

/// A run of the suite on one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The device, and where it was.
    pub identity: Identity,
    /// Every check of the plan, in its order, each with exactly one record.
    pub checks: Vec<Checked>,
    /// What was done outside any check, in order.
    pub outside: Vec<String>,
    /// Changes that were not undone, in the order they were made: undo them from the last to the first.
    pub pending: Vec<Pending>,
    /// The highest number that a change has.
    pub changes: u32,
    /// Restarts of the machine that the run asked for.
    pub restarts: Vec<Restart>,
    /// Whether the last thing the run did was to ask for a restart.
    pub waits: bool,
    /// The last line of the journal.
    pub last: Sign,
    /// The signal, or whatever else, that ended the run early.
    pub interrupted: Option<String>,
    /// Differences between the facts at the start and at the end.
    pub left_behind: Vec<String>,
    /// Whether the run came to its end, be it by a signal.
    pub complete: bool,
    /// Why the journal, or a part of it, cannot be trusted.
    pub damage: Option<String>,
}

/// When and in which boot something was written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sign {
    /// By the wall clock, RFC 3339 in UTC.
    pub wall: String,
    /// The kernel's boot id.
    pub boot: String,
}

/// A check of the plan and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What it proves, in one sentence.
    pub proves: String,
    /// How it ended.
    pub record: Record,
    /// Whether it was started.
    pub started: bool,
    /// What it has come to, where it is to go on after a restart.
    pub halfway: Option<Halfway>,
    /// What was done and what came back, in order: steps, and as `# comments` the changes and their
    /// undoing.
    pub transcript: Vec<String>,
    /// What it has measured several times, in order.
    pub measured: Vec<Measured>,
}

/// A change that was not undone.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// Numbers the change within the run.
    pub number: u32,
    /// What was changed, in words.
    pub what: String,
    /// The undo, in the harness's own terms.
    pub undo: serde_json::Value,
    /// Why an attempt to undo it failed.
    pub error: Option<String>,
}

/// Why a journal tells of no run at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError(pub(crate) String);

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

impl Run {
    /// Folds a journal, which may end anywhere, into a run.
    pub fn from_journal(bytes: &[u8]) -> Result<Self, ReadError> {
        Ok(Self::fold(read_journal(bytes))?.0)
    }

    /// The same of what was read already, with how many of its entries make sense.
    pub(crate) fn fold(journaled: Journaled) -> Result<(Self, usize), ReadError> {
        let torn = journaled.torn;
        let count = journaled.entries.len();
        let mut entries = journaled.entries.into_iter();
        let Some(first) = entries.next() else {
            return Err(without_head(torn));
        };
        let mut fold = Fold::begin(first)?;
        for (before, entry) in (1..).zip(entries) {
            if let Err(reason) = fold.take(entry) {
                let line = before + 1;
                return Ok((fold.finish(Some(&Torn::Damaged { line, reason })), before));
            }
        }
        Ok((fold.finish(torn.as_ref()), count))
    }

    /// How every check ended, in the order of the plan.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.checks.iter().map(|checked| &checked.record)
    }

    /// How many checks ended in each way; every outcome is there.
    pub fn counts(&self) -> BTreeMap<Outcome, usize> {
        let mut counts: BTreeMap<_, _> = Outcome::ALL.map(|outcome| (outcome, 0)).into();
        for record in self.records() {
            *counts.entry(record.outcome).or_default() += 1;
        }
        counts
    }
}

fn without_head(torn: Option<Torn>) -> ReadError {
    let nothing_done = "the run died before it touched anything; run it again";
    ReadError(match torn {
        None => format!("the journal is empty: {nothing_done}"),
        Some(Torn::Cut { .. }) => {
            format!("the journal is cut off within its first line: {nothing_done}")
        }
        Some(Torn::Damaged { reason, .. }) => format!(
            "the first line of the journal is damaged ({reason}), so it tells of no run: \
             take an undamaged copy, or look at the bench with `sriov-certify probe` and run again"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, SkipKind, Verdict, fixture};

    fn run_from(events: &[Event]) -> Run {
        Run::from_journal(&fixture::journal(events)).unwrap()
    }

    fn outcomes(run: &Run) -> Vec<Outcome> {
        run.records().map(|record| record.outcome).collect()
    }

    #[test]
    fn a_run_cut_at_any_byte_has_one_record_for_each_planned_check() {
        let events = fixture::rich_events();
        let Event::RunStarted { plan, .. } = &events[0] else {
            panic!("a run starts with its start")
        };
        let journal = fixture::journal(&events);
        let head = journal.iter().position(|byte| *byte == b'\n').unwrap();
        let whole = Run::from_journal(&journal).unwrap();
        for cut in 0..journal.len() {
            let read = Run::from_journal(&journal[..cut]);
            let Ok(run) = read else {
                assert!(cut <= head, "cut at {cut}");
                continue;
            };
            let planned: Vec<_> = plan.iter().map(|planned| &planned.check).collect();
            assert_eq!(
                run.records()
                    .map(|record| &record.check)
                    .collect::<Vec<_>>(),
                planned,
                "cut at {cut}"
            );
            for (record, full) in run.records().zip(whole.records()) {
                assert!(
                    record.outcome == full.outcome || record.outcome == Outcome::Error,
                    "cut at {cut}"
                );
            }
            assert_ne!(Verdict::of(&run).0.exit_code(), 0, "cut at {cut}");
        }
    }

    #[test]
    fn a_killed_run_tells_what_was_started_and_what_is_pending() {
        let run = fixture::killed();
        let messages: Vec<_> = run
            .records()
            .map(|record| format!("{}: {}", record.check, record.message))
            .collect();
        insta::assert_snapshot!(messages.join("\n"), @"
vf::create_one: 
vf::create_maximum: no answer so far: the run has come to this check
vf::cycle: not started so far
vf::reset: not started so far
persist::udev_rule: the profile claims no persistence
host::vfio: no IOMMU group; vfio-pci is not loaded: modprobe vfio-pci
vf::mtu: --check 'vf::c*' leaves it out
");
        assert_eq!(run.pending, [fixture::pending(2)]);
        assert!(!run.complete);
    }

    #[test]
    fn transcripts_hold_steps_changes_and_undoing_in_order() {
        let run = fixture::rich();
        let check = run
            .checks
            .iter()
            .find(|checked| checked.record.check == "vf::create_maximum")
            .unwrap();
        insta::assert_snapshot!(check.transcript.join("\n"), @"
# change 2: sriov_numvfs 0 -> 2
$ ls -d /sys/bus/pci/devices/0000:01:00.0/virtfn*
# change 2 could not be undone: sriov_numvfs 0 -> 2: device or resource busy
# change 2 undone: sriov_numvfs 0 -> 2
");
    }

    #[test]
    fn a_change_that_could_not_be_undone_stays_pending_until_it_is() {
        let mut events = fixture::rich_events();
        events.truncate(1);
        let undone = |error: Option<&str>| Event::Undone {
            number: 2,
            error: error.map(str::to_owned),
        };
        events.extend([fixture::change(2), undone(Some("device or resource busy"))]);
        assert_eq!(
            run_from(&events).pending[0].error.as_deref(),
            Some("device or resource busy")
        );
        events.push(undone(None));
        assert_eq!(run_from(&events).pending, []);
    }

    #[test]
    fn a_pass_without_an_assertion_is_an_error() {
        let mut events = fixture::rich_events();
        for event in &mut events {
            if let Event::CheckEnded { record } = event {
                record.assertions = 0;
            }
        }
        assert!(!outcomes(&run_from(&events)).contains(&Outcome::Passed));
    }

    /// What no runner writes, by the event that contradicts those before it.
    #[test]
    fn a_journal_that_contradicts_itself_is_damaged() {
        let ended = |check: &str, outcome| Event::CheckEnded {
            record: fixture::record(check, outcome, None),
        };
        let skipped = fixture::record(
            "vf::create_one",
            Outcome::Skipped,
            Some(SkipKind::NotClaimed),
        );
        let started = |check: &str| Event::CheckStarted {
            check: check.into(),
        };
        let whole = fixture::rich_events();
        let contradictions = [
            (&whole[..], whole[0].clone()),
            (&whole[..], started("vf::unknown")),
            (&whole[..], ended("vf::create_one", Outcome::Passed)),
            (&whole[..], started("persist::udev_rule")),
            (&whole[..1], ended("vf::create_one", Outcome::Passed)),
            (&whole[..1], Event::CheckEnded { record: skipped }),
            (
                &whole[..1],
                Event::Undone {
                    number: 9,
                    error: None,
                },
            ),
            (&[whole[0].clone(), fixture::change(2)], fixture::change(2)),
        ];
        let mut texts = Vec::new();
        for (before, contradiction) in contradictions {
            let run = run_from(&[before, &[contradiction]].concat());
            assert_ne!(Verdict::of(&run).0.exit_code(), 0);
            texts.push(run.damage.unwrap());
        }
        insta::assert_snapshot!(texts.join("\n"), @"
line 22 of the journal is damaged (a second run starts); nothing from it on is trusted
line 22 of the journal is damaged (vf::unknown is not in the plan); nothing from it on is trusted
line 22 of the journal is damaged (vf::create_one goes on after its record); nothing from it on is trusted
line 22 of the journal is damaged (persist::udev_rule ran, but the plan skips it); nothing from it on is trusted
line 2 of the journal is damaged (vf::create_one has an answer, but it never started); nothing from it on is trusted
line 2 of the journal is damaged (vf::create_one is skipped, but the plan does not say so); nothing from it on is trusted
line 2 of the journal is damaged (change 9 is undone, but it is not pending); nothing from it on is trusted
line 3 of the journal is damaged (a second change has the number 2); nothing from it on is trusted
");
    }

    #[test]
    fn no_run_can_be_read_from_a_journal_without_its_head() {
        let events = fixture::rich_events();
        let error = |journal: &[u8]| Run::from_journal(journal).unwrap_err().to_string();
        let mut twice = events[0].clone();
        if let Event::RunStarted { plan, .. } = &mut twice {
            plan.push(plan[0].clone());
        }
        let texts = [
            error(b""),
            error(&fixture::journal(&events)[..40]),
            error(b"{}\n"),
            error(&fixture::journal(&events[1..])),
            error(&fixture::journal(&[twice])),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
the journal is empty: the run died before it touched anything; run it again
the journal is cut off within its first line: the run died before it touched anything; run it again
the first line of the journal is damaged (it is too short), so it tells of no run: take an undamaged copy, or look at the bench with `sriov-certify probe` and run again
the first line of the journal is not the start of a run: give the folder of a whole run
the journal plans vf::create_one twice: no run does that; run it again
");
    }
}
