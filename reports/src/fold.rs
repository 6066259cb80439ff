//! Folds a journal's events into a [`Run`], and stops trusting a journal that contradicts itself.

use std::collections::HashMap;

use crate::run::{Checked, Pending, ReadError, Run, Sign};
use crate::{
    Boot, Entry, Event, Halfway, Identity, Measured, Outcome, Planned, Record, Restart, Skip, Torn,
};

/// A run that is being read.
pub(crate) struct Fold {
    run: Run,
    /// Where each check stands in the plan.
    places: HashMap<String, usize>,
    /// By place, whether the check's record is final.
    settled: Vec<bool>,
    /// The check that changes belong to.
    current: Option<usize>,
    /// Which check made each change.
    makers: HashMap<u32, Option<usize>>,
}

/// An event that cannot follow those before it, in words.
type Contradiction = String;

impl Fold {
    pub(crate) fn begin(first: Entry) -> Result<Self, ReadError> {
        let last = sign(&first);
        let Event::RunStarted { identity, plan } = first.event else {
            let text = "the first line of the journal is not the start of a run: give the folder of a whole run";
            return Err(ReadError(text.into()));
        };
        let settled = plan.iter().map(|planned| planned.skip.is_some()).collect();
        let mut places = HashMap::new();
        for (place, planned) in plan.iter().enumerate() {
            if places.insert(planned.check.clone(), place).is_some() {
                let check = &planned.check;
                return Err(ReadError(format!(
                    "the journal plans {check} twice: no run does that; run it again"
                )));
            }
        }
        let run = new_run(identity, plan, last);
        Ok(Self {
            run,
            places,
            settled,
            current: None,
            makers: HashMap::new(),
        })
    }

    pub(crate) fn take(&mut self, entry: Entry) -> Result<(), Contradiction> {
        let last = sign(&entry);
        let wall = entry.wall;
        let waits = matches!(entry.event, Event::Restarting { .. });
        match entry.event {
            Event::RunStarted { .. } => return Err("a second run starts".into()),
            Event::CheckStarted { check } => self.start(&check)?,
            Event::Step { check, text } => self.step(&check, text),
            Event::Measured { check, measured } => self.measured(&check, measured),
            Event::Change { number, what, undo } => self.change(number, what, undo)?,
            Event::Undone { number, error } => self.undone(number, error)?,
            Event::PartEnded { check, halfway } => self.pause(&check, halfway)?,
            Event::Restarting { from } => self.restarting(wall, from),
            Event::Resumed { into } => self.resumed(wall, into)?,
            Event::CheckEnded { record } => self.end(record)?,
            Event::RunEnded {
                interrupted,
                left_behind,
            } => {
                self.run.complete = true;
                self.run.interrupted = interrupted;
                self.run.left_behind = left_behind;
            }
        }
        (self.run.last, self.run.waits) = (last, waits);
        Ok(())
    }

    fn pause(&mut self, check: &str, halfway: Halfway) -> Result<(), Contradiction> {
        let place = self.unsettled(check)?;
        self.tell(Some(place), "# goes on after a restart".into());
        self.run.checks[place].halfway = Some(halfway);
        self.current = None;
        Ok(())
    }

    fn restarting(&mut self, asked: String, from: Boot) {
        self.current = None;
        self.run.restarts.push(Restart {
            asked,
            from,
            back: None,
        });
    }

    fn resumed(&mut self, wall: String, into: Boot) -> Result<(), Contradiction> {
        match self.run.restarts.last_mut() {
            Some(restart) if restart.back.is_none() => {
                restart.back = Some((wall, into));
                Ok(())
            }
            _ => Err("the run goes on after a restart that nobody asked for".into()),
        }
    }

    fn start(&mut self, check: &str) -> Result<(), Contradiction> {
        let place = self.unsettled(check)?;
        self.run.checks[place].started = true;
        self.current = Some(place);
        Ok(())
    }

    fn step(&mut self, check: &str, text: String) {
        let place = self.places.get(check).copied();
        self.current = place.filter(|place| !self.settled[*place]);
        self.tell(place, text);
    }

    fn measured(&mut self, check: &str, measured: Measured) {
        let Measured { title, unit, .. } = &measured;
        self.step(check, format!("# measured, in {unit}: {title}"));
        if let Some(place) = self.places.get(check) {
            self.run.checks[*place].measured.push(measured);
        }
    }

    fn change(
        &mut self,
        number: u32,
        what: String,
        undo: serde_json::Value,
    ) -> Result<(), Contradiction> {
        if self.makers.insert(number, self.current).is_some() {
            return Err(format!("a second change has the number {number}"));
        }
        self.run.changes = self.run.changes.max(number);
        self.tell(self.current, format!("# change {number}: {what}"));
        self.run.pending.push(Pending {
            number,
            what,
            undo,
            error: None,
        });
        Ok(())
    }

    fn undone(&mut self, number: u32, error: Option<String>) -> Result<(), Contradiction> {
        let Some(at) = self
            .run
            .pending
            .iter()
            .position(|change| change.number == number)
        else {
            return Err(format!("change {number} is undone, but it is not pending"));
        };
        let what = self.run.pending[at].what.clone();
        let text = match &error {
            None => format!("# change {number} undone: {what}"),
            Some(error) => format!("# change {number} could not be undone: {what}: {error}"),
        };
        self.tell(self.makers[&number], text);
        match error {
            None => drop(self.run.pending.remove(at)),
            Some(error) => self.run.pending[at].error = Some(error),
        }
        Ok(())
    }

    fn end(&mut self, record: Record) -> Result<(), Contradiction> {
        // What the plan skips has its record already; the runner may repeat it.
        let skips = record.outcome == Outcome::Skipped;
        if skips
            && self
                .places
                .get(&record.check)
                .is_some_and(|place| self.is_planned_skip(*place))
        {
            return Ok(());
        }
        let place = self.unsettled(&record.check)?;
        if skips || record.skip.is_some() {
            return Err(format!(
                "{} is skipped, but the plan does not say so",
                record.check
            ));
        }
        // A runner that may not touch the bench any more answers for a check without starting it.
        if !self.run.checks[place].started && record.outcome != Outcome::Error {
            return Err(format!(
                "{} has an answer, but it never started",
                record.check
            ));
        }
        self.run.checks[place].record = record;
        self.run.checks[place].halfway = None;
        self.settled[place] = true;
        self.current = None;
        Ok(())
    }

    fn is_planned_skip(&self, place: usize) -> bool {
        self.run.checks[place].record.outcome == Outcome::Skipped
    }

    /// The place of a check that has no record yet.
    fn unsettled(&self, check: &str) -> Result<usize, Contradiction> {
        match self.places.get(check) {
            None => Err(format!("{check} is not in the plan")),
            Some(place) if self.is_planned_skip(*place) => {
                Err(format!("{check} ran, but the plan skips it"))
            }
            Some(place) if self.settled[*place] => Err(format!("{check} goes on after its record")),
            Some(place) => Ok(*place),
        }
    }

    fn tell(&mut self, place: Option<usize>, text: String) {
        match place {
            Some(place) => self.run.checks[place].transcript.push(text),
            None => self.run.outside.push(text),
        }
    }

    pub(crate) fn finish(mut self, torn: Option<&Torn>) -> Run {
        self.run.damage = torn.map(Torn::to_string);
        let damaged = matches!(torn, Some(Torn::Damaged { .. }));
        let asked = self
            .run
            .restarts
            .last()
            .map(|restart| restart.asked.clone());
        let waits = asked.filter(|_| self.run.waits);
        let complete = self.run.complete;
        for (checked, settled) in self.run.checks.iter_mut().zip(&self.settled) {
            if !settled {
                checked.record.message = unanswered(checked, damaged, complete, waits.as_deref());
            } else if checked.record.outcome == Outcome::Passed && checked.record.assertions == 0 {
                checked.record.outcome = Outcome::Error;
                checked.record.message =
                    "no answer: the check executed no assertion, which is a defect of the suite"
                        .into();
            }
        }
        self.run
    }
}

fn sign(entry: &Entry) -> Sign {
    Sign {
        wall: entry.wall.clone(),
        boot: entry.boot.clone(),
    }
}

/// Why a check has no answer. `waits` is since when the machine is restarting. A run that is not
/// complete may be dead or still going on, which its journal cannot tell.
fn unanswered(checked: &Checked, damaged: bool, complete: bool, waits: Option<&str>) -> String {
    let text = match (&checked.halfway, waits) {
        _ if damaged => "no answer: the journal is damaged before it tells how this check ended",
        (Some(_), Some(asked)) => {
            return format!(
                "no answer yet: the machine was asked to restart at {asked}, and the run has not gone on (`journalctl -u sriov-certify-resume` tells why, once the machine is back)"
            );
        }
        (Some(_), None) if complete => {
            "no answer: the run ended after a part of this check, before the rest"
        }
        (Some(_), None) => "no answer so far: a part of this check is over",
        (None, _) if checked.started && complete => "no answer: the run ended while this check ran",
        (None, _) if checked.started => "no answer so far: the run has come to this check",
        (None, _) if complete => "never started: the run ended before it",
        (None, _) => "not started so far",
    };
    text.to_owned()
}

fn new_run(identity: Identity, plan: Vec<Planned>, last: Sign) -> Run {
    let checks = plan.into_iter().map(new_checked).collect();
    Run {
        identity,
        checks,
        outside: Vec::new(),
        pending: Vec::new(),
        changes: 0,
        restarts: Vec::new(),
        waits: false,
        last,
        interrupted: None,
        left_behind: Vec::new(),
        complete: false,
        damage: None,
    }
}

fn new_checked(planned: Planned) -> Checked {
    let Planned {
        check,
        proves,
        skip,
    } = planned;
    Checked {
        proves,
        record: new_record(check, skip),
        started: false,
        halfway: None,
        transcript: Vec::new(),
        measured: Vec::new(),
    }
}

/// The record of a check that has not ended: final if the plan skips it.
fn new_record(check: String, skip: Option<Skip>) -> Record {
    Record {
        check,
        outcome: if skip.is_some() {
            Outcome::Skipped
        } else {
            Outcome::Error
        },
        message: skip
            .as_ref()
            .map_or(String::new(), |skip| skip.reasons.join("; ")),
        finding: None,
        skip,
        assertions: 0,
        seconds: 0.0,
        kernel_log: Vec::new(),
        notes: Vec::new(),
    }
}
