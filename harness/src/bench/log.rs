//! What a check leaves in the journal while it runs.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use reports::{Event, Halfway, Journal, Measured, Run};
use serde_json::Value;

use crate::undo::Undo;

/// The journal, and what it holds of the check that is running.
pub struct Log {
    journal: Journal,
    check: String,
    assertions: u32,
    notes: Vec<String>,
    times: Vec<(String, Vec<Duration>)>,
    changes: u32,
    /// What checks have come to that go on after a restart.
    halves: BTreeMap<String, Halfway>,
    /// What the running check's part before was, and what its next one is to know.
    before: Halfway,
    carried: Value,
}

impl Log {
    /// Writes to this journal.
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            check: String::new(),
            assertions: 0,
            notes: Vec::new(),
            times: Vec::new(),
            changes: 0,
            halves: BTreeMap::new(),
            before: Halfway::default(),
            carried: Value::Null,
        }
    }

    /// Writes on in the journal of a run.
    pub fn resume(journal: Journal, run: &Run) -> Self {
        let halfway = run.checks.iter().filter_map(|checked| {
            let halfway = checked.halfway.clone()?;
            Some((checked.record.check.clone(), halfway))
        });
        Self {
            changes: run.changes,
            halves: halfway.collect(),
            ..Self::new(journal)
        }
    }

    /// Appends an event.
    pub fn append(&mut self, event: &Event) -> anyhow::Result<()> {
        self.journal
            .append(event)
            .context("cannot write the journal")
    }

    /// A check begins, or goes on. Returns how many of its parts are over.
    pub fn begin(&mut self, check: &str) -> anyhow::Result<usize> {
        check.clone_into(&mut self.check);
        self.before = self.halves.remove(check).unwrap_or_default();
        self.assertions = self.before.assertions;
        self.notes.clone_from(&self.before.notes);
        self.times.clear();
        self.carried = Value::Null;
        self.append(&Event::CheckStarted {
            check: check.to_owned(),
        })?;
        Ok(self.before.parts)
    }

    /// A part of the running check is over, and the check goes on after a restart.
    pub fn pause(&mut self, parts: usize, took: Duration) -> anyhow::Result<()> {
        let halfway = Halfway {
            parts,
            assertions: self.assertions,
            seconds: self.took(took).as_secs_f64(),
            notes: self.notes(),
            carried: self.carried.take(),
        };
        self.append(&Event::PartEnded {
            check: self.check.clone(),
            halfway,
        })
    }

    /// How long the running check has taken in all its parts, given what this one took.
    pub fn took(&self, part: Duration) -> Duration {
        Duration::try_from_secs_f64(self.before.seconds).unwrap_or_default() + part
    }

    /// Keeps something for the running check's next part.
    pub fn carry(&mut self, value: Value) {
        self.carried = value;
    }

    /// What the running check's part before has kept.
    pub fn carried(&self) -> &Value {
        &self.before.carried
    }

    /// A line of the transcript.
    pub fn step(&mut self, text: String) -> anyhow::Result<()> {
        self.append(&Event::Step {
            check: self.check.clone(),
            text,
        })
    }

    /// Something was measured several times.
    pub fn measured(&mut self, measured: Measured) -> anyhow::Result<()> {
        self.append(&Event::Measured {
            check: self.check.clone(),
            measured,
        })
    }

    /// Something worth reading in the report: a measurement or advice.
    pub fn note(&mut self, text: String) -> anyhow::Result<()> {
        self.step(format!("note: {text}"))?;
        self.notes.push(text);
        Ok(())
    }

    /// An assertion was made.
    pub fn asserted(&mut self, holds: bool, text: &str) -> anyhow::Result<()> {
        self.assertions += 1;
        self.step(format!("{}: {text}", if holds { "held" } else { "BROKEN" }))
    }

    /// Something is about to be changed. Returns the change's number.
    pub fn change(&mut self, what: &str, undo: &Undo) -> anyhow::Result<u32> {
        self.changes += 1;
        let undo = serde_json::to_value(undo)?;
        self.append(&Event::Change {
            number: self.changes,
            what: what.to_owned(),
            undo,
        })?;
        Ok(self.changes)
    }

    /// A change was undone, or could not be.
    pub fn undone(&mut self, number: u32, error: Option<String>) -> anyhow::Result<()> {
        self.append(&Event::Undone { number, error })
    }

    /// How many assertions the running check has made.
    pub fn assertions(&self) -> u32 {
        self.assertions
    }

    /// How long something took; what is done several times makes one note.
    pub fn timed(&mut self, what: String, took: Duration) {
        match self.times.iter_mut().find(|(other, _)| *other == what) {
            Some((_, times)) => times.push(took),
            None => self.times.push((what, vec![took])),
        }
    }

    /// What the running check has noted and timed.
    pub fn notes(&self) -> Vec<String> {
        let times = self
            .times
            .iter()
            .map(|(what, times)| time_note(what, times));
        self.notes.iter().cloned().chain(times).collect()
    }
}

fn time_note(what: &str, times: &[Duration]) -> String {
    let seconds = |time: Option<&Duration>| time.map_or(0.0, Duration::as_secs_f64);
    let (least, most) = (seconds(times.iter().min()), seconds(times.iter().max()));
    match times.len() {
        1 => format!("{what} took {most:.2} s"),
        count => format!("{what} took {least:.2} to {most:.2} s, {count} times"),
    }
}
