//! Which checks will run, and why not the others. Pure: it can be printed, reviewed and compared.

use reports::{Planned, Skip, SkipKind};
use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::facts::Facts;
use crate::guest::System;
use crate::need::{Missing, Need};
use crate::profile::Profile;
use crate::settings::Settings;

/// A check with its reason not to run, if it has one.
#[derive(Clone)]
pub struct Step {
    /// The check.
    pub check: &'static Check,
    /// Why it will not run.
    pub skip: Option<Skip>,
}

impl Step {
    /// As the journal holds it.
    pub fn planned(&self) -> Planned {
        Planned {
            check: self.check.id.into(),
            proves: self.check.proves.into(),
            skip: self.skip.clone(),
        }
    }
}

/// What the user chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Globs of checks; an empty list selects everything.
    pub selected: Vec<String>,
    /// Whether the machine may be restarted.
    pub reboot: bool,
    /// What stands in the bench file.
    #[serde(default)]
    pub settings: Settings,
    /// The guest system that the bench file names, as the manifest has it.
    #[serde(default)]
    pub guest: Option<System>,
}

/// Plans all checks of a catalogue, in its order.
pub fn plan(
    checks: &[&'static Check],
    profile: &Profile,
    facts: &Facts,
    choice: &Choice,
) -> Vec<Step> {
    checks
        .iter()
        .map(|check| Step {
            check,
            skip: skip(check, profile, facts, choice),
        })
        .collect()
}

/// Every reason is told. The kind is the one that would remain last: what nobody claims stays so
/// whatever is selected, and what was not selected is no unmet need.
fn skip(check: &Check, profile: &Profile, facts: &Facts, choice: &Choice) -> Option<Skip> {
    let needs = check.needs.iter();
    let missing = needs.filter_map(|need| need.missing(profile, facts));
    let reasons: Vec<Missing> = missing
        .chain(not_allowed(check, choice.reboot))
        .chain(not_named(check, facts, &choice.settings))
        .chain(not_selected(check, &choice.selected))
        .collect();
    let kinds = [
        SkipKind::NotClaimed,
        SkipKind::NotSelected,
        SkipKind::UnmetNeed,
    ];
    let kind = kinds
        .into_iter()
        .find(|kind| reasons.iter().any(|missing| missing.kind == *kind))?;
    let reasons = reasons.into_iter().map(|missing| missing.reason).collect();
    Some(Skip { kind, reasons })
}

fn not_allowed(check: &Check, reboot: bool) -> Option<Missing> {
    (check.parts.len() > 1 && !reboot).then(|| Missing {
        kind: SkipKind::UnmetNeed,
        reason: "reboot not allowed: `--reboot` allows it".into(),
    })
}

/// A check that overwrites a namespace needs one that the user has named.
fn not_named(check: &Check, facts: &Facts, settings: &Settings) -> Option<Missing> {
    let nvme = facts.device.nvme.as_ref();
    let nvme = nvme.filter(|_| check.needs.contains(&Need::ScratchNamespace))?;
    let serial = &nvme.serial;
    let none = settings.scratch_of(serial).is_empty() && !settings.create_namespaces;
    none.then(|| Missing {
        kind: SkipKind::UnmetNeed,
        reason: format!(
            "no namespace is named whose data may be lost: `--scratch-namespace {serial}:NSID` names one, or `scratch_namespaces` in the bench file; `--create-namespaces` makes some for the time of each check"
        ),
    })
}

fn not_selected(check: &Check, selected: &[String]) -> Option<Missing> {
    let chosen = selected.is_empty() || selected.iter().any(|glob| matches(glob, check.id));
    (!chosen).then(|| Missing {
        kind: SkipKind::NotSelected,
        reason: format!("--check {} selects others", selected.join(" --check ")),
    })
}

/// Whether a glob, in which `*` stands for any text, matches a whole id.
pub fn matches(glob: &str, id: &str) -> bool {
    match glob.split_once('*') {
        None => glob == id,
        Some((head, rest)) => id.strip_prefix(head).is_some_and(|tail| {
            (0..=tail.len()).any(|at| tail.is_char_boundary(at) && matches(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs_match_whole_ids() {
        assert!(matches("vf::create_one", "vf::create_one"));
        assert!(matches("vf::*", "vf::create_one"));
        assert!(matches("*create*", "vf::create_one"));
        assert!(matches("*", ""));
        assert!(!matches("vf::create", "vf::create_one"));
        assert!(!matches("host::*", "vf::create_one"));
    }
}
