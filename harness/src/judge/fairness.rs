//! How evenly something is shared.

/// The fairness index of shares: 1 where all are the same, one by their number where one has it all. There must be one that is
/// not 0.
///
/// Source: R. Jain, D. Chiu, W. Hawe: "A Quantitative Measure of Fairness and Discrimination for Resource Allocation in Shared
/// Computer Systems", DEC Research Report TR-301, 1984.
#[expect(clippy::cast_precision_loss, reason = "a count of shares")]
pub fn fairness(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    sum * sum / (shares.len() as f64 * squares)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fairness;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn it_tells_how_many_share() {
        assert!(near(fairness(&[5.0; 4]), 1.0));
        assert!(near(fairness(&[5.0, 0.0, 0.0, 0.0]), 0.25));
        assert!(near(fairness(&[5.0, 5.0, 0.0, 0.0]), 0.5));
    }

    proptest! {
        #[test]
        fn it_depends_on_the_shares_alone(shares in prop::collection::vec(1.0..1e6, 1..16_usize), unit in 1e-3..1e3) {
            let scaled: Vec<f64> = shares.iter().map(|share| share * unit).collect();
            let index = fairness(&shares);
            prop_assert!(near(index, fairness(&scaled)), "{index}");
            #[expect(clippy::cast_precision_loss, reason = "a count of shares")]
            let least = 1.0 / shares.len() as f64;
            prop_assert!(least - 1e-9 <= index && index <= 1.0 + 1e-9, "{index}");
        }
    }
}
