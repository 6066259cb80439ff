//! What a run writes down, in the order it happens.

use serde::{Deserialize, Serialize};

use crate::measured::Measured;
use crate::record::{Identity, Record, Skip};
use crate::restart::{Boot, Halfway};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The first event: who, where, and every check of the catalogue.
    RunStarted {
        /// The device.
        identity: Identity,
        /// Every check, in order, with its reason not to run if it has one.
        plan: Vec<Planned>,
    },
    /// Written before the check touches anything, and again before each further part of it.
    CheckStarted {
        /// The check's id.
        check: String,
    },
    /// A line of the transcript: a command, a write, what came back, an assertion.
    Step {
        /// The check's id.
        check: String,
        /// The literal text, which may be pasted into a terminal where it is a command.
        text: String,
    },
    /// Something was measured several times.
    Measured {
        /// The check's id.
        check: String,
        /// All of it.
        measured: Measured,
    },
    /// Something is about to be changed; this is how to change it back.
    Change {
        /// Numbers the change within the run.
        number: u32,
        /// What will be changed, in words.
        what: String,
        /// The undo, in the harness's own terms.
        undo: serde_json::Value,
    },
    /// A change was undone, or could not be.
    Undone {
        /// The change's number.
        number: u32,
        /// Why it could not be undone.
        error: Option<String>,
    },
    /// A part of a check is over, and the check goes on after a restart.
    PartEnded {
        /// The check's id.
        check: String,
        /// What it has come to so far.
        halfway: Halfway,
    },
    /// The machine is about to be restarted, and the run to go on afterwards.
    Restarting {
        /// The boot that ends.
        from: Boot,
    },
    /// The run goes on after a restart.
    Resumed {
        /// The boot that has begun.
        into: Boot,
    },
    /// How a check ended.
    CheckEnded {
        /// Its record.
        record: Record,
    },
    /// The last event.
    RunEnded {
        /// `SIGINT` or whatever else kept the run from going to its end.
        interrupted: Option<String>,
        /// Differences between the facts at the start and at the end. Empty when the bench was left as found.
        left_behind: Vec<String>,
    },
}

/// A check in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The check's id.
    pub check: String,
    /// What it proves, in one sentence.
    pub proves: String,
    /// Why it will not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<Skip>,
}
