//! What an interval says of a claim.

use super::Ratio;

/// The most pairs that anyone is told to measure: beyond it the bench is to be made quieter.
const MOST_PAIRS: f64 = 1000.0;

/// What was measured, against what is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The whole interval is at the claim or above.
    Holds,
    /// The whole interval is below the claim.
    Fails,
    /// The claim lies in the interval: nobody can tell.
    TooNoisy {
        /// How many pairs would tell, if all else stays as it is; `None` for more than a thousand.
        enough: Option<usize>,
    },
}

impl Judgement {
    /// Judges the claim that a ratio is at least so much.
    pub fn of(ratio: &Ratio, claim: f64) -> Self {
        if ratio.low >= claim {
            Self::Holds
        } else if ratio.high < claim {
            Self::Fails
        } else {
            Self::TooNoisy {
                enough: enough(ratio, claim),
            }
        }
    }
}

/// An interval narrows with the root of the number of pairs; so many let it end before the claim.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a number of pairs, at most a thousand"
)]
fn enough(ratio: &Ratio, claim: f64) -> Option<usize> {
    let distance = (ratio.middle - claim).abs();
    let reach = if ratio.middle >= claim {
        ratio.middle - ratio.low
    } else {
        ratio.high - ratio.middle
    };
    let pairs = (ratio.pairs as f64 * (reach / distance).powi(2)).ceil();
    (pairs <= MOST_PAIRS).then_some((pairs as usize).max(ratio.pairs + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Ratio;
    use super::Judgement;

    fn ratio(low: f64, middle: f64, high: f64) -> Ratio {
        Ratio {
            middle,
            low,
            high,
            pairs: 9,
        }
    }

    #[test]
    fn an_interval_on_one_side_of_the_claim_decides() {
        assert_eq!(Judgement::of(&ratio(2.0, 2.1, 2.2), 2.0), Judgement::Holds);
        assert_eq!(Judgement::of(&ratio(1.8, 1.9, 1.99), 2.0), Judgement::Fails);
    }

    #[test]
    fn a_claim_in_the_interval_asks_for_as_many_pairs_as_would_do() {
        let enough = |low, middle, high| Judgement::of(&ratio(low, middle, high), 2.0);
        let told = |enough| Judgement::TooNoisy { enough };
        assert_eq!(enough(1.9, 2.1, 2.3), told(Some(36)));
        assert_eq!(enough(1.8, 1.9, 2.1), told(Some(36)));
        assert_eq!(enough(1.9, 2.0, 2.1), told(None));
        assert_eq!(enough(1.9999, 2.5, 3.0), told(Some(10)));
    }

    proptest! {
        #[test]
        fn a_higher_claim_is_never_easier(parts in prop::array::uniform3(0.1..10.0), claims in prop::array::uniform2(0.1..10.0)) {
            let [mut low, mut middle, mut high] = parts;
            if low > middle { std::mem::swap(&mut low, &mut middle); }
            if middle > high { std::mem::swap(&mut middle, &mut high); }
            if low > middle { std::mem::swap(&mut low, &mut middle); }
            let [one, other] = claims;
            let (lower, higher) = (f64::min(one, other), f64::max(one, other));
            let of = |claim| Judgement::of(&ratio(low, middle, high), claim);
            prop_assert!(of(higher) != Judgement::Holds || of(lower) == Judgement::Holds);
            prop_assert!(of(lower) != Judgement::Fails || of(higher) == Judgement::Fails);
        }
    }
}
