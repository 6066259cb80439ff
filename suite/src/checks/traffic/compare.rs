//! A virtual function in a guest against another sender, by the same port and to the same end.

use anyhow::anyhow;
use harness::bench::{Bench, Series, Streamed};
use harness::check::{Answer, Finding, Problem};
use harness::require;
use harness::stream::Sent;

use super::carries::carries;
use super::line::{SLACK, fits_the_wire, line_rate};
use super::ready::{Ready, ready};
use super::rival::{NO_RIVAL, Rival};
use super::yardstick::Yardstick;
use crate::checks::measured::{
    interval, is_judged, judge, keep, measured as samples_of, pairs, shown,
};

pub(super) const WIRE_FULL: Finding = Finding::bench(
    "wire-is-the-limit",
    "The VF fills the wire, and what it is compared with comes so near to it that no VF could be as much faster as is claimed.",
    "Compare at a port that is faster, or lower the claim: with this machine's processors an emulated card carries more than whoever made it had measured.",
);
pub(super) const RECEIVER_SLOW: Finding = Finding::bench(
    "receiver-is-the-limit",
    "The machine that receives lost a part of the frames because they were not taken in time: those of the VF, which seems to be slower than claimed, or those of what it is compared with, which would have been faster.",
    "Receive on a faster processor, near the far port (NUMA), or compare at a slower port.",
);

/// The findings of a check that compares.
#[macro_export]
macro_rules! comparison_findings {
    ($($own:expr),* $(,)?) => {
        $crate::stream_findings![
            $crate::checks::traffic::rival::NO_RIVAL,
            $crate::checks::traffic::compare::WIRE_FULL,
            $crate::checks::traffic::compare::RECEIVER_SLOW,
            $($own),*
        ]
    };
}

/// How much better the VF is claimed to be, and what it means that it is not.
pub(super) type Claim = (f64, &'static Finding);

/// What is asked of both.
pub(super) struct Question {
    pub(super) rival: Rival,
    pub(super) yardstick: Yardstick,
    /// The size of the frames in bytes, without the check sequence.
    pub(super) size: u16,
    /// What is claimed of the ratio, if anything.
    pub(super) claim: Option<Claim>,
}

/// Both ways, and what they share.
struct Measured {
    /// The size of the frames in bytes, without the check sequence.
    size: u16,
    /// The VF first.
    series: Series<Streamed>,
    rival: Rival,
    yardstick: Yardstick,
    /// Where the frames arrive, in words.
    way: String,
    /// How many frames a second the wire carries; `None` where there is none, or its speed is not known.
    line: Option<f64>,
}

/// Measures both, and judges what is claimed.
pub(super) async fn compare(bench: &mut Bench, question: Question) -> Answer {
    let ready = ready(bench).await?;
    beside(bench, &ready, question).await
}

/// The same in a guest that is there already.
pub(super) async fn beside(bench: &mut Bench, ready: &Ready, question: Question) -> Answer {
    let claim = question.claim.filter(|_| is_judged(bench));
    let measured = measure(bench, ready, &question, claim.is_some()).await?;
    bench.log.note(told(&measured))?;
    let wanted = claim.map(|(least, _)| least);
    keep(bench, kept(&measured, wanted)?).await?;
    is_whole(bench, &measured)?;
    fits_the_wire(bench, measured.line, measured.series.pairs.iter().flatten())?;
    match claim {
        Some(claim) => decide(bench, &measured, claim),
        None => Ok(()),
    }
}

async fn measure(
    bench: &mut Bench,
    Ready { guest, vf, far }: &Ready,
    question: &Question,
    judged: bool,
) -> Result<Measured, Problem> {
    let Question {
        rival,
        yardstick,
        size,
        ..
    } = *question;
    let other = rival.end(bench, guest, far).await?;
    let pairs = pairs(bench, judged);
    Ok(Measured {
        size,
        line: line_rate(bench, far, size).await?,
        series: bench.in_turns([vf, &other], far, size, pairs).await?,
        rival,
        yardstick,
        way: far.way.clone(),
    })
}

/// Both must carry frames to the end and harm none. What befalls both is not the VF's fault.
fn is_whole(bench: &mut Bench, Measured { series, rival, .. }: &Measured) -> Answer {
    let rival = rival.name();
    for streamed in series.of(1) {
        let usable = !streamed.stalls() && !streamed.harms();
        require!(bench, usable, NO_RIVAL, "{rival}: {streamed}");
    }
    for streamed in series.of(0) {
        carries(bench, "the VF", streamed)?;
    }
    Ok(())
}

/// The same for machines, with a picture.
fn kept(measured: &Measured, wanted: Option<f64>) -> anyhow::Result<reports::Measured> {
    let Measured {
        size,
        series,
        rival,
        yardstick,
        way,
        ..
    } = measured;
    let of = yardstick.of();
    let values = |way| series.of(way).map(of).collect();
    let ways = [("the VF", values(0)), (rival.name(), values(1))];
    let title = format!("{size} bytes at {way}");
    Ok(reports::Measured {
        ratio: series.ratio(of).ok().as_ref().and_then(interval),
        wanted,
        ..samples_of(title, yardstick.unit(), &ways, series)?
    })
}

fn told(measured: &Measured) -> String {
    let Measured {
        series,
        yardstick,
        way,
        ..
    } = measured;
    let first = [0, 1].map(|way| series.of(way).next());
    let sent = first.map(|it| it.map_or_else(String::new, |it| sent(&it.sent)));
    let received = first[0].map_or("-", |it| it.received.backend.name());
    let (unit, pairs, size) = (yardstick.unit(), series.pairs.len(), measured.size);
    let figures = figures(measured);
    let sent = match sent {
        [one, other] if one == other => one,
        [one, other] => format!("{one} and {other}"),
    };
    format!(
        "{unit}, {size} bytes, at {way}, medians of {pairs} pairs, sent by {sent}, received by {received}: {figures}"
    )
}

/// By which backend, and what the interface was left to do.
fn sent(
    Sent {
        backend, offloads, ..
    }: &Sent,
) -> String {
    let offloads = match offloads.as_deref() {
        None => "not known".into(),
        Some([]) => "none".into(),
        Some(all) => all.join(" "),
    };
    format!("{backend} (offloads: {offloads})")
}

/// The medians, and their ratio.
fn figures(measured: &Measured) -> String {
    let Measured {
        series,
        rival,
        yardstick,
        line,
        ..
    } = measured;
    let medians = |yardstick: Yardstick| [0, 1].map(|way| series.median(way, yardstick.of()));
    let [vf, other] = medians(*yardstick);
    let ratio = match series.ratio(yardstick.of()) {
        Ok(ratio) => shown(&ratio),
        Err(few) => format!("{:.2} times, without an interval: {few}", vf / other),
    };
    let line = line.map_or_else(String::new, |line| {
        format!(" of {line:.0} that the wire carries")
    });
    let rival = rival.name();
    match yardstick {
        Yardstick::Rate => format!("VF {vf:.0}{line}, {rival} {other:.0}, {ratio}"),
        Yardstick::PerCpu => {
            let [vf_rate, other_rate] = medians(Yardstick::Rate);
            format!(
                "VF {vf:.0}, {rival} {other:.0}, {ratio}; frames/s: {vf_rate:.0}{line} and {other_rate:.0}"
            )
        }
    }
}

fn decide(bench: &mut Bench, measured: &Measured, (claim, slow): Claim) -> Answer {
    let ratio = measured.series.ratio(measured.yardstick.of());
    let ratio = ratio.map_err(|few| anyhow!("{few}"))?;
    let rival = measured.rival.name();
    let what = format!("the VF to {rival}");
    judge(
        bench,
        &what,
        &ratio,
        claim,
        excuse(measured).unwrap_or(slow),
    )?;
    // What more the other would have carried nobody knows.
    let taken = !receiver_loses(measured.series.of(1));
    require!(
        bench,
        taken,
        RECEIVER_SLOW,
        "the receiver lost more than a few of the frames that {rival} sent"
    );
    Ok(())
}

/// What kept the VF from being better, where it is not the VF.
fn excuse(measured: &Measured) -> Option<&'static Finding> {
    let Measured {
        series,
        yardstick,
        line,
        ..
    } = measured;
    let rate = series.median(0, Yardstick::Rate.of());
    let fills = line.is_some_and(|line| rate >= line * (1.0 - SLACK));
    if fills && *yardstick == Yardstick::Rate {
        return Some(&WIRE_FULL);
    }
    receiver_loses(series.of(0)).then_some(&RECEIVER_SLOW)
}

/// Whether more than a few of the frames were lost because nobody took them in time.
#[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
pub(super) fn receiver_loses<'a>(streams: impl Iterator<Item = &'a Streamed>) -> bool {
    let (dropped, sent) = streams.fold((0, 0), |(dropped, sent), it| {
        (dropped + it.received.dropped, sent + it.sent.frames)
    });
    dropped as f64 > sent as f64 * SLACK
}
