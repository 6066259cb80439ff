//! Every check can fail: each fault is caught by exactly its checks, and no check is idle.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::thread;

use harness::plan::matches;
use harness::profile::{self, Profile};
use harness::simulator::Fault;
use reports::{Outcome, Run, Verdict};
use suite::faults::{Row, TABLE};
use suite::{checks, simulated};

/// Every row with what became of it. Run once for all tests, by as many threads as there are processors.
fn runs() -> &'static [(&'static Row, Run)] {
    static RUNS: OnceLock<Vec<(&'static Row, Run)>> = OnceLock::new();
    RUNS.get_or_init(|| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = TABLE.len().div_ceil(threads);
        thread::scope(|scope| {
            let shares: Vec<_> = TABLE
                .chunks(share)
                .map(|rows| {
                    scope.spawn(|| rows.iter().map(|row| (row, run(row))).collect::<Vec<_>>())
                })
                .collect();
            shares
                .into_iter()
                .flat_map(|share| share.join().expect("a share of the table"))
                .collect()
        })
    })
}

fn run(row: &Row) -> Run {
    let profiles = profile::shipped(&checks::ids());
    let profile: Profile = profiles
        .into_iter()
        .find(|profile| profile.id == row.profile)
        .expect("a shipped profile");
    let out = tempfile::tempdir().expect("a folder for the results");
    simulated::simulate_all(profile, Some(row.fault), out.path()).expect("a run")
}

#[test]
fn each_fault_is_caught_by_exactly_its_checks() {
    let mut wrong = Vec::new();
    for (row, run) in runs() {
        let bad =
            |record: &&reports::Record| matches!(record.outcome, Outcome::Failed | Outcome::Error);
        let caught: BTreeSet<&str> = run
            .records()
            .filter(bad)
            .map(|record| record.check.as_str())
            .collect();
        let expected: BTreeSet<&str> = row.checks().collect();
        if caught != expected {
            let told: Vec<_> = run
                .records()
                .filter(bad)
                .map(|record| format!("{}: {}", record.check, record.message))
                .collect();
            wrong.push(format!(
                "{} on {}: expected {expected:?}\n  caught:\n    {}",
                row.fault.name(),
                row.profile,
                told.join("\n    ")
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_fault_goes_through() {
    for (row, run) in runs() {
        let (verdict, why) = Verdict::of(run);
        assert!(verdict.exit_code() != 0, "{}: {why}", row.fault.name());
    }
}

#[test]
fn every_caught_fault_names_its_cause_and_the_way_out() {
    for (row, run) in runs() {
        let explained = run
            .records()
            .filter_map(|record| record.finding.as_ref())
            .count();
        assert!(
            explained > 0,
            "{} is caught without a finding",
            row.fault.name()
        );
    }
}

#[test]
fn no_check_is_idle() {
    let caught: BTreeSet<&str> = TABLE.iter().flat_map(Row::checks).collect();
    let all: BTreeSet<&str> = checks::ids().into_iter().collect();
    assert_eq!(
        all, caught,
        "left: all checks; right: those that some fault makes fail"
    );
}

#[test]
fn every_glob_of_the_table_means_a_check() {
    for row in TABLE {
        for glob in row.caught_by {
            assert!(
                checks::ids().iter().any(|id| matches(glob, id)),
                "{glob} of {}",
                row.fault.name()
            );
        }
    }
}

#[test]
fn every_fault_stands_in_the_table() {
    let listed: BTreeSet<&str> = TABLE.iter().map(|row| row.fault.name()).collect();
    let all: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(all, listed);
}
