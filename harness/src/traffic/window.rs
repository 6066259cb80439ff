//! Which frames of a ping wait for their answer, and what became of the others.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::frame::Message;
use super::pinged::Pinged;
use crate::latency::Times;

/// How many frames may wait at once, at most: eight of the longest fit into a socket's buffer as Linux makes
/// it (`net.core.rmem_default`, 212992 bytes; a frame of 9018 bytes takes 17 KiB of it).
pub const WIDTH: u8 = 8;

/// The frames of one ping. Those that were answered have no entry.
#[derive(Debug)]
pub(super) struct Window {
    /// How many may wait at once.
    width: usize,
    /// In the order they were sent in.
    waiting: Vec<Waiting>,
    /// The sizes of those given up, by sequence.
    lost: BTreeMap<u64, u16>,
    sent: u64,
    round_trips: Times,
    corrupt: u64,
    duplicates: u64,
}

#[derive(Debug)]
struct Waiting {
    sequence: u64,
    size: u16,
    since: Instant,
}

impl Window {
    /// One in which so many may wait at once.
    pub(super) fn of(width: u8) -> Self {
        Self {
            width: width.into(),
            waiting: Vec::new(),
            lost: BTreeMap::new(),
            sent: 0,
            round_trips: Times::new(),
            corrupt: 0,
            duplicates: 0,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < self.width
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The sequence number of the frame that is sent next, from 1 up: 0 is for hellos.
    pub(super) fn next(&self) -> u64 {
        self.sent + 1
    }

    /// That frame is about to be sent.
    pub(super) fn launch(&mut self, size: u16, now: Instant) {
        self.sent += 1;
        self.waiting.push(Waiting {
            sequence: self.sent,
            size,
            since: now,
        });
    }

    /// An answer has come. One to a hello or to a frame that was given up says nothing new.
    pub(super) fn settle(&mut self, answer: Message, now: Instant) {
        let sequence = answer.sequence;
        let is_it = |waiting: &Waiting| waiting.sequence == sequence;
        match self.waiting.iter().position(is_it) {
            Some(index) if self.waiting[index].size == answer.length => {
                let waiting = self.waiting.remove(index);
                self.round_trips.take(now - waiting.since);
            }
            Some(_) => self.damaged(),
            None if sequence > self.sent => self.damaged(),
            None if sequence == 0 || self.lost.contains_key(&sequence) => {}
            None => self.duplicates += 1,
        }
    }

    /// A damaged frame has come.
    pub(super) fn damaged(&mut self) {
        self.corrupt += 1;
    }

    /// Gives up what has waited for that long.
    pub(super) fn expire(&mut self, now: Instant, deadline: Duration) {
        let late = |waiting: &mut Waiting| now - waiting.since >= deadline;
        let late = self.waiting.extract_if(.., late);
        self.lost
            .extend(late.map(|waiting| (waiting.sequence, waiting.size)));
    }

    /// What it all came to, of so many frames that were to be sent.
    pub(super) fn pinged(self, reached: bool, planned: u64) -> Pinged {
        let answered = self.round_trips.count();
        let times = self.round_trips.latency();
        Pinged {
            reached,
            sent: self.sent,
            answered,
            unfinished: planned - answered - self.lost.len() as u64,
            median_ns: times.median_ns,
            most_ns: times.most_ns,
            max_ns: times.max_ns,
            lost: self.lost.into_values().collect(),
            corrupt: self.corrupt,
            duplicates: self.duplicates,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Kind;
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(1);

    /// Its sequence number.
    fn launch(window: &mut Window, size: u16, now: Instant) -> u64 {
        let sequence = window.next();
        window.launch(size, now);
        sequence
    }

    fn answer(sequence: u64, length: u16) -> Message {
        Message {
            kind: Kind::Answer,
            session: 1,
            sequence,
            length,
        }
    }

    #[test]
    fn round_trips_are_from_launch_to_answer() {
        let (mut window, start) = (Window::of(WIDTH), Instant::now());
        for us in [30, 10, 20] {
            let sequence = launch(&mut window, 60, start);
            window.settle(answer(sequence, 60), start + Duration::from_micros(us));
        }
        let pinged = window.pinged(true, 3);
        let expected = Pinged {
            reached: true,
            sent: 3,
            answered: 3,
            median_ns: 20_015,
            most_ns: 30_000,
            max_ns: 30_000,
            ..Pinged::default()
        };
        assert_eq!(pinged, expected);
    }

    #[test]
    fn a_late_answer_is_lost_and_no_duplicate() {
        let (mut window, start) = (Window::of(WIDTH), Instant::now());
        let late = launch(&mut window, 60, start);
        let kept = launch(&mut window, 61, start + DEADLINE / 2);
        window.expire(start + DEADLINE, DEADLINE);
        for sequence in [late, kept, kept] {
            window.settle(
                answer(sequence, 59 + u16::try_from(sequence).unwrap()),
                start + DEADLINE,
            );
        }
        let pinged = window.pinged(true, 2);
        assert_eq!(
            (pinged.lost, pinged.answered, pinged.duplicates),
            (vec![60], 1, 1)
        );
    }

    #[test]
    fn an_answer_of_another_size_or_to_nothing_is_damage() {
        let (mut window, start) = (Window::of(WIDTH), Instant::now());
        let sequence = launch(&mut window, 60, start);
        for answer in [
            answer(sequence, 61),
            answer(sequence + 1, 60),
            answer(0, 60),
        ] {
            window.settle(answer, start);
        }
        assert!(!window.is_empty());
        let pinged = window.pinged(true, 5);
        assert_eq!(
            (pinged.corrupt, pinged.answered, pinged.unfinished),
            (2, 0, 5)
        );
    }

    #[test]
    fn as_many_wait_as_it_is_wide() {
        for width in [1, WIDTH] {
            let (mut window, start) = (Window::of(width), Instant::now());
            let launched = (0..).take_while(|_| {
                let room = window.has_room();
                if room {
                    window.launch(60, start);
                }
                room
            });
            assert_eq!(launched.count(), usize::from(width));
            window.expire(start + DEADLINE, DEADLINE);
            assert!(window.is_empty());
        }
    }
}
