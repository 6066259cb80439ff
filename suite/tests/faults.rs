//! Every check can fail: each fault is caught by exactly its checks, and no check is idle.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::iter::from_fn;
use std::sync::{Mutex, OnceLock};
use std::thread;

use harness::check::Check;
use harness::plan::matches;
use harness::profile::{self, Profile};
use harness::simulator::Fault;
use reports::{Outcome, Run, Verdict};
use suite::faults::{Row, table};
use suite::{checks, simulated};

/// Every row with what became of it. Run once for all tests, by as many threads as there are processors.
fn runs() -> &'static [(&'static Row, Run)] {
    static RUNS: OnceLock<Vec<(&'static Row, Run)>> = OnceLock::new();
    RUNS.get_or_init(|| {
        let rows = Mutex::new(table());
        let next = || rows.lock().expect("no thread has failed").next();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let work = || from_fn(next).map(|row| (row, run(row))).collect();
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let done = workers
                .into_iter()
                .flat_map(|worker| -> Vec<_> { worker.join().expect("a share of the table") });
            let mut done: Vec<(&Row, Run)> = done.collect();
            done.sort_by_key(|(row, _)| (row.fault, row.profile));
            done
        })
    })
}

fn run(row: &Row) -> Run {
    let profiles = profile::shipped(&checks::ids());
    let profile: Profile = profiles
        .into_iter()
        .find(|profile| profile.id == row.profile)
        .expect("a shipped profile");
    let out = simulated::scratch().expect("a folder for the results");
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
    let caught: BTreeSet<&str> = table().flat_map(Row::checks).collect();
    let all: BTreeSet<&str> = checks::ids().into_iter().collect();
    assert_eq!(
        all, caught,
        "left: all checks; right: those that some fault makes fail"
    );
}

/// The findings that no fault provokes, so that what is not proven stands where a reader sees it.
#[test]
fn findings_without_a_fault_are_known() {
    let mut idle = String::new();
    for area in [
        "host", "device", "vf", "guest", "traffic", "nvme", "persist",
    ] {
        let own = format!("{area}::");
        let records = runs().iter().flat_map(|(_, run)| run.records());
        let of_area = records.filter(|record| record.check.starts_with(&own));
        let made: BTreeSet<&str> = of_area
            .filter_map(|record| Some(record.finding.as_ref()?.code.as_str()))
            .collect();
        let of_area = |check: &&&Check| check.id.starts_with(&own);
        let listed = checks::ALL.iter().filter(of_area);
        let codes: BTreeSet<&str> = listed
            .flat_map(|check| check.findings.iter().map(|finding| finding.code))
            .collect();
        let codes: Vec<&str> = codes.difference(&made).copied().collect();
        let _ = writeln!(idle, "{area}: {}", codes.join(", "));
    }
    insta::assert_snapshot!(idle);
}

#[test]
fn every_glob_of_the_table_means_a_check() {
    for row in table() {
        for glob in row.globs() {
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
    let listed: BTreeSet<&str> = table().map(|row| row.fault.name()).collect();
    let all: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(all, listed);
}

/// What the checks with guests tell of each fault that concerns no others.
#[test]
fn each_fault_with_a_guest_has_its_own_finding() {
    let mut all = String::new();
    for (row, run) in runs() {
        let areas = [
            "guest::",
            "traffic::",
            "nvme::guest_attach",
            "nvme::throughput",
        ];
        let guests_alone = row
            .globs()
            .all(|glob| areas.iter().any(|area| glob.starts_with(area)));
        let Some(check) = row.checks().next().filter(|_| guests_alone) else {
            continue;
        };
        let mut records = run.records();
        let record = records.find(|record| record.check == check);
        let record = record.expect("a record");
        let code = record.finding.as_ref().map_or("", |finding| &finding.code);
        let (fault, outcome, message) = (row.fault, record.outcome, &record.message);
        let _ = writeln!(all, "{fault} ({check}): {outcome:?}, {code}\n  {message}");
    }
    // An interval depends a little on its seed, and a sample on the order.
    let filters = [
        (r"between [\d.]+ and [\d.]+", "between [LOW] and [HIGH]"),
        (r"\(\[[\d, ]+\] frames/s\)", "([SHARES] frames/s)"),
        (r"\d+ pairs would do", "[PAIRS] pairs would do"),
        (r"seed 0x[0-9a-f]{8}", "seed [SEED]"),
    ];
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!(all);
    });
}
