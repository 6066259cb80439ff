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

/// With a guest that is started twice, and as many samples as a bench file may ask for (`harness/src/settings.rs`), each of
/// which takes a second or two more than it says.
pub(super) const LIMIT: Duration = Duration::from_hours(10);

/// The longest frames of an MTU of 1500, in bytes without the check sequence.
const SIZE: u16 = 1514;
/// What a frame takes of the wire beside its bytes: preamble, start of frame, check sequence and gap, in bytes
/// (IEEE 802.3, 3.1.1 and 4.4.2).
const ON_THE_WIRE: u16 = 24;
/// By how much a count of a moment may be off.
const SLACK: f64 = 0.02;

pub(super) const STALLS: Finding = Finding::device(
    "vf-stream-stalls",
    "Single frames of the VF in the guest arrive, but when it sends as many as go, it comes to a halt: the VF takes no more, or nothing arrives any more.",
    "Read the kernel log of this check and the guest's console: a queue of the VF that stops, or a function that the PF's driver has shut off for misbehaviour.",
);
pub(super) const DAMAGED: Finding = Finding::device(
    "vf-stream-harmed",
    "When the VF in the guest sends as many frames as go, some arrive damaged, or more than once. Those of the emulated card on the same port do not.",
    "Repeat it with `traffic send` and `traffic receive` by hand, from another VF and by another port: what shows with one of them only is that one's memory or cable.",
);
pub(super) const NO_RIVAL: Finding = Finding::bench(
    "emulated-stream-unusable",
    "When the emulated card sends as many frames as go, it comes to a halt, or some arrive damaged or twice. So there is nothing to compare with, and whatever is at the other end may be at fault.",
    "Read the samples in the transcript and the guest's console; repeat it with `traffic send` and `traffic receive` by hand.",
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
pub(super) const WIRE_FULL: Finding = Finding::bench(
    "wire-is-the-limit",
    "The VF fills the wire, and the emulated card comes so near to it that no VF could be as much faster as is claimed.",
    "Compare at a port that is faster, or lower the claim: with this machine's processors an emulated card carries more than whoever made it had measured.",
);
pub(super) const RECEIVER_SLOW: Finding = Finding::bench(
    "receiver-is-the-limit",
    "The VF seems to be slower than claimed, but this machine lost a part of its frames because the receiver did not take them in time.",
    "Receive on a faster processor, near the far port (NUMA), or compare at a slower port.",
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
            harness::bench::FAR_NO_LINK,
            $crate::checks::traffic::compare::STALLS,
            $crate::checks::traffic::compare::DAMAGED,
            $crate::checks::traffic::compare::NO_RIVAL,
            $crate::checks::traffic::compare::TOO_FAST,
            $crate::checks::traffic::compare::TOO_NOISY,
            $crate::checks::traffic::compare::WIRE_FULL,
            $crate::checks::traffic::compare::RECEIVER_SLOW,
            $($own),*
        ]
    };
}

/// How much better the VF is claimed to be, and what it means that it is not.
pub(super) type Claim = (f64, &'static Finding);

/// Both ways, and what they share.
struct Measured {
    /// The VF first.
    series: Series,
    /// Where the frames arrive, in words.
    way: String,
    /// How many frames a second the wire carries; `None` where there is none, or its speed is not known.
    line: Option<f64>,
}

/// Measures both, and judges what is claimed.
pub(super) async fn compare(bench: &mut Bench, model: Model, claim: Option<Claim>) -> Answer {
    // Nobody claims anything of an emulated adapter, or of a card in somebody's virtual machine.
    let real = environment(&bench.facts.host, &bench.facts.device) == Environment::Hardware;
    let claim = claim.filter(|_| real);
    let measured = measure(bench, model, claim.is_some()).await?;
    bench.log.note(told(&measured, model))?;
    is_whole(bench, &measured.series)?;
    fits_the_wire(bench, &measured)?;
    match claim {
        Some(claim) => judge(bench, &measured, claim),
        None => Ok(()),
    }
}

async fn measure(bench: &mut Bench, model: Model, judged: bool) -> Result<Measured, Problem> {
    let vfs = vfs(bench, 2).await?;
    // First, so that a far port without a link is not taken for a VF without one.
    let far = bench.far_end(vfs[1]).await?;
    let guest = bench.guest('a').await?;
    hand_over(bench, &guest, vfs[0]).await?;
    let card = card_in(bench, &guest).await?;
    is_a_card(bench, &guest, card).await?;
    let vf = bench.end_in(&guest, card).await?;
    passes(bench, &vf, &far.end, &far.way).await?;
    let emulated = bench.attach_emulated(&guest, model).await?;
    reaches(bench, &emulated, &far).await?;
    let asked = bench.settings.stream_pairs as usize;
    let pairs = if judged { asked.max(PAIRS) } else { asked };
    Ok(Measured {
        line: line_rate(bench, &far).await?,
        series: bench.in_turns([&vf, &emulated], &far, SIZE, pairs).await?,
        way: far.way,
    })
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

/// Both must carry frames to the end and harm none. What befalls both is not the VF's fault.
fn is_whole(bench: &mut Bench, series: &Series) -> Answer {
    for streamed in series.of(1) {
        let usable = !streamed.stalls() && !streamed.harms();
        require!(bench, usable, NO_RIVAL, "the emulated card: {streamed}");
    }
    for streamed in series.of(0) {
        require!(bench, !streamed.stalls(), STALLS, "the VF: {streamed}");
        require!(bench, !streamed.harms(), DAMAGED, "the VF: {streamed}");
    }
    Ok(())
}

fn fits_the_wire(bench: &mut Bench, Measured { series, line, .. }: &Measured) -> Answer {
    let Some(line) = line else {
        return Ok(());
    };
    for streamed in series.pairs.iter().flatten() {
        let fits = streamed.frames_per_second() <= line * (1.0 + SLACK);
        require!(
            bench,
            fits,
            TOO_FAST,
            "the wire carries {line:.0} frames/s: {streamed}"
        );
    }
    Ok(())
}

/// The adapter's own switch may be faster than the port's wire, or slower.
async fn line_rate(bench: &mut Bench, far: &Far) -> Result<Option<f64>, Problem> {
    if !far.by_cable {
        return Ok(None);
    }
    let speed = bench.net().await?.speed;
    let bits = f64::from(SIZE + ON_THE_WIRE) * 8.0;
    Ok(speed.map(|megabits| f64::from(megabits) * 1e6 / bits))
}

fn told(Measured { series, way, line }: &Measured, model: Model) -> String {
    let [vf, emulated] = [0, 1].map(|way| series.median(way));
    let [sent, received] = series.of(0).next().map_or(["-"; 2], |it| {
        [it.sent.backend.name(), it.received.backend.name()]
    });
    let (pairs, model) = (series.pairs.len(), model.name());
    let ratio = match series.ratio() {
        Ok(ratio) => shown(&ratio),
        Err(_) if pairs < PAIRS => {
            format!(
                "{:.2} times (an interval takes {PAIRS} pairs)",
                vf / emulated
            )
        }
        Err(few) => few.to_string(),
    };
    let line = line.map_or_else(String::new, |line| {
        format!(" of {line:.0} that the wire carries")
    });
    format!(
        "frames/s of {SIZE} bytes that arrive at {way}, medians of {pairs} pairs, sent by {sent} and received by {received}: VF {vf:.0}{line}, {model} {emulated:.0}, {ratio}"
    )
}

fn shown(ratio: &Ratio) -> String {
    let Ratio {
        middle, low, high, ..
    } = ratio;
    let percent = CONFIDENCE * 100.0;
    format!("{middle:.2} times (with {percent} % between {low:.2} and {high:.2})")
}

fn judge(bench: &mut Bench, measured: &Measured, (claim, slow): Claim) -> Answer {
    let ratio = measured.series.ratio().map_err(|few| anyhow!("{few}"))?;
    let text = format!("claimed {claim}, measured {}", shown(&ratio));
    match Judgement::of(&ratio, claim) {
        Judgement::Holds => bench.assert(true, slow, text),
        Judgement::Fails => bench.assert(false, excuse(measured).unwrap_or(slow), text),
        Judgement::TooNoisy { enough } => {
            let advice = enough.map_or(
                "no number of pairs within reason would do".into(),
                |pairs| format!("{pairs} pairs would do"),
            );
            bench.assert(false, &TOO_NOISY, format!("{text}; {advice}"))
        }
    }
}

/// What kept the VF from being faster, where it is not the VF.
#[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
fn excuse(Measured { series, line, .. }: &Measured) -> Option<&'static Finding> {
    let fills = |line: f64| series.median(0) >= line * (1.0 - SLACK);
    let (dropped, sent) = series.of(0).fold((0, 0), |(dropped, sent), it| {
        (dropped + it.received.dropped, sent + it.sent.frames)
    });
    match line {
        Some(line) if fills(*line) => Some(&WIRE_FULL),
        _ => (dropped as f64 > sent as f64 * SLACK).then_some(&RECEIVER_SLOW),
    }
}
