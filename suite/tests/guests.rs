//! What the checks with guests tell of each fault.

use std::fmt::Write;

use harness::simulator::Fault;
use suite::faults::TABLE;
use suite::{checks, simulated};

/// The finding and the message of a check on a simulated machine with a fault.
fn told(profile: &str, fault: Fault, check: &str) -> String {
    let mut profiles = harness::profile::shipped(&checks::ids()).into_iter();
    let profile = profiles.find(|shipped| shipped.id == profile);
    let out = tempfile::tempdir().expect("a folder for the results");
    let profile = profile.expect("a shipped profile");
    let run = simulated::simulate_all(profile, Some(fault), out.path()).expect("a run");
    let mut records = run.checks.iter().map(|checked| &checked.record);
    let record = records.find(|record| record.check == check);
    let record = record.expect("a record");
    let code = record.finding.as_ref().map_or("", |finding| &finding.code);
    format!(
        "{fault} ({check}): {:?}, {code}\n  {}",
        record.outcome, record.message
    )
}

#[test]
fn each_fault_with_a_guest_has_its_own_finding() {
    let mut all = String::new();
    for row in TABLE {
        let guests_alone = row.caught_by.iter().all(|glob| glob.starts_with("guest::"));
        let Some(check) = row.checks().next().filter(|_| guests_alone) else {
            continue;
        };
        let _ = writeln!(all, "{}", told(row.profile, row.fault, check));
    }
    insta::assert_snapshot!(all);
}
