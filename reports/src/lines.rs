//! The lines of a journal, as text: how one is sealed, and how much of a file can be trusted.
//!
//! A line is a JSON object whose last member is its seal:
//!
//! ```json
//! {"seq":1,"boot":"6f6e…","wall":"2026-11-22T17:13:00.123Z","mono_ms":8123,"event":{…},"crc":"89abcdef"}
//! ```
//!
//! `crc` is the CRC-32 of IEEE 802.3 (that of zlib and gzip), as eight lower-case hexadecimal digits, over the UTF-8
//! bytes of the line without the member itself: without `,"crc":"89abcdef"` and without the newline, but with the
//! closing brace. `seq` counts from 1 without a gap, so a line that was lost or moved shows as well.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Event;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The number of the line, from 1.
    pub seq: u64,
    /// The kernel's boot id: `mono_ms` can be compared between entries that share it.
    pub boot: String,
    /// When it was written, RFC 3339 in UTC.
    pub wall: String,
    /// Milliseconds since boot, suspension included.
    pub mono_ms: u64,
    /// What happened.
    pub event: Event,
}

/// What could be read of a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Journaled {
    /// Every line up to the first that cannot be trusted.
    pub entries: Vec<Entry>,
    /// Where and why reading stopped before the end.
    pub torn: Option<Torn>,
}

/// Why a journal was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Torn {
    /// The last line has no newline: the machine or the process died while it was written.
    Cut {
        /// Which line, from 1.
        line: usize,
    },
    /// A whole line is not what was written. Nothing after it is trusted.
    Damaged {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { line } => write!(f, "the journal is cut off within line {line}"),
            Self::Damaged { line, reason } => {
                write!(
                    f,
                    "line {line} of the journal is damaged ({reason}); nothing from it on is trusted"
                )
            }
        }
    }
}

/// Reads a journal, whatever its last moments did to it.
pub fn read_journal(bytes: &[u8]) -> Journaled {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = entries.len() + 1;
        match unseal(&rest[..end], line) {
            Ok(entry) => entries.push(entry),
            Err(reason) => {
                return Journaled {
                    entries,
                    torn: Some(Torn::Damaged { line, reason }),
                };
            }
        }
        rest = &rest[end + 1..];
    }
    let torn = (!rest.is_empty()).then_some(Torn::Cut {
        line: entries.len() + 1,
    });
    Journaled { entries, torn }
}

/// The seal's length: `,"crc":"`, eight digits, `"}`.
const SEAL: usize = 18;

/// The entry as a line, newline included.
pub fn seal(entry: &Entry) -> serde_json::Result<String> {
    let unsealed = serde_json::to_string(entry)?;
    let crc = crc32fast::hash(unsealed.as_bytes());
    let body = &unsealed[..unsealed.len() - 1];
    Ok(format!("{body},\"crc\":\"{crc:08x}\"}}\n"))
}

/// Every line whose seal is whole, wherever it stands and whatever is around it.
pub(crate) fn sealed(bytes: &[u8]) -> impl Iterator<Item = Entry> {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter_map(|line| opened(line).ok())
}

fn unseal(line: &[u8], number: usize) -> Result<Entry, String> {
    let entry = opened(line)?;
    if entry.seq != number as u64 {
        return Err(format!(
            "it carries the number {}, so lines were lost or moved",
            entry.seq
        ));
    }
    Ok(entry)
}

fn opened(line: &[u8]) -> Result<Entry, String> {
    let (body, seal) = line
        .split_at_checked(line.len().wrapping_sub(SEAL))
        .ok_or("it is too short")?;
    let mut crc = crc32fast::Hasher::new();
    crc.update(body);
    crc.update(b"}");
    if seal != format!(",\"crc\":\"{:08x}\"}}", crc.finalize()).as_bytes() {
        return Err("its checksum does not match".into());
    }
    serde_json::from_slice(line).map_err(|error| format!("it cannot be understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> String {
        let event = Event::CheckStarted {
            check: format!("vf::n{seq}"),
        };
        let (boot, wall) = ("b".into(), "2026-01-01T00:00:00.000Z".into());
        seal(&Entry {
            seq,
            boot,
            wall,
            mono_ms: 1,
            event,
        })
        .expect("plain data")
    }

    fn reason(journal: &str) -> String {
        read_journal(journal.as_bytes())
            .torn
            .expect("damage")
            .to_string()
    }

    #[test]
    fn a_line_looks_as_documented() {
        // The digits are those of `printf '%s' '{…}' | gzip -c | tail -c8 | head -c4`, an independent CRC-32.
        insta::assert_snapshot!(line(1), @r#"{"seq":1,"boot":"b","wall":"2026-01-01T00:00:00.000Z","mono_ms":1,"event":{"check_started":{"check":"vf::n1"}},"crc":"253c6996"}"#);
    }

    #[test]
    fn whole_lines_before_a_cut_are_read() {
        let journal = line(1) + &line(2);
        for cut in 0..=journal.len() {
            let read = read_journal(&journal.as_bytes()[..cut]);
            assert_eq!(
                read.entries.len(),
                journal[..cut].matches('\n').count(),
                "cut at {cut}"
            );
            let at_line_end = cut == 0 || journal[..cut].ends_with('\n');
            assert_eq!(read.torn.is_none(), at_line_end, "cut at {cut}");
        }
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let journal = (line(1) + &line(2)).into_bytes();
        for at in 0..journal.len() {
            let mut changed = journal.clone();
            changed[at] ^= 1;
            assert!(read_journal(&changed).torn.is_some(), "byte {at}");
        }
    }

    #[test]
    fn nothing_after_damage_is_trusted() {
        let journal = line(1) + &line(2).replace("n2", "n9") + &line(3);
        assert_eq!(read_journal(journal.as_bytes()).entries.len(), 1);
        insta::assert_snapshot!(reason(&journal), @"line 2 of the journal is damaged (its checksum does not match); nothing from it on is trusted");
    }

    #[test]
    fn a_lost_line_is_noticed() {
        insta::assert_snapshot!(reason(&(line(1) + &line(3))), @"line 2 of the journal is damaged (it carries the number 3, so lines were lost or moved); nothing from it on is trusted");
    }

    #[test]
    fn a_short_line_is_damage() {
        insta::assert_snapshot!(reason("\n"), @"line 1 of the journal is damaged (it is too short); nothing from it on is trusted");
    }
}
