//! Who is measured first.

use fastrand::Rng;

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is claimed to be better.
    A,
    /// What it is compared with.
    B,
}

/// Which side of each pair is measured first: each in half of the pairs, in an order that the seed makes.
///
/// Whoever is always measured first meets the colder machine. The seed stands in the report, so that the order can be repeated.
pub fn order(pairs: usize, seed: u64) -> Vec<Side> {
    let mut rng = Rng::with_seed(seed);
    let first = usize::from(rng.bool());
    let side = |index: usize| {
        if (index + first).is_multiple_of(2) {
            Side::A
        } else {
            Side::B
        }
    };
    let mut sides: Vec<Side> = (0..pairs).map(side).collect();
    rng.shuffle(&mut sides);
    sides
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Side, order};

    proptest! {
        #[test]
        fn neither_side_is_first_more_often_than_the_other(pairs in 0_usize..100, seed: u64) {
            let sides = order(pairs, seed);
            let first = sides.iter().filter(|side| **side == Side::A).count();
            prop_assert_eq!(sides.len(), pairs);
            prop_assert!(first.abs_diff(pairs - first) <= 1);
            prop_assert_eq!(order(pairs, seed), sides);
        }
    }

    #[test]
    fn another_seed_makes_another_order() {
        let orders: std::collections::BTreeSet<String> = (0..20)
            .map(|seed| format!("{:?}", order(9, seed)))
            .collect();
        assert!(orders.len() > 10, "{} orders of 20", orders.len());
    }
}
