//! Records of checks, the journal they live in, and everything rendered from it.
//!
//! This crate knows no device. A run appends [`Event`]s to a [`Journal`]; a [`Run`] is a fold over them, and the
//! [`Verdict`], the `JUnit` file and the summaries are pure functions of that `Run`.

#![forbid(unsafe_code)]

#[cfg(test)]
mod arbitrary;
mod clean;
mod completion;
pub mod event;
mod explain;
#[cfg(test)]
mod fixture;
mod fold;
mod folder;
mod journal;
mod junit;
mod lines;
mod measured;
mod plot;
pub mod record;
mod restart;
mod run;
mod summary;
mod verdict;
mod words;

pub use clean::{clean, clean_line};
pub use event::{Event, Planned};
pub use folder::{folder, write_file, write_reports, write_summaries};
pub use journal::{Durability, Journal};
pub use junit::junit;
pub use lines::{Entry, Journaled, Torn, read_journal, seal};
pub use measured::{Interval, Measured, Samples};
pub use plot::plot;
pub use record::{Environment, Finding, Identity, Outcome, Record, Remedy, Skip, SkipKind};
pub use restart::{Boot, Halfway, Restart};
pub use run::{Checked, Pending, ReadError, Run, Sign};
pub use summary::{summary_json, summary_text, table_line};
pub use verdict::Verdict;
