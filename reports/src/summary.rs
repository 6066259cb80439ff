//! What people and scripts read first: `summary.txt`, the table on the terminal, `summary.json`.

use std::path::PathBuf;

use serde_json::json;

use crate::clean::{clean, clean_line};
use crate::explain::{finding, reason};
use crate::folder::checks_folder;
use crate::run::Checked;
use crate::verdict::doubts;
use crate::words::count;
use crate::{Outcome, Record, Restart, Run, SkipKind, Verdict};

/// `summary.txt`: the verdict, what is wrong and what to do about it, then everything else.
pub fn summary_text(run: &Run) -> String {
    let mut lines = headline(run);
    lines.push(String::new());
    lines.extend(identity(run));
    if Verdict::of(run).0 == Verdict::Rejected || run.interrupted.is_some() {
        lines.extend(list("ALSO WRONG WITH THIS RUN", &doubts(run)));
    }
    lines.extend(explained(
        run,
        Outcome::Failed,
        "FAILED",
        "the device did not do what its profile claims",
    ));
    lines.extend(explained(
        run,
        Outcome::Error,
        "ERRORS",
        "the bench broke, so these say nothing about the device",
    ));
    lines.extend(skipped(
        run,
        SkipKind::UnmetNeed,
        "NOT RUN FOR AN UNMET NEED",
    ));
    lines.extend(bench(run));
    let restarts: Vec<_> = run.restarts.iter().map(Restart::words).collect();
    lines.extend(list("RESTARTS OF THE MACHINE", &restarts));
    lines.extend(explained(
        run,
        Outcome::KnownIssue,
        "KNOWN ISSUES",
        "failed as the profile says they do",
    ));
    lines.extend(list("WARNINGS", &warnings(run)));
    lines.extend(passed(run));
    lines.extend(skipped(run, SkipKind::NotSelected, "NOT SELECTED"));
    lines.extend(skipped(
        run,
        SkipKind::NotClaimed,
        "NOT CLAIMED BY THE PROFILE",
    ));
    lines.join("\n") + "\n"
}

/// The verdict and why: in its line if it is one reason, else as a list.
fn headline(run: &Run) -> Vec<String> {
    let (verdict, why) = Verdict::of(run);
    let word = verdict.word().to_uppercase();
    let doubts = doubts(run);
    if verdict != Verdict::Inconclusive || run.interrupted.is_some() || doubts.len() == 1 {
        return vec![format!("{word}: {}", clean_line(&why))];
    }
    let heading = format!("{word}, for {}:", count(doubts.len(), "reason"));
    std::iter::once(heading)
        .chain(doubts.iter().map(|doubt| row("- ", doubt)))
        .collect()
}

/// One line of a table of devices: verdict, address, profile, environment, counts.
pub fn table_line(run: &Run) -> String {
    let verdict = Verdict::of(run).0.word();
    let bdf = clean_line(&run.identity.bdf);
    let profile = clean_line(&run.identity.profile);
    let environment = run.identity.environment.word();
    format!(
        "{verdict:<12}  {bdf:<12}  {profile:<24}  {environment:<9}  {}",
        counts(run)
    )
}

/// `summary.json`: every device of a run of the suite, with the folder of its reports.
pub fn summary_json(devices: &[(Run, PathBuf)]) -> String {
    let devices: Vec<_> = devices
        .iter()
        .map(|(run, path)| device_json(run, path))
        .collect();
    format!("{:#}\n", json!({ "devices": devices }))
}

fn device_json(run: &Run, path: &std::path::Path) -> serde_json::Value {
    let counts: serde_json::Map<_, _> = run
        .counts()
        .into_iter()
        .map(|(outcome, n)| (outcome.key().to_owned(), n.into()))
        .collect();
    json!({
        "profile": run.identity.profile,
        "bdf": run.identity.bdf,
        "environment": run.identity.environment,
        "verdict": Verdict::of(run).0.word(),
        "counts": counts,
        "path": path.to_string_lossy(),
    })
}

/// `33 passed, 1 failed`: outcomes that occur.
fn counts(run: &Run) -> String {
    let counts = run.counts();
    let occurring = Outcome::ALL.iter().filter(|outcome| counts[*outcome] > 0);
    let words: Vec<_> = occurring
        .map(|outcome| outcome.counted(counts[outcome]))
        .collect();
    words.join(", ")
}

fn identity(run: &Run) -> Vec<String> {
    let identity = &run.identity;
    let environment = format!(
        "{} ({})",
        identity.environment.word(),
        identity.environment.meaning()
    );
    let device = format!("{} at {}", identity.profile, identity.bdf);
    let counts = counts(run);
    let mut rows: Vec<(&str, &str)> = vec![
        ("device", &device),
        ("environment", &environment),
        ("checks", &counts),
        ("run", &identity.run_id),
        ("started", &identity.started),
    ];
    let others = identity
        .properties
        .iter()
        .filter(|(name, _)| name != "warning");
    rows.extend(others.map(|(name, value)| (name.as_str(), value.as_str())));
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or_default()
        .min(24);
    rows.iter()
        .map(|(name, value)| row(&format!("{:<width$}  ", clean_line(name)), value))
        .collect()
}

fn warnings(run: &Run) -> Vec<String> {
    let warnings = run
        .identity
        .properties
        .iter()
        .filter(|(name, _)| name == "warning");
    warnings.map(|(_, text)| text.clone()).collect()
}

/// A text behind its label; further lines of it stand below its first.
fn row(label: &str, text: &str) -> String {
    let indent = format!("\n{}", " ".repeat(label.chars().count()));
    format!("{label}{}", clean(text.trim()).replace('\n', &indent))
}

fn list(heading: &str, texts: &[String]) -> Vec<String> {
    if texts.is_empty() {
        return Vec::new();
    }
    let heading = [String::new(), heading.to_owned()];
    heading
        .into_iter()
        .chain(texts.iter().map(|text| row("  ", text)))
        .collect()
}

/// The checks that ended in one way, each with all that is known about it.
fn explained(run: &Run, outcome: Outcome, heading: &str, meaning: &str) -> Vec<String> {
    let checks: Vec<_> = run
        .checks
        .iter()
        .filter(|checked| checked.record.outcome == outcome)
        .collect();
    if checks.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        format!("{heading} ({}): {meaning}", checks.len()),
    ];
    for checked in checks {
        lines.extend(explanation(checked, run.identity.debian));
    }
    lines
}

fn explanation(checked: &Checked, debian: bool) -> Vec<String> {
    let record = &checked.record;
    let mut rows = vec![
        ("to be proven", checked.proves.clone()),
        ("what happened", reason(record).to_owned()),
    ];
    rows.extend(
        finding(record, debian)
            .into_iter()
            .map(|(label, text)| (label, text.to_owned())),
    );
    rows.extend(record.notes.iter().map(|note| ("note", note.clone())));
    if !record.kernel_log.is_empty() {
        rows.push(("kernel log", record.kernel_log.join("\n")));
    }
    if checked.started {
        rows.push((
            "evidence",
            format!("{}/transcript.txt", checks_folder(&record.check)),
        ));
    }
    let title = format!(
        "  {}  {}",
        clean_line(&record.check),
        seconds(record.seconds)
    );
    let title = title.trim_end().to_owned();
    let rows = rows
        .iter()
        .map(|(label, text)| row(&format!("    {label:<13}  "), text));
    std::iter::once(title).chain(rows).collect()
}

fn skipped(run: &Run, kind: SkipKind, heading: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for checked in &run.checks {
        let Some(skip) = checked
            .record
            .skip
            .as_ref()
            .filter(|skip| skip.kind == kind)
        else {
            continue;
        };
        lines.push(format!(
            "{}: {}",
            clean_line(&checked.record.check),
            skip.reasons.join("; ")
        ));
    }
    let heading = format!("{heading} ({})", lines.len());
    list(&heading, &lines)
}

/// What a person has to put right on the bench.
fn bench(run: &Run) -> Vec<String> {
    let pending: Vec<_> = run
        .pending
        .iter()
        .map(|change| match &change.error {
            None => change.what.clone(),
            Some(error) => format!("{} ({error})", change.what),
        })
        .collect();
    let mut lines = list("NOT AS IT WAS FOUND", &run.left_behind);
    lines.extend(list(
        "CHANGES NOT UNDONE: `sriov-certify restore` undoes them",
        &pending,
    ));
    lines
}

fn passed(run: &Run) -> Vec<String> {
    let checks: Vec<_> = run
        .records()
        .filter(|record| record.outcome == Outcome::Passed)
        .collect();
    let width = checks
        .iter()
        .map(|record| clean_line(&record.check).chars().count())
        .max()
        .unwrap_or_default();
    let lines: Vec<_> = checks
        .iter()
        .map(|record| passed_line(record, width))
        .collect();
    list(&format!("PASSED ({})", lines.len()), &lines)
}

fn passed_line(record: &Record, width: usize) -> String {
    let texts = [record.message.as_str()]
        .into_iter()
        .chain(record.notes.iter().map(String::as_str));
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    let (check, took) = (clean_line(&record.check), seconds(record.seconds));
    format!("{check:<width$}  {took:>8}  {}", texts.join("; "))
        .trim_end()
        .to_owned()
}

fn seconds(seconds: f64) -> String {
    match seconds {
        ..=0.0 => String::new(),
        0.0..0.01 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{arbitrary, fixture};

    #[test]
    fn a_rich_run() {
        insta::assert_snapshot!(summary_text(&fixture::rich()));
    }

    #[test]
    fn a_run_that_was_killed() {
        insta::assert_snapshot!(summary_text(&fixture::killed()));
    }

    #[test]
    fn a_run_without_fault_is_short() {
        let run = fixture::run_of(&[
            (Outcome::Passed, None),
            (Outcome::Skipped, Some(SkipKind::NotClaimed)),
        ]);
        insta::assert_snapshot!(summary_text(&run));
    }

    #[test]
    fn the_table() {
        let lines = [
            table_line(&fixture::rich()),
            table_line(&fixture::run_of(&[(Outcome::Passed, None)])),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_json() {
        insta::assert_snapshot!(summary_json(&[(
            fixture::rich(),
            "mock-nic/0000:01:00.0/r1".into()
        )]));
    }

    proptest! {
        // Each run holds dozens of texts, so a few runs go a long way.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_summary_names_every_check_and_does_nothing_to_a_terminal(run in arbitrary::any_run()) {
            let text = summary_text(&run);
            prop_assert_eq!(crate::clean(&text), text.as_str());
            for record in run.records() {
                let check = clean_line(&record.check);
                prop_assert!(text.contains(&check), "{check} in {text}");
            }
            prop_assert!(!table_line(&run).contains('\n'));
        }
    }
}
