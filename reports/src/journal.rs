//! Writes what a run does to disk before it does it, so that a dead run can still be judged and undone.
//!
//! The file is `journal.jsonl`: an [`Entry`] a line, append-only; its exact text is described in `lines.rs` and read
//! by [`read_journal`](crate::read_journal).
//!
//! Each entry is stamped with the wall clock, for people, and with `CLOCK_BOOTTIME`, for durations: it never jumps, it
//! counts time spent suspended, and it goes on when a run is taken up by another process of the same boot. An `Instant`
//! of the standard library means nothing outside its process, and `/proc/uptime`, the same clock, has only centiseconds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

use crate::Event;
use crate::lines::{Entry, seal};

/// What an appended line must survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The machine losing power: each event but a line of the transcript is on the disk before `append` returns.
    PowerCut,
    /// The process dying: each line is with the kernel. Enough for a simulator, where nothing real is changed.
    Process,
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
    /// Begins `journal.jsonl` in a folder that has none yet.
    pub fn create(dir: &Path, durability: Durability) -> io::Result<Self> {
        let path = dir.join("journal.jsonl");
        let boot = boot_id()?;
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
            boot,
            entries: 0,
            length: 0,
        })
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

/// A line of the transcript may be lost with the power, and reaches the disk with the next event
/// that may not: waiting for each would cost more time than most checks take.
fn must_last(event: &Event) -> bool {
    !matches!(event, Event::Step { .. })
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

fn boot_id() -> io::Result<String> {
    let path = Path::new("/proc/sys/kernel/random/boot_id");
    let id = fs::read_to_string(path).map_err(|error| {
        cannot(
            path,
            &format!("be read: {error}; is /proc mounted?"),
            &error,
        )
    })?;
    Ok(id.trim().to_owned())
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

    fn started(check: &str) -> Event {
        Event::CheckStarted {
            check: check.into(),
        }
    }

    #[test]
    fn what_is_appended_can_be_read() {
        for durability in [Durability::PowerCut, Durability::Process] {
            let dir = tempfile::tempdir().unwrap();
            let mut journal = Journal::create(dir.path(), durability).unwrap();
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
            assert_eq!(read.entries[0].boot, boot_id().unwrap());
            read.entries[0].wall.parse::<Timestamp>().unwrap();
        }
    }

    #[test]
    fn a_second_journal_in_the_same_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Journal::create(dir.path(), Durability::Process).unwrap();
        let error = Journal::create(dir.path(), Durability::Process).unwrap_err();
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
