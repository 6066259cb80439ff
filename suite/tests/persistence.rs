//! What the checks over restarts leave in the report, and the one adapter that is known to fail one.

use std::fmt::Write;

use harness::profile::{self, Profile};
use harness::simulator::Fault;
use reports::{Checked, Outcome, Run, Verdict};
use suite::faults::table;
use suite::{checks, simulated};

fn shipped(name: &str) -> Profile {
    let mut profiles = profile::shipped(&checks::ids()).into_iter();
    profiles
        .find(|profile| profile.id == name)
        .expect("a shipped profile")
}

fn run(profile: Profile, fault: Option<Fault>) -> Run {
    let out = simulated::scratch().expect("a folder for the results");
    simulated::simulate_all(profile, fault, out.path()).expect("a run")
}

fn checked<'a>(run: &'a Run, check: &str) -> &'a Checked {
    let mut all = run.checks.iter();
    all.find(|checked| checked.record.check == check)
        .expect("a check")
}

#[test]
fn the_report_shows_what_was_compared() {
    let run = run(shipped("intel-82576"), None);
    let transcript = &checked(&run, "persist::stable").transcript;
    let table = transcript
        .iter()
        .rposition(|line| line.contains("MAC policy"));
    let shown = transcript[table.expect("a table")..].join("\n");
    let notes = ["persist::order", "persist::stable"];
    let notes = notes.map(|check| checked(&run, check).record.notes.join("\n"));
    insta::assert_snapshot!(format!("{shown}\n\n{}", notes.join("\n")));
}

/// What is wrong after a restart is told apart in words.
#[test]
fn each_fault_over_a_restart_has_its_own_finding() {
    let mut told = String::new();
    for row in table() {
        let [check] = row.caught_by else { continue };
        if !check.starts_with("persist::") || check.ends_with('*') {
            continue;
        }
        let run = run(shipped(row.profile), Some(row.fault));
        let record = &checked(&run, check).record;
        let code = record.finding.as_ref().map_or("", |finding| &finding.code);
        let _ = writeln!(told, "{}\n  {code}: {}", row.fault.name(), record.message);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn the_bcm57810_fails_as_the_requirement_warns() {
    let run = run(shipped("broadcom-bcm57810"), None);
    let record = &checked(&run, "persist::udev_rule").record;
    assert_eq!(record.outcome, Outcome::KnownIssue);
    let finding = record.finding.as_ref().expect("a finding");
    assert_eq!(finding.code, "vfs-lost-at-restart");
    assert_eq!(Verdict::of(&run).0, Verdict::Passed);
}

/// The same card with a driver that takes a rule while the interface is down.
#[test]
fn a_bcm57810_whose_rule_works_says_that_the_known_issue_is_gone() {
    let mut profile = shipped("broadcom-bcm57810");
    profile.driver.pf = "qede".into();
    profile.driver.vf = "qede".into();
    let run = run(profile, None);
    let record = &checked(&run, "persist::udev_rule").record;
    assert_eq!(record.outcome, Outcome::Failed);
    let finding = record.finding.as_ref().expect("a finding");
    assert_eq!(finding.code, "known-issue-gone");
    assert_eq!(Verdict::of(&run).0, Verdict::Rejected);
}
