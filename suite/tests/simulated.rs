//! Every shipped profile on its simulator, one trial a check: each must end as planned.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use harness::profile::{self, Profile};
use harness::simulator::Fault;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use reports::{Outcome, Record, Run, SkipKind};
use suite::checks;
use suite::simulated::{scratch, simulate_all, simulate_with_image, simulate_with_partner};

fn main() {
    let arguments = Arguments::from_args();
    let profiles = profile::shipped(&checks::ids());
    let probed = profiles
        .iter()
        .flat_map(|profile| trials(&profile.id, profile, simulate_all));
    let profile = profiles.iter().find(|profile| profile.id == "mock-nic");
    let profile = profile.expect("a shipped profile");
    let from_image = trials("mock-nic with an image", profile, simulate_with_image);
    let by_partner = trials("mock-nic with a partner", profile, simulate_with_partner);
    let trials = probed.chain(from_image).chain(by_partner);
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// The first trial of a profile runs its whole plan; the others look up their record.
fn trials(name: &str, profile: &Profile, simulate: Simulate) -> Vec<Trial> {
    let run = Arc::new(OnceLock::new());
    let trial = |check: &'static str| {
        let (profile, run) = (profile.clone(), run.clone());
        Trial::ignorable_test(format!("{name}::{check}"), move || {
            let is_known = profile
                .known_issues
                .iter()
                .any(|issue| issue.check == check);
            judge(
                run.get_or_init(|| certified(profile, simulate)),
                check,
                is_known,
            )
        })
    };
    checks::ids().into_iter().map(trial).collect()
}

type Simulate = fn(Profile, Option<Fault>, &Path) -> anyhow::Result<Run>;

fn certified(profile: Profile, simulate: Simulate) -> Run {
    let out = scratch().expect("a folder for the results");
    simulate(profile, None, out.path()).expect("a run")
}

/// A known issue must occur: the simulator has it too.
fn judge(run: &Run, check: &str, is_known: bool) -> Result<Completion, Failed> {
    let record: &Record = run
        .records()
        .find(|record| record.check == check)
        .ok_or("there is no record")?;
    match (record.outcome, &record.skip) {
        (Outcome::Passed, _) if !is_known => Ok(Completion::Completed),
        (Outcome::KnownIssue, _) if is_known => Ok(Completion::Completed),
        (Outcome::Skipped, Some(skip)) if skip.kind == SkipKind::NotClaimed => {
            Ok(Completion::ignored_with(skip.reasons.join("; ")))
        }
        _ => Err(format!("{:?}: {} {:?}", record.outcome, record.message, record.skip).into()),
    }
}
