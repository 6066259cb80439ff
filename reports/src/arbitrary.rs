//! Arbitrary texts and runs, for the laws that must hold for all of them.

use proptest::prelude::*;

use crate::fixture::pending;
use crate::run::{Checked, Pending, Run, Sign};
use crate::{
    Environment, Finding, Identity, Interval, Measured, Outcome, Record, Remedy, Samples, Skip,
    SkipKind,
};

/// Texts that have broken reports before, between ordinary ones.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        2 => "[a-z :<&\"']{0,8}",
        1 => prop::sample::select(vec![
            "\0", "\x07", "\x1b", "\x1b[31m", "\x1b]0;", "]]>", "]]", ">", "<![CDATA[", "\u{ffff}", "\u{fffe}", "\u{85}", "\u{9b}", "\r", "\n",
            "\t", "\u{7f}", "[[ATTACHMENT|/etc/passwd]]", "&#0;", "<!--", "é", "\u{10ffff}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn any_kind() -> impl Strategy<Value = SkipKind> {
    prop::sample::select(vec![
        SkipKind::NotClaimed,
        SkipKind::UnmetNeed,
        SkipKind::NotSelected,
    ])
}

fn any_finding() -> impl Strategy<Value = Finding> {
    (any_text(), any_text(), any_text(), any_text()).prop_map(|(code, meaning, rhel, debian)| {
        Finding {
            code,
            meaning,
            remedy: Remedy { rhel, debian },
        }
    })
}

fn any_measured() -> impl Strategy<Value = Measured> {
    let value = || -1e9..1e9;
    let values = prop::collection::vec(prop::option::of(value()), 0..4);
    let samples = (any_text(), values).prop_map(|(name, values)| Samples { name, values });
    let series = prop::collection::vec(samples, 0..3);
    let ratio = prop::option::of([value(), value(), value()]);
    (any_text(), any_text(), series, ratio).prop_map(|(title, unit, series, ratio)| Measured {
        title,
        conditions: String::new(),
        unit,
        series,
        ratio: ratio.map(|[middle, low, high]| Interval { middle, low, high }),
        wanted: ratio.map(|[middle, ..]| middle),
        raw: serde_json::Value::Null,
    })
}

fn any_checked() -> impl Strategy<Value = Checked> {
    let texts = || prop::collection::vec(any_text(), 0..3);
    // Mostly what is good, so that good runs occur at all.
    let outcome =
        prop_oneof![6 => Just(Outcome::Passed), 4 => prop::sample::select(Outcome::ALL.to_vec())];
    let words = (
        any_text(),
        any_text(),
        any_text(),
        texts(),
        texts(),
        texts(),
        texts(),
    );
    (
        outcome,
        any_kind(),
        words,
        prop::option::of(any_finding()),
        any::<f64>(),
        prop::collection::vec(any_measured(), 0..2),
    )
        .prop_map(
            |(
                outcome,
                kind,
                (check, proves, message, reasons, notes, kernel_log, transcript),
                finding,
                seconds,
                measured,
            )| {
                let skip = (outcome == Outcome::Skipped).then_some(Skip { kind, reasons });
                let record = Record {
                    check,
                    outcome,
                    message,
                    finding,
                    skip,
                    assertions: 1,
                    seconds,
                    kernel_log,
                    notes,
                };
                Checked {
                    proves,
                    record,
                    started: outcome != Outcome::Skipped,
                    halfway: None,
                    transcript,
                    measured,
                }
            },
        )
}

fn any_identity() -> impl Strategy<Value = Identity> {
    let environment = prop::sample::select(vec![
        Environment::Hardware,
        Environment::Lab,
        Environment::Simulator,
    ]);
    let properties = prop::collection::vec((any_text(), any_text()), 0..3);
    (
        any_text(),
        any_text(),
        environment,
        any_text(),
        properties,
        any::<bool>(),
    )
        .prop_map(|(profile, bdf, environment, run_id, properties, debian)| {
            let started = "2026-11-22T17:13:00Z".into();
            Identity {
                profile,
                bdf,
                environment,
                run_id,
                started,
                properties,
                debian,
            }
        })
}

/// Any run at all, with nasty texts everywhere.
pub(crate) fn any_run() -> impl Strategy<Value = Run> {
    // Trouble of the run as a whole is rare, so that the records decide often enough.
    let trouble = || prop::option::weighted(0.1, any_text());
    let checks = prop::collection::vec(any_checked(), 0..5);
    (
        any_identity(),
        checks,
        trouble(),
        trouble(),
        trouble(),
        trouble(),
        any::<u8>(),
    )
        .prop_map(
            |(identity, checks, interrupted, left_behind, damage, change, odds)| Run {
                identity,
                checks,
                outside: damage.iter().cloned().collect(),
                changes: 0,
                restarts: Vec::new(),
                waits: false,
                last: Sign::default(),
                pending: change
                    .into_iter()
                    .map(|what| Pending { what, ..pending(1) })
                    .collect(),
                interrupted,
                left_behind: left_behind.into_iter().collect(),
                complete: odds > 20,
                damage,
            },
        )
}
