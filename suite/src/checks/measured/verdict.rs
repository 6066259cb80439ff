//! What is said of a ratio that has to be at least so much.

use anyhow::anyhow;
use harness::bench::Bench;
use harness::check::{Answer, Finding};
use harness::facts::environment;
use harness::judge::{CONFIDENCE, Judgement, PAIRS, Pair, Ratio};
use reports::Environment;

pub(in crate::checks) const TOO_NOISY: Finding = Finding::bench(
    "too-noisy-to-judge",
    "The samples scatter so much that what is wanted may be true or not.",
    "See what else runs on the machine, whether its processors change their speed (`cpupower frequency-info`), and whether guest and card are of one NUMA node; or measure more pairs: the report says how many would do (`stream_pairs` in the bench file).",
);

/// Nobody claims anything of an emulated adapter, or of a card in somebody's virtual machine.
pub(in crate::checks) fn is_judged(bench: &Bench) -> bool {
    environment(&bench.facts.host, &bench.facts.device) == Environment::Hardware
}

/// How many pairs are measured: as the bench file says, but enough where they are judged.
pub(in crate::checks) fn pairs(bench: &Bench, judged: bool) -> usize {
    let asked = bench.settings.stream_pairs as usize;
    if judged { asked.max(PAIRS) } else { asked }
}

/// The same of pairs, whose ratio and its interval are made first.
pub(in crate::checks) fn judge_pairs(
    bench: &mut Bench,
    what: &str,
    (pairs, seed): (&[Pair], u64),
    least: f64,
    small: &'static Finding,
) -> Answer {
    let ratio = Ratio::of(pairs, seed).map_err(|few| anyhow!("{few}"))?;
    judge(bench, what, &ratio, least, small)
}

/// Blames the finding where the ratio of something is too small, and the bench where nobody can tell.
pub(in crate::checks) fn judge(
    bench: &mut Bench,
    what: &str,
    ratio: &Ratio,
    least: f64,
    small: &'static Finding,
) -> Answer {
    let text = format!(
        "{what}: wanted at least {least:.2}, measured {}",
        shown(ratio)
    );
    match Judgement::of(ratio, least) {
        Judgement::Holds => bench.assert(true, small, text),
        Judgement::Fails => bench.assert(false, small, text),
        Judgement::TooNoisy { enough } => {
            let advice = enough.map_or(
                "no number of pairs within reason would do".into(),
                |pairs| format!("{pairs} pairs would do"),
            );
            bench.assert(false, &TOO_NOISY, format!("{text}; {advice}"))
        }
    }
}

pub(in crate::checks) fn shown(ratio: &Ratio) -> String {
    let Ratio {
        middle, low, high, ..
    } = ratio;
    let percent = CONFIDENCE * 100.0;
    format!("{middle:.2} times (with {percent} % between {low:.2} and {high:.2})")
}
