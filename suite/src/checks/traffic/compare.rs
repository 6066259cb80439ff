//! A virtual function in a guest against a card that the emulator makes there, on the same port and to the same end.

use std::time::Duration;

use anyhow::anyhow;
use harness::bench::{Bench, EMULATED_UNUSABLE, End, Far, Series};
use harness::check::{Answer, Finding, Problem};
use harness::facts::environment;
use harness::guest::Model;
use harness::judge::{CONFIDENCE, Judgement, PAIRS, Ratio};
use harness::need::Need;
use harness::require;
use reports::Environment;

use crate::checks::guest::NEEDS_TWO;
use crate::checks::guest::echo::passes;
use crate::checks::guest::plugged::{card_in, hand_over, is_a_card, vfs};

/// A second VF is where frames arrive, where no cable leads to another port.
pub(super) const NEEDS: &[Need] = NEEDS_TWO;

/// With a guest that is started twice, and some twenty samples as long as the bench file may ask for.
pub(super) const LIMIT: Duration = Duration::from_hours(2);

/// The longest frames of an MTU of 1500, in bytes without the check sequence.
const SIZE: u16 = 1514;
/// What a frame takes of the wire beside its bytes: preamble, start of frame, check sequence and gap, in bytes
/// (IEEE 802.3, 3.1.1 and 4.4.2).
const ON_THE_WIRE: u16 = 24;
/// By how much a count of a moment may be off.
const SLACK: f64 = 1.02;

pub(super) const NOTHING: Finding = Finding::device(
    "vf-stream-empty",
    "Single frames of the VF in the guest arrive, but when it sends as many as go, none does.",
    "Read the kernel log of this check and the guest's console: a queue of the VF that stops, or a function that the PF's driver has shut off for misbehaviour.",
);
pub(super) const DAMAGED: Finding = Finding::device(
    "vf-stream-harmed",
    "When the VF in the guest sends as many frames as go, some arrive damaged, or more than once.",
    "Repeat it with `traffic send` and `traffic receive` by hand, from another VF and by another port: what shows with one of them only is that one's memory or cable.",
);
pub(super) const TOO_FAST: Finding = Finding::bench(
    "faster-than-the-wire",
    "More frames arrived in a second than the wire carries: a clock of the machine is wrong, or the frames did not come by the wire.",
    "See that the machine keeps its time, and what the bench file says of cables.",
);
pub(super) const TOO_NOISY: Finding = Finding::bench(
    "too-noisy-to-judge",
    "The samples scatter so much that what is claimed may be true or not.",
    "See what else runs on the machine, whether its processors change their speed (`cpupower frequency-info`), and whether guest and card are of one NUMA node; or measure more pairs: the report says how many would do (`stream_pairs` in the bench file).",
);

/// The findings of a check that compares.
#[macro_export]
macro_rules! comparison_findings {
    ($($own:expr),* $(,)?) => {
        harness::handover_findings![
            $crate::checks::guest::plugged::REFUSED,
            $crate::checks::guest::plugged::NO_DRIVER,
            $crate::checks::guest::plugged::NO_LINK,
            $crate::checks::guest::echo::NO_WAY,
            $crate::checks::guest::echo::HARMED,
            harness::bench::EMULATED_REFUSED,
            harness::bench::EMULATED_UNUSABLE,
            $crate::checks::traffic::compare::NOTHING,
            $crate::checks::traffic::compare::DAMAGED,
            $crate::checks::traffic::compare::TOO_FAST,
            $crate::checks::traffic::compare::TOO_NOISY,
            $($own),*
        ]
    };
}

/// How much better the VF is claimed to be, and what it means that it is not.
pub(super) type Claim = (f64, &'static Finding);

/// Measures both, and judges what is claimed.
pub(super) async fn compare(bench: &mut Bench, model: Model, claim: Option<Claim>) -> Answer {
    // Nobody claims anything of an emulated adapter, or of a card in somebody's virtual machine.
    let real = environment(&bench.facts.host, &bench.facts.device) == Environment::Hardware;
    let claim = claim.filter(|_| real);
    let series = measure(bench, model, claim.is_some()).await?;
    is_plausible(bench, &series)?;
    bench.log.note(told(&series, model))?;
    match claim {
        Some(claim) => judge(bench, &series, claim),
        None => Ok(()),
    }
}

async fn measure(bench: &mut Bench, model: Model, judged: bool) -> Result<Series, Problem> {
    let vfs = vfs(bench, 2).await?;
    let guest = bench.guest('a').await?;
    hand_over(bench, &guest, vfs[0]).await?;
    let card = card_in(bench, &guest).await?;
    is_a_card(bench, &guest, card).await?;
    let vf = bench.end_in(&guest, card).await?;
    let far = bench.far_end(vfs[1]).await?;
    passes(bench, &vf, &far.end, &far.way).await?;
    let emulated = bench.attach_emulated(&guest, model).await?;
    reaches(bench, &emulated, &far).await?;
    let asked = bench.settings.stream_pairs as usize;
    let pairs = if judged { asked.max(PAIRS) } else { asked };
    bench.in_turns([&vf, &emulated], &far, SIZE, pairs).await
}

/// That the emulated card does not reach the other end says nothing of the VF.
async fn reaches(bench: &mut Bench, emulated: &End, far: &Far) -> Answer {
    let pinged = bench.ping(emulated, &far.end).await?;
    if pinged.reached {
        return Ok(());
    }
    Err(Problem::Found {
        finding: &EMULATED_UNUSABLE,
        message: format!("the emulated card does not reach {}: {pinged}", far.way),
    })
}

/// The VF must carry frames and harm none, and the wire no more than it can.
fn is_plausible(bench: &mut Bench, series: &Series) -> Answer {
    for streamed in series.of(0) {
        let received = &streamed.received;
        require!(
            bench,
            received.tally.received > 0,
            NOTHING,
            "the VF: {streamed}"
        );
        let unharmed = received.corrupt == 0 && received.tally.duplicates == 0;
        require!(bench, unharmed, DAMAGED, "the VF: {streamed}");
    }
    let Some(line) = line_rate(bench, series.size) else {
        return Ok(());
    };
    for streamed in series.pairs.iter().flatten() {
        let fits = streamed.frames_per_second() <= line * SLACK;
        require!(
            bench,
            fits,
            TOO_FAST,
            "the wire carries {line:.0} frames/s: {streamed}"
        );
    }
    Ok(())
}

/// How many frames a second the port's wire carries; `None` where its speed is not known.
fn line_rate(bench: &Bench, size: u16) -> Option<f64> {
    let megabits = bench.facts.device.net.first()?.speed?;
    let bits = f64::from(size + ON_THE_WIRE) * 8.0;
    Some(f64::from(megabits) * 1e6 / bits)
}

fn told(series: &Series, model: Model) -> String {
    let [vf, emulated] = [0, 1].map(|way| series.median(way));
    let backend = series.of(0).next().map_or("-", |it| it.sent.backend.name());
    let (pairs, size, model) = (series.pairs.len(), series.size, model.name());
    let ratio = series.ratio().map_or_else(
        |_| format!("{:.2} times (too few pairs for an interval)", vf / emulated),
        |ratio| shown(&ratio),
    );
    format!(
        "frames/s of {size} bytes that arrive, medians of {pairs} pairs by {backend}: VF {vf:.0}, {model} {emulated:.0}, {ratio}"
    )
}

fn shown(ratio: &Ratio) -> String {
    let Ratio {
        middle, low, high, ..
    } = ratio;
    let percent = CONFIDENCE * 100.0;
    format!("{middle:.2} times (with {percent} % between {low:.2} and {high:.2})")
}

fn judge(bench: &mut Bench, series: &Series, (claim, slow): Claim) -> Answer {
    let ratio = series
        .ratio()
        .map_err(|few| anyhow!("only {} of the pairs can be used", few.usable))?;
    let judgement = Judgement::of(&ratio, claim);
    let text = format!("claimed {claim}, measured {}", shown(&ratio));
    if let Judgement::TooNoisy { enough } = judgement {
        let advice = enough.map_or(
            "no number of pairs within reason would do".into(),
            |pairs| format!("{pairs} pairs would do"),
        );
        return bench.assert(false, &TOO_NOISY, format!("{text}; {advice}"));
    }
    bench.assert(judgement == Judgement::Holds, slow, text)
}
