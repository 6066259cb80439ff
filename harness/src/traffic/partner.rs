//! The partner at the other end of a cable: it does what a bench asks it to.
//!
//! Whoever can send frames to its interface can ask. What it does is therefore little, one thing of a kind at a time, and not for longer
//! than somebody waits for it.

use std::io;
use std::time::{Duration, Instant};

use pnet_datalink::MacAddr;
use serde::{Deserialize, Serialize};

use super::note::Note;
use super::wire::Wire;

/// How many calls that are over are remembered, so that what they came to can be told again.
const REMEMBERED: usize = 64;
/// How many characters are told at once: none takes more than six bytes as JSON.
const PART: usize = 200;

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The exit status.
    pub status: i32,
    /// What was printed.
    pub stdout: String,
    /// What was complained of.
    pub stderr: String,
}

impl Said {
    /// That it was not done, and why not.
    pub fn refused(why: impl Into<String>) -> Self {
        Self {
            status: 64,
            stdout: String::new(),
            stderr: why.into(),
        }
    }
}

/// Something that is being done. It ends when this is dropped.
pub trait Job {
    /// What it came to; `None` while it goes on.
    fn ended(&mut self) -> Option<Said>;
}

/// What was begun with, or why it was not.
pub type Begun = Result<Box<dyn Job>, Said>;

/// Does what is asked.
pub struct Partner<'a> {
    /// The address of its interface.
    pub mac: MacAddr,
    /// After how long nobody waits any more who has not asked.
    pub lease: Duration,
    /// Whether it goes on.
    pub goes_on: &'a dyn Fn() -> bool,
    /// What begins with it, or says why not.
    pub start: &'a mut dyn FnMut(&[String]) -> Begun,
}

/// A call that was heard.
struct Called {
    number: u64,
    asker: MacAddr,
    /// What it is of: the first of its words.
    kind: String,
    asked: Instant,
    state: State,
}

enum State {
    Runs(Box<dyn Job>),
    /// What it came to, as JSON.
    Over(Vec<char>),
}

impl Partner<'_> {
    /// Answers until the end, and ends with it whatever is being done.
    pub fn run(&mut self, wire: &mut Wire) -> io::Result<()> {
        let mut calls: Vec<Called> = Vec::new();
        while (self.goes_on)() {
            let heard = wire.receive()?.and_then(Note::read);
            for called in &mut calls {
                called.look(self.lease);
            }
            let Some((asker, to, note)) = heard else {
                continue;
            };
            if to != self.mac || !asker.is_unicast() {
                continue;
            }
            let answer = self.answer(&mut calls, asker, note);
            if let Some(frame) = answer.and_then(|note| note.frame(self.mac, asker)) {
                wire.send(&frame)?;
            }
        }
        Ok(())
    }

    /// What there is to say to a note. One that asks for the rest of what an earlier partner came to has no answer.
    fn answer(&mut self, calls: &mut Vec<Called>, asker: MacAddr, note: Note) -> Option<Note> {
        let Note::Call {
            number,
            words,
            from,
        } = note
        else {
            return None;
        };
        let is_known = calls.iter().any(|called| called.is(number, asker));
        if !is_known && from == 0 {
            let called = self.begin(calls, (number, asker), &words);
            calls.push(called);
            forget(calls);
        }
        let called = calls.iter_mut().find(|called| called.is(number, asker));
        called.map(|called| called.answer(from))
    }

    /// Begins with it. What it did of the same kind for the same asker ends: nobody waits for that any more.
    fn begin(
        &mut self,
        calls: &mut [Called],
        (number, asker): (u64, MacAddr),
        words: &[String],
    ) -> Called {
        let kind = words.first().cloned().unwrap_or_default();
        let same = |called: &&mut Called| called.runs() && called.kind == kind;
        let (mut mine, mut others) = (true, calls.iter_mut());
        for called in others.by_ref().filter(same) {
            mine &= called.asker == asker;
            if called.asker == asker {
                called.end("another was asked for in its place");
            }
        }
        let state = if mine {
            match (self.start)(words) {
                Ok(job) => State::Runs(job),
                Err(said) => over(&said),
            }
        } else {
            over(&Said::refused(format!(
                "it does `{kind}` for another already"
            )))
        };
        Called {
            number,
            asker,
            kind,
            asked: Instant::now(),
            state,
        }
    }
}

impl Called {
    fn is(&self, number: u64, asker: MacAddr) -> bool {
        self.number == number && self.asker == asker
    }

    fn runs(&self) -> bool {
        matches!(self.state, State::Runs(_))
    }

    fn end(&mut self, why: &str) {
        self.state = over(&Said::refused(why));
    }

    /// Sees whether it has ended, or should.
    fn look(&mut self, lease: Duration) {
        let State::Runs(job) = &mut self.state else {
            return;
        };
        if let Some(said) = job.ended() {
            self.state = over(&said);
        } else if self.asked.elapsed() >= lease {
            self.end("nobody has asked for it any more");
        }
    }

    fn answer(&mut self, from: usize) -> Note {
        self.asked = Instant::now();
        let number = self.number;
        match &self.state {
            State::Runs(_) => Note::Runs { number },
            State::Over(said) => Note::Part {
                number,
                from,
                text: said.iter().skip(from).take(PART).collect(),
                total: said.len(),
            },
        }
    }
}

fn over(said: &Said) -> State {
    let json = serde_json::to_string(said).unwrap_or_default();
    State::Over(json.chars().collect())
}

/// The oldest that is over, where there are many.
fn forget(calls: &mut Vec<Called>) {
    if calls.len() > REMEMBERED
        && let Some(oldest) = calls.iter().position(|called| !called.runs())
    {
        calls.remove(oldest);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::super::ask::{Ask, Asked};
    use super::super::cable::{Fate, cable, cut, well};
    use super::*;

    const HERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
    const THERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);

    /// It ends when it was looked at so often; how often that still is stays when it was dropped.
    struct Looked(Rc<Cell<u32>>, Said);

    impl Job for Looked {
        fn ended(&mut self) -> Option<Said> {
            let left = self.0.get();
            self.0.set(left.saturating_sub(1));
            (left == 0).then(|| self.1.clone())
        }
    }

    fn said(stdout: &str) -> Said {
        Said {
            status: 1,
            stdout: stdout.into(),
            stderr: "an \"error\"".into(),
        }
    }

    fn ask(patience: Duration) -> Ask {
        let words = ["receive", "--json"].map(str::to_owned);
        Ask {
            from: HERE,
            to: THERE,
            number: 7,
            words: words.into(),
            patience,
            until: Instant::now() + Duration::from_mins(1),
        }
    }

    /// What a caller hears, and how often the partner began with something, on a cable with these two fates.
    fn asked(fates: [Fate; 2], patience: Duration, job: &dyn Fn() -> Begun) -> (Asked, u64) {
        let [there, back] = fates;
        let (mut near, mut far) = cable(there, back);
        let heard = AtomicBool::new(false);
        let mut begun = 0;
        let mut start = |words: &[String]| {
            assert_eq!(words, ["receive", "--json"]);
            begun += 1;
            job()
        };
        let said = thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let said = ask(patience).run(&mut near).unwrap();
                heard.store(true, Ordering::Release);
                said
            });
            let goes_on = || !heard.load(Ordering::Acquire);
            let mut partner = Partner {
                mac: THERE,
                lease: PATIENCE,
                goes_on: &goes_on,
                start: &mut start,
            };
            partner.run(&mut far).unwrap();
            asking.join().unwrap()
        });
        (said, begun)
    }

    const PATIENCE: Duration = Duration::from_mins(1);

    /// Every second frame is lost.
    fn every_second() -> Fate {
        let mut count = 0;
        Box::new(move |frame| {
            count += 1;
            (count % 2 == 0).then_some(frame).into_iter().collect()
        })
    }

    #[test]
    fn it_is_done_once_and_all_of_it_is_told_whatever_is_lost() {
        let long = "\"{é}\u{1}".repeat(60);
        let cables = [
            [well(), well()],
            [every_second(), well()],
            [well(), every_second()],
        ];
        for fates in cables {
            let job = || Ok(Box::new(Looked(Rc::new(Cell::new(30)), said(&long))) as Box<dyn Job>);
            assert_eq!(asked(fates, PATIENCE, &job), (Asked::Said(said(&long)), 1));
        }
    }

    #[test]
    fn why_it_is_not_done_is_told() {
        let job = || Err(Said::refused("no"));
        let expected = (Asked::Said(Said::refused("no")), 1);
        assert_eq!(asked([well(), well()], PATIENCE, &job), expected);
    }

    #[test]
    fn nobody_is_there() {
        let job = || Err(Said::refused("no"));
        let heard = asked([cut(), well()], Duration::from_millis(200), &job);
        assert_eq!(heard, (Asked::Silent, 0));
    }

    /// What becomes of a call of a kind while another of it runs: what it is refused with, and whether the other still runs.
    fn second(kind: &str, caller: MacAddr) -> (Option<Said>, bool) {
        let left = Rc::new(Cell::new(u32::MAX));
        let mut start = |_: &[String]| Ok(Box::new(Looked(left.clone(), said(""))) as Box<dyn Job>);
        let mut partner = Partner {
            mac: THERE,
            lease: PATIENCE,
            goes_on: &|| true,
            start: &mut start,
        };
        let mut calls = Vec::new();
        let first = partner.begin(&mut calls, (1, HERE), &["receive".to_owned()]);
        calls.push(first);
        let second = partner.begin(&mut calls, (2, caller), &[kind.to_owned()]);
        let refused = match second.state {
            State::Runs(_) => None,
            State::Over(said) => serde_json::from_str(&said.into_iter().collect::<String>()).ok(),
        };
        (refused, calls[0].runs())
    }

    #[test]
    fn what_nobody_asks_for_any_more_ends() {
        let left = Rc::new(Cell::new(u32::MAX));
        let mut called = Called {
            number: 1,
            asker: HERE,
            kind: String::new(),
            asked: Instant::now(),
            state: State::Runs(Box::new(Looked(left.clone(), said("")))),
        };
        called.look(PATIENCE);
        assert!(called.runs() && Rc::strong_count(&left) == 2);
        called.look(Duration::ZERO);
        assert!(!called.runs() && Rc::strong_count(&left) == 1);
    }

    #[test]
    fn of_each_kind_one_runs_and_whoever_asked_for_it_may_ask_for_another() {
        assert_eq!(second("send", HERE), (None, true));
        assert_eq!(second("receive", HERE), (None, false));
        let why = "it does `receive` for another already";
        assert_eq!(
            second("receive", MacAddr(2, 0, 0, 0, 0, 9)),
            (Some(Said::refused(why)), true)
        );
    }
}
