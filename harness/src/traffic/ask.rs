//! The side that has a partner do something.

use std::io;
use std::time::{Duration, Instant};

use pnet_datalink::MacAddr;

use super::note::Note;
use super::partner::Said;
use super::wire::Wire;

/// How often it is asked whether it is over.
const INTERVAL: Duration = Duration::from_millis(100);
/// The longest answer in characters: what the program prints is far shorter.
const LONGEST: usize = 1 << 16;

/// What a partner is asked to do.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The address of the interface.
    pub from: MacAddr,
    /// The address of the partner.
    pub to: MacAddr,
    /// What tells it from all other calls: any number will do.
    pub number: u64,
    /// What to do.
    pub words: Vec<String>,
    /// For how long a partner may be silent.
    pub patience: Duration,
    /// When it ends in any case.
    pub until: Instant,
}

/// What an asker is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// What it came to.
    Said(Said),
    /// It was not over when the time was.
    Unfinished,
    /// The partner has not answered for long.
    Silent,
}

impl Ask {
    /// Asks until it is over.
    pub fn run(&self, wire: &mut Wire) -> io::Result<Asked> {
        let (mut said, mut count, start) = (String::new(), 0, Instant::now());
        let mut heard = start;
        while heard.elapsed() < self.patience {
            if Instant::now() >= self.until {
                let silent = heard == start;
                return Ok(if silent {
                    Asked::Silent
                } else {
                    Asked::Unfinished
                });
            }
            self.call(wire, count)?;
            match self.answer(wire)? {
                None => continue,
                // One that was asked for twice, since it was late.
                Some(Note::Part { from, .. }) if from != count => {}
                Some(Note::Part { text, total, .. }) => {
                    count += text.chars().count();
                    said += &text;
                    if count >= total || count >= LONGEST {
                        return Ok(Asked::Said(read(&said)));
                    }
                }
                Some(_) => std::thread::sleep(INTERVAL),
            }
            heard = Instant::now();
        }
        Ok(Asked::Silent)
    }

    fn call(&self, wire: &mut Wire, from: usize) -> io::Result<()> {
        let note = Note::Call {
            number: self.number,
            words: self.words.clone(),
            from,
        };
        let frame = note.frame(self.from, self.to);
        let frame = frame.ok_or_else(|| io::Error::other("the call does not fit into a frame"))?;
        wire.send(&frame).map(drop)
    }

    /// The next answer to this call; `None` where none comes for a moment.
    fn answer(&self, wire: &mut Wire) -> io::Result<Option<Note>> {
        let end = Instant::now() + INTERVAL;
        while Instant::now() < end {
            let heard = wire.receive()?.and_then(Note::read);
            let is_ours = |(from, to, note): &(MacAddr, MacAddr, Note)| {
                *from == self.to && *to == self.from && self.is_answer(note)
            };
            if let Some((_, _, note)) = heard.filter(is_ours) {
                return Ok(Some(note));
            }
        }
        Ok(None)
    }

    fn is_answer(&self, note: &Note) -> bool {
        matches!(note, Note::Runs { number } | Note::Part { number, .. } if *number == self.number)
    }
}

/// A partner of another version may say something else.
fn read(said: &str) -> Said {
    let read = serde_json::from_str(said);
    read.unwrap_or_else(|error| Said::refused(format!("its answer cannot be read: {error}")))
}
