//! The simulator tells the truth: what a run in the lab came to is compared with the same run on a simulator, outcome
//! by outcome and, for every write, answer by answer.

use std::collections::BTreeMap;

use harness::bench::{AGENT_SILENT, GUEST_LOST, GUEST_NOT_UP};
use harness::need::Need;
use harness::profile::Profile;
use harness::simulator::Fault;
use reports::{Outcome, Run};
use vm_images::LabFault;

use crate::checks;
use crate::identity::{GUEST_SYSTEM, PROBE_GUEST, SECOND_PF};
use crate::simulated::{scratch, simulate_all, simulate_with_image};

/// Where the simulator of the profile that a run in the lab was begun with differs from that run, in words; empty where they
/// agree.
pub fn differences(
    lab: &Run,
    profile: Profile,
    fault: Option<LabFault>,
) -> anyhow::Result<Vec<String>> {
    let out = scratch()?;
    let simulate = if has_image(lab) {
        simulate_with_image
    } else {
        simulate_all
    };
    let simulated = simulate(profile, fault.and_then(twin), out.path())?;
    Ok([
        outcomes(lab, fault, &simulated),
        answers(lab, fault, &simulated),
    ]
    .concat())
}

/// Whether the guests were from an image.
fn has_image(run: &Run) -> bool {
    let mut properties = run.identity.properties.iter();
    properties.any(|(name, value)| name == GUEST_SYSTEM && value != PROBE_GUEST)
}

/// How many checks were compared.
pub fn compared(lab: &Run, fault: Option<LabFault>) -> usize {
    comparable(lab, fault).count()
}

/// The simulator's fault that is the lab's. On a simulator no namespace holds anything.
fn twin(fault: LabFault) -> Option<Fault> {
    Some(match fault {
        LabFault::NoIommu => Fault::IommuOff,
        LabFault::NoAcs => Fault::AcsMissing,
        LabFault::NoKvm => Fault::NoKvm,
        LabFault::NoLibvirt => Fault::NoLibvirt,
        LabFault::GuestModuleMissing => Fault::GuestModuleMissing,
        LabFault::MemlockTooSmall => Fault::MemlockTooSmall,
        LabFault::DiskFull => Fault::DiskFull,
        LabFault::NamespaceMounted | LabFault::NamespaceFormatted => return None,
    })
}

/// Where the simulator has no such fault, what the fault stops has nothing to be compared with: what would overwrite a namespace.
fn comparable(lab: &Run, fault: Option<LabFault>) -> impl Iterator<Item = &reports::Checked> {
    let overwrites = |id: &str| {
        let check = checks::ALL.iter().find(|check| check.id == id);
        check.is_some_and(|check| check.needs.contains(&Need::ScratchNamespace))
    };
    let unknown = fault.is_some_and(|fault| twin(fault).is_none());
    executed(lab).filter(move |checked| !(unknown && overwrites(&checked.record.check)))
}

/// Checks that the user left out in the lab have nothing to be compared with, nor have those that the
/// emulator has left without a verdict by a guest that fell silent.
fn executed(run: &Run) -> impl Iterator<Item = &reports::Checked> {
    let left_out = |skip: &reports::Skip| skip.kind == reports::SkipKind::NotSelected;
    let silenced = |finding: &reports::Finding| {
        [GUEST_LOST.code, GUEST_NOT_UP.code, AGENT_SILENT.code].contains(&finding.code.as_str())
    };
    run.checks.iter().filter(move |checked| {
        let record = &checked.record;
        !record.skip.as_ref().is_some_and(left_out)
            && !record.finding.as_ref().is_some_and(silenced)
    })
}

fn outcomes(lab: &Run, fault: Option<LabFault>, simulated: &Run) -> Vec<String> {
    let of_simulator: BTreeMap<&str, Outcome> = simulated
        .records()
        .map(|record| (record.check.as_str(), record.outcome))
        .collect();
    let differs = |checked: &&reports::Checked| {
        of_simulator.get(checked.record.check.as_str()) != Some(&checked.record.outcome)
    };
    let words = |checked: &reports::Checked| {
        let simulated = of_simulator.get(checked.record.check.as_str());
        format!(
            "{}: {:?} in the lab, {simulated:?} on the simulator",
            checked.record.check, checked.record.outcome
        )
    };
    comparable(lab, fault).filter(differs).map(words).collect()
}

fn answers(lab: &Run, fault: Option<LabFault>, simulated: &Run) -> Vec<String> {
    let of_simulator: BTreeMap<&str, Answers> = simulated
        .checks
        .iter()
        .map(|checked| {
            (
                checked.record.check.as_str(),
                Answers::of(simulated, checked),
            )
        })
        .collect();
    let mut differences = Vec::new();
    for checked in comparable(lab, fault) {
        let (lab, check) = (Answers::of(lab, checked), checked.record.check.as_str());
        if let Some(simulated) = of_simulator
            .get(check)
            .filter(|simulated| **simulated != lab)
        {
            differences.push(format!("{check}: {}", lab.first_difference(simulated)));
        }
    }
    differences
}

/// Every write of a check with how the kernel answered it.
#[derive(PartialEq, Eq)]
struct Answers(Vec<(String, Vec<String>)>);

impl Answers {
    /// Addresses are taken relative to the bus of the PF, or of the second one. Of writes that race, nobody knows which
    /// comes first.
    fn of(run: &Run, checked: &reports::Checked) -> Self {
        let identity = &run.identity;
        let mut second = identity
            .properties
            .iter()
            .filter(|(name, _)| name == SECOND_PF);
        let second = second.next().map(|(_, bdf)| bus(bdf));
        let mut answers: Vec<(String, Vec<String>)> = Vec::new();
        for line in &checked.transcript {
            if let Some(command) = line.strip_prefix("$ ") {
                let mut command = command.replace(bus(&identity.bdf), "BUS");
                if let Some(second) = second {
                    command = command.replace(second, "SECOND BUS");
                }
                answers.push((command, Vec::new()));
            } else if let (Some(answer), Some((_, heard))) = (answer(line), answers.last_mut()) {
                heard.push(answer.to_owned());
                heard.sort();
            }
        }
        answers.retain(|(_, heard)| !heard.is_empty());
        Self(answers)
    }

    fn first_difference(&self, simulated: &Self) -> String {
        let at = self
            .0
            .iter()
            .zip(&simulated.0)
            .position(|(lab, simulated)| lab != simulated);
        match at {
            Some(at) => format!(
                "the lab answers {:?}, the simulator {:?}",
                self.0[at], simulated.0[at]
            ),
            None => format!(
                "{} writes in the lab, {} on the simulator",
                self.0.len(),
                simulated.0.len()
            ),
        }
    }
}

/// Domain and bus of an address.
fn bus(bdf: &str) -> &str {
    bdf.rsplit_once(':').map_or("", |(bus, _)| bus)
}

/// What a write was answered, where this line of a transcript says so: `  EBUSY, after 0.012 s`.
fn answer(line: &str) -> Option<&str> {
    let (answer, took) = line.strip_prefix("  ")?.rsplit_once(", after ")?;
    took.strip_suffix(" s")?.parse::<f64>().ok()?;
    Some(answer.trim())
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn only_the_answer_to_a_write_is_one() {
        assert_eq!(answer("  EBUSY, after 0.012 s"), Some("EBUSY"));
        assert_eq!(answer("  ok, after 4.000 s"), Some("ok"));
        assert_eq!(answer("held: after 1 turn 91 files, after 5 91"), None);
        assert_eq!(answer("held: VFs removed, after 2.8 s"), None);
        assert_eq!(answer("  the guest left, after all"), None);
    }
}
