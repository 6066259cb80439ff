//! The words that reports use for outcomes, skips and environments, and how counts are put.

use crate::{Environment, Outcome, SkipKind};

impl Outcome {
    /// All of them, best first.
    pub const ALL: [Self; 5] = [
        Self::Passed,
        Self::KnownIssue,
        Self::Skipped,
        Self::Error,
        Self::Failed,
    ];

    /// So many checks ended like this: `2 errors`.
    pub(crate) fn counted(self, number: usize) -> String {
        match self {
            Self::Passed | Self::Failed | Self::Skipped => format!("{number} {}", self.key()),
            Self::Error => count(number, "error"),
            Self::KnownIssue => count(number, "known issue"),
        }
    }

    /// The outcome as a key of reports: `known_issue`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::KnownIssue => "known_issue",
        }
    }
}

impl SkipKind {
    /// The reason in two words: `unmet need`.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotClaimed => "not claimed",
            Self::UnmetNeed => "unmet need",
            Self::NotSelected => "not selected",
        }
    }
}

impl Environment {
    /// The environment in one word: `lab`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hardware => "hardware",
            Self::Lab => "lab",
            Self::Simulator => "simulator",
        }
    }

    /// What it means for the reader of a report.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Hardware => "a real card in a real machine",
            Self::Lab => {
                "a virtual machine with a real kernel and emulated devices, so no certificate"
            }
            Self::Simulator => "a model, nothing real was touched, so no certificate",
        }
    }
}

/// `1 check`, `2 checks`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The first few names, and how many more there are.
pub(crate) fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 4;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
