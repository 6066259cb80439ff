//! Writes what a run does to disk before it does it, so that a dead run can still be judged and undone.
//!
//! The file is `journal.jsonl`: an [`Entry`] a line, append-only; its exact text is described in `lines.rs` and read
//! by [`read_journal`].
//!
//! Each entry is stamped with the wall clock, for people, and with `CLOCK_BOOTTIME`, for durations: it never jumps, it
//! counts time spent suspended, and it goes on when a run is taken up by another process of the same boot. An `Instant`
//! of the standard library means nothing outside its process, and `/proc/uptime`, the same clock, has only centiseconds.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

use crate::lines::{Entry, seal, sealed};
use crate::{Environment, Event, Run, read_journal};

/// What an appended line must survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The machine losing power: each event but a line of the transcript is on the disk before `append` returns.
    PowerCut,
    /// The process dying: each line is with the kernel. Enough for a simulator, where nothing real is changed.
    Process,
}

impl Durability {
    /// What the journal of a run in such a place must survive.
    pub fn needed(environment: Environment) -> Self {
        match environment {
            Environment::Simulator => Self::Process,
            Environment::Hardware | Environment::Lab => Self::PowerCut,
        }
    }
}

/// A journal being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    durability: Durability,
    boot: String,
    /// The entries written so far.
    entries: u64,
    /// The bytes written so far.
    length: u64,
}

impl Journal {
    /// Begins `journal.jsonl` in a folder that has none yet. `boot` is the machine's boot id.
    pub fn create(dir: &Path, durability: Durability, boot: &str) -> io::Result<Self> {
        let path = dir.join("journal.jsonl");
        let file = create_new(&path, durability).map_err(|error| {
            cannot(
                &path,
                &format!("be created: {error}; choose another folder with --out"),
                &error,
            )
        })?;
        Ok(Self {
            path,
            file,
            durability,
            boot: boot.to_owned(),
            entries: 0,
            length: 0,
        })
    }

    /// Goes on with the journal of a run that has ended without an end, or waits for a restart. A
    /// last line that was cut off is taken away. A damaged journal is set aside as
    /// `journal.damaged.jsonl`: its trusted lines are gone on with, and what its later lines still
    /// tell to undo is promised anew. Returns the run with it.
    pub fn reopen(dir: &Path, boot: &str) -> io::Result<(Self, Run)> {
        let path = dir.join("journal.jsonl");
        taken_up(&path, boot)
            .map_err(|error| cannot(&path, &format!("be gone on with: {error}"), &error))
    }

    /// Appends an event. When this fails, nothing may be done that the event announces.
    pub fn append(&mut self, event: &Event) -> io::Result<()> {
        let entry = self.stamp(event)?;
        let line = seal(&entry)?;
        if let Err(error) = self.write(&line, must_last(event)) {
            // Half a line must not stay in front of the next one. Where even this fails the reader reports damage.
            let _ = self.file.set_len(self.length);
            let way_out = "free some space or choose another folder with --out";
            return Err(cannot(
                &self.path,
                &format!("take line {}: {error}; {way_out}", entry.seq),
                &error,
            ));
        }
        self.entries += 1;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Leaves the whole file beside, and takes over what can be trusted of it. Until the new one is
    /// whole, the damaged one stays.
    fn set_aside(&mut self, bytes: &[u8], trusted: usize, run: Run) -> io::Result<Run> {
        fs::write(self.path.with_file_name("journal.damaged.jsonl"), bytes)?;
        let new = self.path.with_extension("jsonl.new");
        fs::write(&new, &bytes[..trusted])?;
        self.file = OpenOptions::new().append(true).open(&new)?;
        for promise in salvage(&bytes[trusted..], &run) {
            self.append(&promise)?;
        }
        self.sync()?;
        fs::rename(&new, &self.path)?;
        let run_now = Run::from_journal(&fs::read(&self.path)?).map_err(io::Error::other)?;
        Ok(Run {
            damage: run.damage,
            ..run_now
        })
    }

    fn sync(&self) -> io::Result<()> {
        match (self.durability, self.path.parent()) {
            (Durability::PowerCut, Some(dir)) => {
                self.file.sync_data()?;
                File::open(dir)?.sync_all()
            }
            _ => Ok(()),
        }
    }

    fn stamp(&self, event: &Event) -> io::Result<Entry> {
        Ok(Entry {
            seq: self.entries + 1,
            boot: self.boot.clone(),
            wall: format!("{:.3}", Timestamp::now()),
            mono_ms: milliseconds_since_boot()?,
            event: event.clone(),
        })
    }

    fn write(&mut self, line: &str, must_last: bool) -> io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        match self.durability {
            Durability::PowerCut if must_last => self.file.sync_data(),
            Durability::PowerCut | Durability::Process => Ok(()),
        }
    }
}

/// A line of the transcript, or what was measured, may be lost with the power, and reaches the disk with the next event
/// that may not: waiting for each would cost more time than most checks take.
fn must_last(event: &Event) -> bool {
    !matches!(event, Event::Step { .. } | Event::Measured { .. })
}

fn taken_up(path: &Path, boot: &str) -> io::Result<(Journal, Run)> {
    let bytes = fs::read(path)?;
    let (run, entries) = Run::fold(read_journal(&bytes)).map_err(io::Error::other)?;
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let length = ends.take(entries).last().map_or(0, |(at, _)| at + 1);
    let mut journal = Journal {
        file: OpenOptions::new().append(true).open(path)?,
        path: path.to_owned(),
        durability: Durability::needed(run.identity.environment),
        boot: boot.to_owned(),
        entries: entries as u64,
        length: length as u64,
    };
    if bytes[length..].contains(&b'\n') {
        let run = journal.set_aside(&bytes, length, run)?;
        return Ok((journal, run));
    }
    journal.file.set_len(journal.length)?;
    journal.sync()?;
    Ok((journal, run))
}

/// What lines that are not trusted otherwise still promise to undo. A change may be undone twice, but none may be
/// forgotten: so each line whose own seal is whole counts.
fn salvage(bytes: &[u8], run: &Run) -> Vec<Event> {
    let mut promises: BTreeMap<u32, Event> = BTreeMap::new();
    for entry in sealed(bytes) {
        match entry.event {
            Event::Change { number, .. } if number > run.changes => {
                promises.insert(number, entry.event);
            }
            Event::Undone {
                number,
                error: None,
            } => drop(promises.remove(&number)),
            _ => {}
        }
    }
    promises.into_values().collect()
}

fn create_new(path: &Path, durability: Durability) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(path)?;
    if let (Durability::PowerCut, Some(dir)) = (durability, path.parent()) {
        // The file's name is part of the folder, which has to reach the disk by itself.
        File::open(dir)?.sync_all()?;
    }
    Ok(file)
}

fn milliseconds_since_boot() -> io::Result<u64> {
    let now = std::time::Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME)?);
    u64::try_from(now.as_millis()).map_err(io::Error::other)
}

fn cannot(path: &Path, what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} cannot {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_journal;

    const CHECK: &str = "persist::udev_rule";

    fn started(check: &str) -> Event {
        Event::CheckStarted {
            check: check.into(),
        }
    }

    #[test]
    fn what_is_appended_can_be_read() {
        for durability in [Durability::PowerCut, Durability::Process] {
            let dir = tempfile::tempdir().unwrap();
            let mut journal = Journal::create(dir.path(), durability, "b").unwrap();
            journal.append(&started("vf::a")).unwrap();
            journal.append(&started("vf::b")).unwrap();
            let read = read_journal(&fs::read(dir.path().join("journal.jsonl")).unwrap());
            let events: Vec<_> = read
                .entries
                .iter()
                .map(|entry| entry.event.clone())
                .collect();
            assert_eq!(
                (events, read.torn),
                (vec![started("vf::a"), started("vf::b")], None)
            );
            assert!(read.entries[0].mono_ms <= read.entries[1].mono_ms);
            assert_eq!(read.entries[0].boot, "b");
            read.entries[0].wall.parse::<Timestamp>().unwrap();
        }
    }

    #[test]
    fn a_journal_that_was_cut_off_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let events = crate::fixture::rich_events();
        let mut journal = Journal::create(dir.path(), Durability::Process, "b").unwrap();
        for event in &events[..4] {
            journal.append(event).unwrap();
        }
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let (mut journal, run) = Journal::reopen(dir.path(), "b").unwrap();
        assert!(run.damage.unwrap().contains("cut off within line 4"));
        journal.append(&events[3]).unwrap();
        let run = Run::from_journal(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(run.damage, None);
        let damaged = fs::read_to_string(&path)
            .unwrap()
            .replacen("mono_ms", "nomo_ms", 2);
        fs::write(&path, &damaged).unwrap();
        let reopened = Journal::reopen(dir.path(), "b");
        assert!(reopened.is_err(), "not even its head can be trusted");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            damaged,
            "nothing is lost"
        );
    }

    /// Lines as a run writes them, the fourth of which is damaged.
    fn damaged(events: &[Event], dir: &Path) -> (Vec<u8>, usize) {
        let mut bytes = crate::fixture::journal(events);
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let head: usize = lines.take(3).map(<[u8]>::len).sum();
        bytes[head + 30] ^= 1;
        fs::write(dir.join("journal.jsonl"), &bytes).unwrap();
        (bytes, head)
    }

    #[test]
    fn a_damaged_journal_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, head) = damaged(&crate::fixture::rich_events()[..6], dir.path());
        let (_, run) = Journal::reopen(dir.path(), "b").unwrap();
        let damage = run.damage.unwrap();
        assert!(damage.starts_with("line 4 of the journal is damaged"));
        let read = |name| fs::read(dir.path().join(name)).unwrap();
        assert_eq!(read("journal.damaged.jsonl"), whole);
        assert!(read("journal.jsonl").starts_with(&whole[..head]));
    }

    #[test]
    fn what_a_damaged_journal_promises_is_promised_anew() {
        let change = |number| Event::Change {
            number,
            what: format!("change {number}"),
            undo: number.into(),
        };
        let undone = |number, error: Option<&str>| Event::Undone {
            number,
            error: error.map(str::to_owned),
        };
        let mut events = vec![crate::fixture::start_of(CHECK), started(CHECK)];
        events.extend([change(1), started(CHECK), undone(1, None), change(2)]);
        events.extend([change(3), undone(2, None), undone(3, Some("EBUSY"))]);
        let dir = tempfile::tempdir().unwrap();
        damaged(&events, dir.path());
        let pending = |run: &Run| {
            let numbers = run.pending.iter().map(|change| change.number);
            numbers.collect::<Vec<_>>()
        };
        let (mut journal, run) = Journal::reopen(dir.path(), "b").unwrap();
        assert_eq!(pending(&run), [1, 3], "what may have been undone, is again");
        assert_eq!(run.changes, 3);
        journal.append(&undone(3, None)).unwrap();
        let (_, run) = Journal::reopen(dir.path(), "b").unwrap();
        assert_eq!((pending(&run), run.damage), (vec![1], None));
    }

    /// Each line is whole, but no run writes such a thing.
    #[test]
    fn lines_that_contradict_each_other_are_set_aside_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let start = || crate::fixture::start_of(CHECK);
        fs::write(&path, crate::fixture::journal(&[start(), start()])).unwrap();
        let (_, run) = Journal::reopen(dir.path(), "b").unwrap();
        assert!(run.damage.unwrap().contains("a second run starts"));
        let run = Run::from_journal(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(run.damage, None);
    }

    #[test]
    fn a_second_journal_in_the_same_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Journal::create(dir.path(), Durability::Process, "b").unwrap();
        let error = Journal::create(dir.path(), Durability::Process, "b").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let text = error
            .to_string()
            .replace(&dir.path().display().to_string(), "DIR");
        insta::assert_snapshot!(text, @"DIR/journal.jsonl cannot be created: File exists (os error 17); choose another folder with --out");
    }

    /// `/dev/full` answers every write with the kernel's own ENOSPC.
    #[test]
    fn a_full_disk_is_named() {
        let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let (path, durability, boot) = (
            PathBuf::from("OUT/journal.jsonl"),
            Durability::Process,
            String::new(),
        );
        let mut journal = Journal {
            path,
            file,
            durability,
            boot,
            entries: 4,
            length: 0,
        };
        let error = journal.append(&started("vf::a")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        insta::assert_snapshot!(error, @"OUT/journal.jsonl cannot take line 5: No space left on device (os error 28); free some space or choose another folder with --out");
    }
}
