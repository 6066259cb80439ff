//! The highest rate at which no more frames are lost than is allowed, by bisection.
//!
//! A rate is tried several times and the majority decides, so that neither one lucky trial nor one unlucky one does.
//!
//! Source: RFC 2544, 26.1 (throughput is the fastest rate at which none are lost). That a rate is tried several times and some loss
//! may be allowed is the idea of the Multiple Loss Ratio search (IETF BMWG, draft-ietf-bmwg-mlrsearch), of which this is a plain form: a
//! majority of short trials of one length. The names of the two cases are those of FD.io CSIT: NDR without loss, PDR with some.

/// How often a rate is tried, at most.
const TRIALS: usize = 3;
/// The highest rate is known when it is known to this part of itself.
const WIDTH: f64 = 0.05;
/// Below this part of the first rate nothing is looked for.
const LOWEST: f64 = 0.01;

/// A search that has not ended: ask for the next rate, try it, and tell what was lost.
#[derive(Clone, Debug)]
pub struct Search {
    /// What part of the frames may be lost.
    allowed: f64,
    first: f64,
    /// The highest rate that held, 0 without any.
    holds: f64,
    /// The lowest rate that did not.
    fails: Option<f64>,
    /// What was lost at the rate that is being tried.
    lost: Vec<f64>,
}

impl Search {
    /// Begins with the highest rate that can be sent at all.
    pub fn from(highest: f64, allowed: f64) -> Self {
        Self {
            allowed,
            first: highest,
            holds: 0.0,
            fails: None,
            lost: Vec::with_capacity(TRIALS),
        }
    }

    /// The same with what is known already: a rate at which less was lost than is allowed holds here too.
    #[must_use]
    pub fn knowing(self, holds: Option<f64>) -> Self {
        Self {
            holds: holds.unwrap_or(self.holds),
            ..self
        }
    }

    /// The rate to try; `None` once there is nothing more to know.
    pub fn rate(&self) -> Option<f64> {
        let Some(fails) = self.fails else {
            return (self.holds < self.first).then_some(self.first);
        };
        let known = fails - self.holds <= fails * WIDTH || fails <= self.first * LOWEST;
        (!known).then(|| f64::midpoint(self.holds, fails))
    }

    /// What part of the frames was lost in a trial of that rate.
    pub fn take(&mut self, lost: f64) {
        let Some(rate) = self.rate() else {
            return;
        };
        self.lost.push(lost);
        let held = self.lost.iter().filter(|lost| **lost <= self.allowed);
        let held = held.count();
        let majority = TRIALS / 2 + 1;
        if held >= majority {
            self.holds = rate;
            self.lost.clear();
        } else if self.lost.len() - held >= majority {
            self.fails = Some(rate);
            self.lost.clear();
        }
    }

    /// The highest rate that is known to hold; `None` without any.
    pub fn highest(&self) -> Option<f64> {
        (self.holds > 0.0).then_some(self.holds)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LOWEST, Search, TRIALS, WIDTH};

    /// What is found where loss is that of a rate, and how many trials it took.
    fn search(
        highest: f64,
        allowed: f64,
        mut lost: impl FnMut(f64) -> f64,
    ) -> (Option<f64>, usize) {
        let (mut search, mut trials) = (Search::from(highest, allowed), 0);
        while let Some(rate) = search.rate() {
            search.take(lost(rate));
            trials += 1;
        }
        (search.highest(), trials)
    }

    #[test]
    fn what_never_loses_is_the_first_rate_at_once() {
        assert_eq!(search(1000.0, 0.0, |_| 0.0), (Some(1000.0), 2));
    }

    #[test]
    fn what_always_loses_ends_and_has_none() {
        let (found, trials) = search(1000.0, 0.0, |_| 0.5);
        assert_eq!(found, None);
        assert!(trials <= 2 * 8, "{trials} trials");
    }

    #[test]
    fn one_odd_trial_of_three_decides_nothing() {
        for odd in 0..TRIALS {
            let mut number = 0..;
            let (found, _) = search(1000.0, 0.0, |_| {
                let is_odd = number.next() == Some(odd);
                if is_odd { 0.5 } else { 0.0 }
            });
            assert_eq!(found, Some(1000.0), "the odd one is {odd}");
        }
    }

    #[test]
    fn what_held_without_loss_holds_with_some() {
        let mut search = Search::from(1000.0, 0.1).knowing(Some(400.0));
        while search.rate().is_some() {
            search.take(1.0);
        }
        assert_eq!(search.highest(), Some(400.0));
        let all = Search::from(1000.0, 0.1).knowing(Some(1000.0));
        assert_eq!((all.rate(), all.highest()), (None, Some(1000.0)));
    }

    #[test]
    fn with_some_loss_allowed_more_holds() {
        // What comes above 500 is lost.
        let lost = |rate: f64| (1.0 - 500.0 / rate).max(0.0);
        let [ndr, pdr] = [0.0, 0.2].map(|allowed| search(1000.0, allowed, lost).0.unwrap());
        assert!((475.0..=500.0).contains(&ndr), "{ndr}");
        assert!((590.0..=625.0).contains(&pdr), "{pdr}");
    }

    proptest! {
        #[test]
        fn a_limit_is_found_to_its_width(highest in 1.0..1e8, part in 0.02..1.0) {
            let limit = highest * part;
            let (found, trials) = search(highest, 0.0, |rate| if rate > limit { 0.1 } else { 0.0 });
            let found = found.unwrap();
            prop_assert!(found <= limit, "{found} of {limit}");
            prop_assert!(found >= limit * (1.0 - 2.0 * WIDTH) || limit < highest * LOWEST, "{found} of {limit}");
            prop_assert!(trials <= 30, "{trials}");
        }
    }
}
