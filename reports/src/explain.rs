//! What a record says to its reader: the same words in every report.

use crate::{Record, Remedy, clean};

/// A label and what stands behind it.
pub(crate) type Line<'a> = (&'static str, &'a str);

/// Why a check ended as it did; never empty where there is something to explain.
pub(crate) fn reason(record: &Record) -> &str {
    let meaning = record
        .finding
        .as_ref()
        .map(|finding| finding.meaning.as_str());
    let says_something = |text: &&str| !clean(text).trim().is_empty();
    let reasons = [Some(record.message.as_str()), meaning];
    reasons
        .into_iter()
        .flatten()
        .map(str::trim)
        .find(says_something)
        .unwrap_or("no reason was recorded")
}

/// What it means and what to do next. The remedy for this distribution comes first.
pub(crate) fn finding(record: &Record, debian: bool) -> Vec<Line<'_>> {
    let Some(finding) = &record.finding else {
        return Vec::new();
    };
    let mut lines = vec![
        ("finding", finding.code.as_str()),
        ("meaning", finding.meaning.as_str()),
    ];
    lines.extend(remedies(&finding.remedy, debian));
    lines
}

fn remedies(remedy: &Remedy, debian: bool) -> Vec<Line<'_>> {
    let on_rhel = ("on RHEL", remedy.rhel.as_str());
    let on_debian = ("on Debian", remedy.debian.as_str());
    match debian {
        _ if remedy.rhel == remedy.debian => vec![("what to do", remedy.rhel.as_str())],
        true => vec![on_debian, on_rhel],
        false => vec![on_rhel, on_debian],
    }
}

/// The end of a text: whole lines, at most so many bytes. Tells what is missing.
pub(crate) fn tail(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let cut = text.ceil_char_boundary(text.len() - most);
    let kept = text[cut..]
        .split_once('\n')
        .map_or(&text[cut..], |(_, lines)| lines);
    let missing = text.len() - kept.len();
    format!("[the first {missing} bytes are in the transcript only]\n{kept}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Finding, Outcome, fixture};

    #[test]
    fn a_failure_without_words_still_has_a_reason() {
        let mut record = fixture::record("vf::a", Outcome::Failed, None);
        record.message = "\x1b[0m \n".into();
        assert_eq!(reason(&record), "no reason was recorded");
        let remedy = Remedy {
            rhel: "a".into(),
            debian: "a".into(),
        };
        record.finding = Some(Finding {
            code: "c".into(),
            meaning: "It is short.".into(),
            remedy,
        });
        assert_eq!(reason(&record), "It is short.");
    }

    #[test]
    fn the_remedy_of_this_distribution_comes_first() {
        let remedy = Remedy {
            rhel: "dnf".into(),
            debian: "apt".into(),
        };
        assert_eq!(
            remedies(&remedy, true),
            [("on Debian", "apt"), ("on RHEL", "dnf")]
        );
        assert_eq!(
            remedies(&remedy, false),
            [("on RHEL", "dnf"), ("on Debian", "apt")]
        );
        let same = Remedy {
            rhel: "reboot".into(),
            debian: "reboot".into(),
        };
        assert_eq!(remedies(&same, true), [("what to do", "reboot")]);
    }

    #[test]
    fn a_tail_has_whole_lines_and_says_what_is_missing() {
        assert_eq!(tail("one\ntwo", 7), "one\ntwo");
        assert_eq!(
            tail("one\ntwo\nthree", 8),
            "[the first 8 bytes are in the transcript only]\nthree"
        );
        assert_eq!(
            tail("ééé", 3),
            "[the first 4 bytes are in the transcript only]\né"
        );
    }
}
