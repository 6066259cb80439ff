//! The journal of the watched run, as far as restoring needs it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use reports::{Entry, Event, seal};

/// The lines of a journal, less the transcripts of checks that have ended: those promise nothing, and are most of it.
#[derive(Default)]
pub(crate) struct Journal {
    /// How many bytes of the file were read.
    read: u64,
    /// The number of the last line that was.
    seen: u64,
    entries: Vec<Entry>,
}

/// A line of a journal, newline included.
pub(crate) struct Line {
    pub(crate) text: String,
    /// Whether it is one of a transcript.
    pub(crate) is_step: bool,
    /// Whether it was written since the journal was read before.
    pub(crate) is_new: bool,
}

impl Journal {
    /// Reads on in a file that may have grown.
    pub(crate) fn read_on(&mut self, path: &Path) -> Vec<Line> {
        let before = self.seen;
        for entry in self.new_entries(path) {
            if matches!(entry.event, Event::CheckStarted { .. }) {
                self.entries.retain(|entry| !is_step(entry));
            }
            self.seen = entry.seq;
            self.entries.push(entry);
        }
        let numbered = self.entries.iter().zip(1..);
        let lines = numbered.map(|(entry, seq)| Line {
            text: line(seq, entry),
            is_step: is_step(entry),
            is_new: entry.seq > before,
        });
        lines.collect()
    }

    fn new_entries(&mut self, path: &Path) -> Vec<Entry> {
        // Before its first line a run has no journal.
        let Ok(mut file) = File::open(path) else {
            return Vec::new();
        };
        let mut text = String::new();
        file.seek(SeekFrom::Start(self.read)).expect("a place");
        file.read_to_string(&mut text).expect("whole lines");
        self.read += text.len() as u64;
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("an entry"))
            .collect()
    }
}

fn line(seq: u64, entry: &Entry) -> String {
    let entry = Entry {
        seq,
        ..entry.clone()
    };
    seal(&entry).expect("a line")
}

fn is_step(entry: &Entry) -> bool {
    matches!(entry.event, Event::Step { .. })
}
