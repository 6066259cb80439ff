//! The `JUnit` file of a run: one suite, one case for each check of the plan.
//!
//! Its readers differ in what they show. GitLab shows the text of a failure, error or skip and ignores their `message`
//! and all properties; Jenkins shows the `message`. So every reason stands in both, and the identity of the device
//! stands in the properties and in the suite's `system-out`.

use std::io;

use jiff::Timestamp;
use junit_report::{Duration, OffsetDateTime, ReportBuilder, TestCase, TestResult, TestSuite};

use crate::clean::{cdata, clean_line};
use crate::completion::Completion;
use crate::explain::{finding, reason, tail};
use crate::folder::checks_folder;
use crate::run::Checked;
use crate::{Identity, Outcome, Record, Run, SkipKind, Verdict};

/// How much of a transcript stands in the text of a failure, in bytes.
const TAIL: usize = 4_000;

/// How much of a transcript stands in `system-out`: Jenkins cuts it at 100,000 characters for a failed case.
const SYSTEM_OUT: usize = 90_000;

/// The `JUnit` file of a run. Well-formed whatever the run holds.
pub fn junit(run: &Run) -> io::Result<String> {
    let properties = properties(run);
    let (suite, unknown) = suite(run, &properties);
    let skipped = suite.skipped();
    let mut xml = Vec::new();
    ReportBuilder::new()
        .add_testsuite(suite)
        .build()
        .write_xml(&mut xml)
        .map_err(io::Error::other)?;
    let xml = Completion {
        properties,
        skipped,
        unknown,
    }
    .apply(&xml)?;
    String::from_utf8(xml).map_err(io::Error::other)
}

/// The suite, and those of its attributes about which nothing is known.
fn suite(run: &Run, properties: &[(String, String)]) -> (TestSuite, Vec<&'static str>) {
    let identity = &run.identity;
    let (started, hostname) = (started(identity), hostname(identity));
    let unknown = [
        ("timestamp", started.is_none()),
        ("hostname", hostname.is_none()),
    ];
    let mut suite = TestSuite::new(&clean_line(&format!(
        "{} {}",
        identity.profile, identity.bdf
    )));
    suite.package = clean_line(&identity.profile);
    suite.timestamp = started.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    suite.hostname = hostname.unwrap_or_default();
    suite.testcases = run
        .checks
        .iter()
        .map(|checked| case(run, checked))
        .collect();
    suite.system_out = Some(cdata(&system_out(run, properties)));
    (
        suite,
        unknown
            .iter()
            .filter(|(_, unknown)| *unknown)
            .map(|(name, _)| *name)
            .collect(),
    )
}

fn hostname(identity: &Identity) -> Option<String> {
    let mut properties = identity.properties.iter();
    properties
        .find(|(name, _)| name == "hostname")
        .map(|(_, value)| clean_line(value))
}

/// When the run began. Nothing where it cannot be said as RFC 3339, which has the years 0 to 9999.
fn started(identity: &Identity) -> Option<OffsetDateTime> {
    let timestamp: Timestamp = identity.started.parse().ok()?;
    let time = OffsetDateTime::from_unix_timestamp_nanos(timestamp.as_nanosecond()).ok()?;
    (0..=9999).contains(&time.year()).then_some(time)
}

fn case(run: &Run, checked: &Checked) -> TestCase {
    let record = &checked.record;
    TestCase {
        name: clean_line(&record.check),
        time: duration(record.seconds),
        result: result(run, checked),
        classname: Some(clean_line(&format!(
            "{}.{}",
            run.identity.profile,
            area(&record.check)
        ))),
        filepath: None,
        system_out: case_output(checked).map(|text| cdata(&text)),
        system_err: None,
    }
}

fn area(check: &str) -> &str {
    check.split_once("::").map_or(check, |(area, _)| area)
}

/// In whole milliseconds, and not so long that a sum of many could overflow, which would be a panic.
fn duration(seconds: f64) -> Duration {
    let rounded = (seconds.clamp(0.0, 1e9) * 1e3).round() / 1e3;
    let duration = std::time::Duration::try_from_secs_f64(rounded).unwrap_or_default();
    Duration::try_from(duration).unwrap_or_default()
}

fn result(run: &Run, checked: &Checked) -> TestResult {
    let record = &checked.record;
    let message = clean_line(reason(record));
    let cause = Some(cdata(&text(run, checked)));
    let finding = record
        .finding
        .as_ref()
        .map(|finding| clean_line(&finding.code));
    match record.outcome {
        Outcome::Passed => TestResult::Success,
        Outcome::Failed => TestResult::Failure {
            type_: finding.unwrap_or("failure".into()),
            message,
            cause,
        },
        Outcome::Error => TestResult::Error {
            type_: finding.unwrap_or("error".into()),
            message,
            cause,
        },
        Outcome::Skipped => {
            let kind = skip_words(record);
            TestResult::SkippedWithCause {
                type_: kind.into(),
                message: format!("{kind}: {message}"),
                cause,
            }
        }
        // JUnit knows no known issue. As a pass it would be invisible, and as a failure it would keep every nightly run
        // red until someone mutes the whole suite. A skip is neither: it is counted and shown apart, with its reason.
        Outcome::KnownIssue => {
            let message = format!("known issue: {message}");
            TestResult::SkippedWithCause {
                type_: "known issue".into(),
                message,
                cause,
            }
        }
    }
}

fn skip_words(record: &Record) -> &'static str {
    record
        .skip
        .as_ref()
        .map_or(SkipKind::UnmetNeed, |skip| skip.kind)
        .words()
}

/// The text of a failure, error or skip: all of the explanation, since some readers show nothing else.
fn text(run: &Run, checked: &Checked) -> String {
    let record = &checked.record;
    let mut lines = match record.outcome {
        Outcome::Passed => return String::new(),
        Outcome::Failed | Outcome::Error => vec![reason(record).to_owned()],
        Outcome::KnownIssue => vec![format!("known issue: {}", reason(record))],
        Outcome::Skipped => skip_text(record),
    };
    lines.push(String::new());
    lines.push(format!("to be proven: {}", checked.proves));
    lines.extend(
        finding(record, run.identity.debian)
            .iter()
            .map(|(label, text)| format!("{label}: {text}")),
    );
    lines.extend(block("notes", &record.notes));
    lines.extend(block("kernel log", &record.kernel_log));
    if checked.started {
        let end = tail(&checked.transcript.join("\n"), TAIL);
        lines.extend(block(
            &format!("transcript ({})", transcript_path(record)),
            &[end],
        ));
    }
    lines.join("\n")
}

fn skip_text(record: &Record) -> Vec<String> {
    let reasons = record
        .skip
        .as_ref()
        .map(|skip| skip.reasons.as_slice())
        .unwrap_or_default();
    let mut lines = vec![format!("{}: {}", skip_words(record), reason(record))];
    if reasons.len() > 1 {
        lines.extend(reasons.iter().map(|reason| format!("- {reason}")));
    }
    lines
}

/// A heading and lines below it; nothing where there are no lines.
fn block(heading: &str, lines: &[String]) -> Vec<String> {
    if lines.iter().all(String::is_empty) {
        return Vec::new();
    }
    let heading = [String::new(), format!("{heading}:")];
    heading.into_iter().chain(lines.iter().cloned()).collect()
}

fn transcript_path(record: &Record) -> String {
    format!("{}/transcript.txt", checks_folder(&record.check))
}

/// GitLab shows the output of failed and broken cases only; Jenkins shows that of all, so a pass keeps it short.
fn case_output(checked: &Checked) -> Option<String> {
    let record = &checked.record;
    match record.outcome {
        Outcome::Failed | Outcome::Error if checked.started => {
            // The first attachment is the one GitLab takes, and evidence could hold something that looks like one.
            let attachment = format!("[[ATTACHMENT|{}]]", transcript_path(record));
            Some(format!(
                "{attachment}\n{}",
                tail(&checked.transcript.join("\n"), SYSTEM_OUT)
            ))
        }
        Outcome::Passed if !record.notes.is_empty() => Some(record.notes.join("\n")),
        _ => None,
    }
}

fn properties(run: &Run) -> Vec<(String, String)> {
    let (verdict, why) = Verdict::of(run);
    let identity = &run.identity;
    let mut properties: Vec<(&str, &str)> = vec![
        ("verdict", verdict.word()),
        ("why", &why),
        ("environment", identity.environment.word()),
        ("profile", &identity.profile),
        ("bdf", &identity.bdf),
        ("run", &identity.run_id),
        ("started", &identity.started),
    ];
    properties.extend(
        identity
            .properties
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let restarts: Vec<_> = run.restarts.iter().zip(1..).collect();
    let restarts: Vec<_> = restarts
        .into_iter()
        .map(|(restart, number)| (format!("restart {number}"), restart.words()))
        .collect();
    properties.extend(
        restarts
            .iter()
            .map(|(name, words)| (name.as_str(), words.as_str())),
    );
    let counts: Vec<_> = run
        .counts()
        .iter()
        .map(|(outcome, n)| (outcome.key(), n.to_string()))
        .collect();
    let counts = counts
        .into_iter()
        .map(|(key, n)| (format!("count.{key}"), n));
    let clean = properties
        .into_iter()
        .map(|(name, value)| (clean_line(name), clean_line(value)));
    clean.chain(counts).collect()
}

/// The identity again, for readers that ignore properties, and what belongs to no check.
fn system_out(run: &Run, properties: &[(String, String)]) -> String {
    let mut lines: Vec<_> = properties
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    lines.extend(block("left behind", &run.left_behind));
    let pending: Vec<_> = run
        .pending
        .iter()
        .map(|change| change.what.clone())
        .collect();
    lines.extend(block(
        "changes not undone (sriov-certify restore undoes them)",
        &pending,
    ));
    lines.extend(block(
        "outside any check",
        &[tail(&run.outside.join("\n"), SYSTEM_OUT)],
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{arbitrary, fixture};

    #[test]
    fn a_rich_run() {
        insta::assert_snapshot!(junit(&fixture::rich()).unwrap());
    }

    #[test]
    fn the_same_run_is_rendered_to_the_same_bytes() {
        assert_eq!(
            junit(&fixture::rich()).unwrap(),
            junit(&fixture::rich()).unwrap()
        );
    }

    #[test]
    fn a_time_that_cannot_be_said_is_left_out() {
        let mut run = fixture::rich();
        for started in ["yesterday", "-000009-01-01T00:00:00Z"] {
            run.identity.started = started.into();
            let xml = junit(&run).unwrap();
            let document = roxmltree::Document::parse(&xml).unwrap();
            let suite = document.root_element().first_element_child().unwrap();
            assert_eq!(
                (suite.attribute("timestamp"), suite.has_attribute("time")),
                (None, true)
            );
        }
    }

    #[test]
    fn absurd_durations_do_no_harm() {
        for seconds in [f64::NAN, f64::INFINITY, 1e300, -1.0] {
            assert!(duration(seconds) <= Duration::seconds(1_000_000_000));
        }
        assert_eq!(duration(0.123_456), Duration::milliseconds(123));
    }

    fn attribute(node: &roxmltree::Node<'_, '_>, name: &str) -> usize {
        node.attribute(name).unwrap().parse().unwrap()
    }

    fn elements(node: &roxmltree::Node<'_, '_>, name: &str) -> usize {
        node.descendants()
            .filter(|node| node.has_tag_name(name))
            .count()
    }

    proptest! {
        // Each run holds dozens of texts, so a few runs go a long way.
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// roxmltree refuses what XML 1.0 forbids, quick-xml is what many readers are built on.
        #[test]
        fn any_run_is_well_formed_with_the_right_counts(run in arbitrary::any_run()) {
            let xml = junit(&run).unwrap();
            let mut reader = quick_xml::Reader::from_str(&xml);
            while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
            let document = roxmltree::Document::parse(&xml).unwrap();
            let suite = document.root_element().first_element_child().unwrap();
            let counts = run.counts();
            let skipped = counts[&Outcome::Skipped] + counts[&Outcome::KnownIssue];
            for (count, element, expected) in [
                ("tests", "testcase", run.checks.len()),
                ("failures", "failure", counts[&Outcome::Failed]),
                ("errors", "error", counts[&Outcome::Error]),
                ("skipped", "skipped", skipped),
            ] {
                prop_assert_eq!(attribute(&suite, count), expected);
                prop_assert_eq!(elements(&suite, element), expected);
            }
        }

        /// Whatever the evidence is, a reader gets it as `clean` leaves it.
        #[test]
        fn evidence_reaches_the_reader(evidence in arbitrary::any_text()) {
            let mut run = fixture::run_of(&[(Outcome::Failed, None)]);
            run.checks[0].record.message.clone_from(&evidence);
            let xml = junit(&run).unwrap();
            let document = roxmltree::Document::parse(&xml).unwrap();
            let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
            let expected = reason(&run.checks[0].record);
            let text: String = failure.children().filter_map(|node| node.text()).collect();
            prop_assert!(text.starts_with(&*crate::clean(expected)), "{:?} in {:?}", expected, text);
            prop_assert_eq!(failure.attribute("message").unwrap(), clean_line(expected));
        }
    }
}
