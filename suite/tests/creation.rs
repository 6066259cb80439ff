//! Where no namespace is named, some are created for the time of a check, and deleted.

use harness::profile;
use reports::Verdict;
use suite::checks;
use suite::simulated::{scratch, simulate_that_creates};

#[test]
fn a_drive_of_which_no_namespace_is_named_is_certified() {
    let profiles = profile::shipped(&checks::ids());
    let drive = profiles.into_iter().find(|it| it.id == "mock-nvme");
    let out = scratch().expect("a folder");
    let run = simulate_that_creates(drive.expect("a shipped profile"), None, out.path());
    let run = run.expect("a run");
    let (verdict, why) = Verdict::of(&run);
    assert_eq!(verdict, Verdict::Passed, "{why}");
    let lines = run.checks.iter().flat_map(|checked| &checked.transcript);
    let told = |words: &str| lines.clone().filter(|line| line.contains(words)).count();
    assert!(told("created nsid:34") > 1);
    assert_eq!(told("created nsid:"), told("$ nvme create-ns "));
    assert!(told("nvme create-ns ") > 0);
}
