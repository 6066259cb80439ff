//! How one check ended, and which device it was about.

use serde::{Deserialize, Serialize};

/// How one check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done and observed.
    Passed,
    /// The device did not do what was claimed.
    Failed,
    /// The bench broke, so nothing can be said about the device.
    Error,
    /// It did not run, for the reasons given in [`Skip`].
    Skipped,
    /// It failed as the profile's known issue says it does.
    KnownIssue,
}

/// Why a check was not run. Decided by the plan, never later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// What kind of reason it is.
    pub kind: SkipKind,
    /// Every reason, not just the first.
    pub reasons: Vec<String>,
}

/// The three reasons there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipKind {
    /// The profile does not claim what the check is about. Does not hurt the verdict.
    NotClaimed,
    /// The machine or the device lacks what the check needs. Makes the verdict inconclusive.
    UnmetNeed,
    /// The user selected other checks. Makes the verdict inconclusive.
    NotSelected,
}

/// What a failure means and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable, kebab-case, unique in the suite.
    pub code: String,
    /// One or two sentences.
    pub meaning: String,
    /// What to do next.
    pub remedy: Remedy,
}

/// What to do next, for each family of distributions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// On RHEL and its relatives.
    pub rhel: String,
    /// On Debian and its relatives.
    pub debian: String,
}

/// How one check ended, with everything a report says about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The check, such as `vf::create_one`.
    pub check: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What came back, in one line; empty for a pass that has nothing to say.
    pub message: String,
    /// The cause, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Set exactly when the outcome is [`Outcome::Skipped`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<Skip>,
    /// How many assertions were executed.
    #[serde(default)]
    pub assertions: u32,
    /// How long it took, undo included.
    #[serde(default)]
    pub seconds: f64,
    /// Lines the kernel logged meanwhile that count against the device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel_log: Vec<String>,
    /// Measurements and advice worth reading, such as `create took 0.52 s`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Where a run took place. Only real hardware can be certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// A real card in a real machine.
    Hardware,
    /// A virtual machine with a real kernel and emulated devices.
    Lab,
    /// A model; nothing real was touched.
    Simulator,
}

/// Which device a run was about, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The profile's short name: its file name without `.toml`.
    pub profile: String,
    /// The PCI address, such as `0000:01:00.0`.
    pub bdf: String,
    /// Where it ran.
    pub environment: Environment,
    /// The run's id: unique, sortable by time, usable as a folder name.
    pub run_id: String,
    /// When it began, RFC 3339 with offset.
    pub started: String,
    /// Name and value pairs: PCI ids, serial, driver, firmware, kernel, tool version and more.
    pub properties: Vec<(String, String)>,
    /// Whether the machine is of the Debian family: chooses which remedy is printed first.
    pub debian: bool,
}
