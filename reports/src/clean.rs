//! Makes any text fit for XML 1.0 and for a terminal. Evidence comes from devices, serial consoles and
//! guests: it may hold anything, and no report may break or take over a terminal because of it.

use std::borrow::Cow;

/// The text without terminal escape sequences and without characters that XML 1.0 forbids.
///
/// XML 1.0, 2.2 (production `Char`) allows tab, newline, carriage return and everything from U+0020 except the
/// surrogates, U+FFFE and U+FFFF. On top of that the C1 controls go, since terminals obey them (U+009B opens an escape
/// sequence). A control character stays visible as its picture (NUL becomes `␀`), the rest becomes U+FFFD; every line
/// end becomes `\n`, which is what an XML parser would make of it (2.11). Tabs stay: columns would run together.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unfit) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (replacement, taken) = match first {
            '\x1b' => (None, escape_length(rest)),
            '\r' if rest.starts_with("\r\n") => (Some('\n'), 2),
            other => (Some(fit(other)), other.len_utf8()),
        };
        cleaned.extend(replacement);
        rest = &rest[taken..];
    }
    Cow::Owned(cleaned)
}

/// Like [`clean`], on one line: for attributes, where a parser would turn a raw newline or tab into a space, and for
/// table cells.
pub fn clean_line(text: &str) -> String {
    let lines: Vec<_> = clean(text)
        .lines()
        .map(|line| line.trim().replace('\t', "    "))
        .collect();
    let full: Vec<_> = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(String::as_str)
        .collect();
    full.join(" | ")
}

/// Like [`clean`], as the content of one CDATA section. `]]>` would end the section, so it is spread over two: a
/// parser puts the text together again.
pub(crate) fn cdata(text: &str) -> String {
    clean(text).replace("]]>", "]]]]><![CDATA[>")
}

fn is_unfit(c: char) -> bool {
    c != fit(c)
}

/// What stands for a character; itself where nothing is wrong with it.
fn fit(c: char) -> char {
    match c {
        '\t' | '\n' => c,
        '\r' => '\n',
        // Unicode has a picture for each C0 control, in the same order from U+2400.
        '\0'..='\x1f' => {
            char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// How many bytes the escape sequence at the start of `text` takes (ECMA-48: 5.4 control sequences, 5.6 control
/// strings, and ECMA-35 13.2 for the rest).
///
/// A sequence that does not end as it should counts as its ESC alone: noise must not swallow the evidence after it.
fn escape_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = match bytes.get(1) {
        Some(b'[') => control_sequence(&bytes[2..]).map(|length| length + 2),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            control_string(&bytes[2..]).map(|length| length + 2)
        }
        Some(_) => short_escape(&bytes[1..]).map(|length| length + 1),
        None => None,
    };
    end.unwrap_or(1)
}

/// Parameter bytes, intermediate bytes, one final byte.
fn control_sequence(bytes: &[u8]) -> Option<usize> {
    let parameters = bytes
        .iter()
        .take_while(|b| matches!(b, 0x30..=0x3f))
        .count();
    let intermediates = bytes[parameters..]
        .iter()
        .take_while(|b| matches!(b, 0x20..=0x2f))
        .count();
    let last = parameters + intermediates;
    matches!(bytes.get(last)?, 0x40..=0x7e).then_some(last + 1)
}

/// Everything up to BEL or `ESC \`, on the same line.
fn control_string(bytes: &[u8]) -> Option<usize> {
    let last = bytes
        .iter()
        .position(|b| matches!(b, b'\n' | 0x07 | 0x1b))?;
    match (bytes[last], bytes.get(last + 1)) {
        (0x07, _) => Some(last + 1),
        (0x1b, Some(b'\\')) => Some(last + 2),
        _ => None,
    }
}

/// Intermediate bytes, one final byte, such as `ESC ( B`.
fn short_escape(bytes: &[u8]) -> Option<usize> {
    let intermediates = bytes
        .iter()
        .take_while(|b| matches!(b, 0x20..=0x2f))
        .count();
    matches!(bytes.get(intermediates)?, 0x30..=0x7e).then_some(intermediates + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_go_and_their_text_stays() {
        assert_eq!(clean("\x1b[1;31mFAILED\x1b[0m vf 3"), "FAILED vf 3");
        assert_eq!(clean("\x1b]0;title\x07login:"), "login:");
        assert_eq!(clean("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\"), "link");
        assert_eq!(clean("\x1b(Bplain\x1bM"), "plain");
    }

    #[test]
    fn an_unfinished_sequence_swallows_nothing() {
        assert_eq!(clean("\x1b]no end\nmessage"), "]no end\nmessage");
        assert_eq!(clean("\x1b[31é"), "[31é");
        assert_eq!(clean("\x1bé \x1b\x1b[0m[0m \x1b"), "é [0m ");
    }

    #[test]
    fn forbidden_characters_stay_visible() {
        assert_eq!(clean("a\0b\x07c\x7f"), "a␀b␇c␡");
        assert_eq!(
            clean("\u{ffff}\u{fffe}\u{9b}31m"),
            "\u{fffd}\u{fffd}\u{fffd}31m"
        );
    }

    #[test]
    fn line_ends_become_newlines_and_tabs_stay() {
        assert_eq!(clean("a\r\nb\rc\td"), "a\nb\nc\td");
        assert_eq!(clean_line("a\r\n\n  b\tc "), "a | b    c");
    }

    #[test]
    fn the_end_of_a_cdata_section_is_spread_over_two() {
        assert_eq!(cdata("a]]\x1b[0m>b"), "a]]]]><![CDATA[>b");
    }

    fn is_xml_char(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    }

    proptest! {
        #[test]
        fn any_text_becomes_xml(text in r"[\x00-\x20\x7f-\xa0\[\]a-z;\\\u{fffd}-\u{ffff}]{0,40}") {
            let cleaned = clean(&text).into_owned();
            prop_assert!(cleaned.chars().all(is_xml_char));
            prop_assert_eq!(clean(&cleaned), cleaned.as_str());
            prop_assert!(!clean_line(&text).contains(['\n', '\t']));
        }

        #[test]
        fn harmless_text_is_untouched(text in "[ -~\n\t\u{a0}-\u{d7ff}]{0,40}") {
            prop_assert_eq!(clean(&text), text.as_str());
        }
    }
}
