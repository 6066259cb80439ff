//! What became of the frames of a flow, told from their numbers.

use serde::{Deserialize, Serialize};

use super::mark::Mark;

/// How far a frame may come behind one that was sent after it and still be told from one that comes again.
const WINDOW: u64 = 1 << 16;

/// The frames of a flow that have come.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// One more than the highest number that has come.
    next: u64,
    /// How many there were, as the end of the flow says.
    total: Option<u64>,
    /// A bit for each of the last numbers: whether it has come.
    seen: Vec<u64>,
    tally: Tally,
}

/// What became of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many have come, each counted once.
    pub received: u64,
    /// How many have not come. Where the end of a flow has not come either, those after its last frame are not known.
    pub lost: u64,
    /// How many came again.
    pub duplicates: u64,
    /// How many came after one that was sent after them (RFC 4737, section 3: Type-P-Reordered).
    pub reordered: u64,
}

impl Tally {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            lost: self.lost + other.lost,
            duplicates: self.duplicates + other.duplicates,
            reordered: self.reordered + other.reordered,
        }
    }
}

impl Default for Flow {
    fn default() -> Self {
        let words = usize::try_from(WINDOW / 64).expect("a few thousand");
        Self {
            next: 0,
            total: None,
            seen: vec![0; words],
            tally: Tally::default(),
        }
    }
}

impl Flow {
    pub(super) fn take(&mut self, mark: Mark) {
        match mark {
            Mark::End(total) => self.total = Some(total),
            Mark::Frame(number) if number >= self.next => self.ahead(number),
            // It may be late or come again. What is certain is that it is out of order.
            Mark::Frame(number) if self.next - number > WINDOW => self.tally.reordered += 1,
            Mark::Frame(number) if self.has(number) => self.tally.duplicates += 1,
            Mark::Frame(number) => {
                self.tally.reordered += 1;
                self.note(number);
            }
        }
    }

    /// Whether a frame of it has come.
    pub(super) fn has_begun(&self) -> bool {
        self.tally.received > 0
    }

    /// Whether its end has come.
    pub(super) fn has_ended(&self) -> bool {
        self.total.is_some()
    }

    pub(super) fn tally(&self) -> Tally {
        let total = self.total.unwrap_or(0).max(self.next);
        Tally {
            lost: total - self.tally.received,
            ..self.tally
        }
    }

    /// A number that is higher than all before: those between have not come yet.
    fn ahead(&mut self, number: u64) {
        let skipped = self.next..number;
        if number - self.next >= WINDOW {
            self.seen.fill(0);
        } else {
            skipped.for_each(|number| self.forget(number));
        }
        self.next = number + 1;
        self.note(number);
    }

    fn note(&mut self, number: u64) {
        let (word, bit) = place(number);
        self.seen[word] |= bit;
        self.tally.received += 1;
    }

    fn forget(&mut self, number: u64) {
        let (word, bit) = place(number);
        self.seen[word] &= !bit;
    }

    fn has(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.seen[word] & bit != 0
    }
}

fn place(number: u64) -> (usize, u64) {
    let word = usize::try_from(number % WINDOW / 64).expect("a few thousand");
    (word, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Flow, Mark, Tally, WINDOW};

    fn tally(numbers: &[u64], total: Option<u64>) -> Tally {
        let mut flow = Flow::default();
        let frames = numbers.iter().map(|number| Mark::Frame(*number));
        for mark in frames.chain(total.map(Mark::End)) {
            flow.take(mark);
        }
        flow.tally()
    }

    /// The same by plain sets.
    fn plainly(numbers: &[u64], total: u64) -> Tally {
        let (mut seen, mut next, mut tally) = (BTreeSet::new(), 0, Tally::default());
        for number in numbers {
            match seen.insert(*number) {
                false => tally.duplicates += 1,
                true if *number < next => tally.reordered += 1,
                true => next = number + 1,
            }
        }
        tally.received = seen.len() as u64;
        tally.lost = total.max(next) - tally.received;
        tally
    }

    proptest! {
        #[test]
        fn it_counts_as_plain_sets_do(numbers in prop::collection::vec(0_u64..300, 0..400), total in 0_u64..400) {
            prop_assert_eq!(tally(&numbers, Some(total)), plainly(&numbers, total));
        }

        #[test]
        fn where_it_began_does_not_matter(numbers in prop::collection::vec(0_u64..300, 1..400), start in 0..WINDOW * 3) {
            let shifted: Vec<u64> = (0..start).chain(numbers.iter().map(|number| number + start)).collect();
            let (tally, plain) = (tally(&shifted, None), plainly(&numbers, 0));
            prop_assert_eq!(tally, Tally { received: plain.received + start, ..plain });
        }
    }

    #[test]
    fn all_in_order_is_no_loss() {
        let numbers: Vec<u64> = (0..WINDOW * 2).collect();
        let expected = Tally {
            received: WINDOW * 2,
            ..Tally::default()
        };
        assert_eq!(tally(&numbers, Some(WINDOW * 2)), expected);
    }

    #[test]
    fn what_is_lost_at_the_end_is_known_from_the_end() {
        assert_eq!(tally(&[0, 1], None).lost, 0);
        assert_eq!(tally(&[0, 1], Some(5)).lost, 3);
    }

    #[test]
    fn one_that_is_far_too_late_is_out_of_order_and_stays_lost() {
        let tally = tally(&[1, WINDOW * 2, 0], None);
        assert_eq!((tally.received, tally.reordered), (2, 1));
        assert_eq!(tally.lost, WINDOW * 2 - 1);
    }
}
