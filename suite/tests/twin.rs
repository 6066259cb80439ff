//! The comparison of the lab with the simulator can fail, and does not when there is nothing to see.

use harness::profile::{self, Profile};
use harness::simulator::Fault;
use reports::{Outcome, Run};
use suite::{checks, simulated, twin};
use vm_images::LabFault;

fn profile(id: &str) -> Profile {
    let profiles = profile::shipped(&checks::ids());
    let found = profiles.into_iter().find(|profile| profile.id == id);
    found.expect("a shipped profile")
}

/// A run that stands for one in the lab.
fn run(fault: Option<Fault>) -> Run {
    simulated(profile("lab-igb"), fault)
}

fn simulated(profile: Profile, fault: Option<Fault>) -> Run {
    let out = simulated::scratch().expect("a folder for the results");
    simulated::simulate_all(profile, fault, out.path()).expect("a run")
}

fn differences(run: &Run) -> Vec<String> {
    twin::differences(run, profile("lab-igb"), None).expect("a simulator")
}

#[test]
fn a_machine_that_does_as_the_simulator_is_no_different() {
    let run = run(None);
    assert_eq!(differences(&run), [""; 0]);
    assert_eq!(twin::compared(&run, None), checks::ids().len());
}

#[test]
fn another_outcome_and_another_answer_are_told_apart() {
    let told = differences(&run(Some(Fault::SameCountRefused)));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("vf::same_count: Failed in the lab"),
        "{}",
        told[0]
    );
    assert!(told[1].contains("EBUSY"), "{}", told[1]);
}

/// Each of the lab's two ports is the other's second PF.
#[test]
fn the_second_pf_may_have_the_lower_address() {
    let mut run = run(None);
    let exchange = |text: &mut String| {
        let away = text.replace("0000:01:", "first:");
        *text = away
            .replace("0000:02:", "0000:01:")
            .replace("first:", "0000:02:");
    };
    exchange(&mut run.identity.bdf);
    for (_, value) in &mut run.identity.properties {
        exchange(value);
    }
    for checked in &mut run.checks {
        checked.transcript.iter_mut().for_each(exchange);
    }
    assert_eq!(differences(&run), [""; 0]);
}

#[test]
fn an_answer_alone_is_a_difference() {
    let mut run = run(None);
    let lines = run
        .checks
        .iter_mut()
        .flat_map(|checked| &mut checked.transcript);
    let refused = lines
        .filter(|line| line.contains("ERANGE"))
        .map(|line| *line = line.replace("ERANGE", "EINVAL"))
        .count();
    assert!(refused > 0);
    let told = differences(&run);
    assert!(
        told.iter()
            .any(|line| line.starts_with("vf::beyond_maximum: the lab answers")),
        "{told:?}"
    );
}

/// The simulator has no namespace that holds anything.
#[test]
fn what_a_fault_of_the_lab_alone_stops_is_not_compared() {
    let profile = || profile("lab-nvme");
    let mut run = simulated(profile(), None);
    for id in ["nvme::all_vfs", "nvme::assign"] {
        let found = run.checks.iter_mut().find(|it| it.record.check == id);
        found.expect("a check").record.outcome = Outcome::Error;
    }
    let formatted = Some(LabFault::NamespaceFormatted);
    let told = |fault| twin::differences(&run, profile(), fault).expect("a simulator");
    assert_eq!(told(None).len(), 2);
    assert_eq!(told(formatted).len(), 1);
    assert!(told(formatted)[0].starts_with("nvme::assign"));
    assert_eq!(
        twin::compared(&run, None) - twin::compared(&run, formatted),
        7
    );
}
