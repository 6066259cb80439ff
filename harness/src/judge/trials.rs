//! How often the judge is wrong, by trial: hundreds of comparisons of each kind, of which the truth is known.

use fastrand::Rng;

use super::{Judgement, PAIRS, Pair, Ratio};

/// How many comparisons of each kind.
const TRIALS: usize = 600;
/// One in a hundred of them.
const FEW: usize = TRIALS / 100;
/// The true ratio of all.
const TRUTH: f64 = 2.0;
/// What lies so close to the truth that no measurement tells it from it.
const HAIR: f64 = 1e-9;

/// How the samples of a side scatter about 1: by chance, and by how much of the comparison is over.
type Scatter = fn(&mut Rng, f64) -> f64;

fn quiet(rng: &mut Rng, _: f64) -> f64 {
    1.0 + 0.02 * normal(rng)
}

fn noisy(rng: &mut Rng, _: f64) -> f64 {
    (0.2 * normal(rng)).exp()
}

/// Mostly fast, and slow now and then.
fn skewed(rng: &mut Rng, _: f64) -> f64 {
    1.0 / (1.0 - 0.1 * (1.0 - rng.f64()).ln())
}

/// As where a processor has two speeds.
fn bimodal(rng: &mut Rng, over: f64) -> f64 {
    let speed = if rng.f64() < 0.3 { 0.6 } else { 1.0 };
    speed * quiet(rng, over)
}

/// As where something becomes warm.
fn drifting(rng: &mut Rng, over: f64) -> f64 {
    (1.0 - 0.3 * over) * quiet(rng, over)
}

/// From the uniform distribution by the method of Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

const KINDS: [(&str, Scatter); 5] = [
    ("quiet", quiet),
    ("noisy", noisy),
    ("skewed", skewed),
    ("bimodal", bimodal),
    ("drifting", drifting),
];

/// A comparison of two sides, of which one is better by [`TRUTH`].
#[expect(clippy::cast_precision_loss, reason = "a handful of pairs")]
fn comparison(rng: &mut Rng, scatter: Scatter) -> Vec<Pair> {
    let mut pair = |index: usize| {
        let over = index as f64 / PAIRS as f64;
        let [a, b] = [(); 2].map(|()| scatter(rng, over));
        Pair { a: TRUTH * a, b }
    };
    (0..PAIRS).map(&mut pair).collect()
}

/// One sample of the better side is far off.
fn with_outlier(rng: &mut Rng) -> Vec<Pair> {
    let mut pairs = comparison(rng, quiet);
    pairs[rng.usize(..PAIRS)].a *= 0.4;
    pairs
}

/// The ratios of as many comparisons.
fn ratios(mut comparison: impl FnMut(&mut Rng) -> Vec<Pair>) -> Vec<Ratio> {
    let mut rng = Rng::with_seed(0x5249_4f56);
    let mut trial = |seed| Ratio::of(&comparison(&mut rng), seed).expect("enough pairs");
    (0..TRIALS as u64).map(&mut trial).collect()
}

fn count(ratios: &[Ratio], claim: f64, judgement: Judgement) -> usize {
    let judged = ratios.iter().map(|ratio| Judgement::of(ratio, claim));
    judged.filter(|judged| *judged == judgement).count()
}

/// False passes of a claim that is hardly too high, and false fails of one that hardly holds.
fn errors(ratios: &[Ratio]) -> [usize; 2] {
    [
        count(ratios, TRUTH * (1.0 + HAIR), Judgement::Holds),
        count(ratios, TRUTH * (1.0 - HAIR), Judgement::Fails),
    ]
}

#[test]
fn the_judge_is_wrong_in_less_than_one_of_a_hundred_where_the_claim_is_the_truth() {
    for (name, scatter) in KINDS {
        let [passes, fails] = errors(&ratios(|rng| comparison(rng, scatter)));
        assert!(
            passes < FEW && fails < FEW,
            "{name}: {passes} false passes and {fails} false fails of {TRIALS}"
        );
    }
    let [passes, fails] = errors(&ratios(with_outlier));
    assert!(
        passes < FEW && fails < FEW,
        "outlier: {passes} false passes and {fails} false fails of {TRIALS}"
    );
}

#[test]
fn the_judge_is_never_wrong_where_the_claim_is_far_from_the_truth() {
    for (name, scatter) in KINDS {
        let ratios = ratios(|rng| comparison(rng, scatter));
        let passes = count(&ratios, TRUTH * 2.0, Judgement::Holds);
        let fails = count(&ratios, TRUTH / 2.0, Judgement::Fails);
        assert_eq!([passes, fails], [0, 0], "{name}");
    }
}

#[test]
fn a_clear_difference_on_a_quiet_bench_is_always_judged() {
    for scatter in [quiet as Scatter, drifting] {
        let ratios = ratios(|rng| comparison(rng, scatter));
        assert_eq!(count(&ratios, TRUTH * 0.75, Judgement::Holds), TRIALS);
        assert_eq!(count(&ratios, TRUTH * 1.25, Judgement::Fails), TRIALS);
    }
}

/// So that many pairs let the judge decide, in most cases, where it could not before.
#[test]
fn the_pairs_that_it_asks_for_would_mostly_do() {
    let mut rng = Rng::with_seed(1);
    let (claim, mut asked, mut decided) = (TRUTH * 0.9, 0, 0);
    for seed in 0..100 {
        let first = Ratio::of(&comparison(&mut rng, noisy), seed).expect("enough pairs");
        let Judgement::TooNoisy {
            enough: Some(enough),
        } = Judgement::of(&first, claim)
        else {
            continue;
        };
        let pairs: Vec<Pair> = std::iter::repeat_with(|| comparison(&mut rng, noisy))
            .flatten()
            .take(enough)
            .collect();
        asked += 1;
        let again = Judgement::of(&Ratio::of(&pairs, seed).expect("enough pairs"), claim);
        decided += usize::from(!matches!(again, Judgement::TooNoisy { .. }));
    }
    assert!(asked > 20 && decided * 3 > asked, "{decided} of {asked}");
}
