//! One thing wrong in a profile's text.

use std::ops::Range;

/// One thing wrong, where it is, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Bytes of the text.
    pub(super) span: Range<usize>,
    /// What is wrong, in one line.
    pub(super) message: String,
    /// What stands beside the caret.
    pub(super) label: String,
    /// The way out.
    pub(super) help: Option<String>,
    /// The other place that it contradicts.
    pub(super) against: Option<(Range<usize>, String)>,
    /// Whether something is absent. A syntax error elsewhere may be why, so that it proves nothing.
    pub(super) absence: bool,
}

impl Problem {
    /// A problem at `span`.
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        let (message, label) = (one_line(&message.into()), String::new());
        Self {
            span,
            message,
            label,
            help: None,
            against: None,
            absence: false,
        }
    }

    /// A problem of something that is not there, at the place where it belongs.
    pub(super) fn absent(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            absence: true,
            ..Self::new(span, message)
        }
    }

    /// With words beside the caret.
    pub(super) fn label(self, label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..self
        }
    }

    /// With the way out.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// With the other place that it contradicts.
    pub(super) fn against(self, span: Range<usize>, label: impl Into<String>) -> Self {
        Self {
            against: Some((span, label.into())),
            ..self
        }
    }
}

/// The longest line that is still read: words of the file's author are quoted in it.
const LONGEST: usize = 200;

/// The text on one line, cut where it becomes too long, and without characters that a terminal obeys.
fn one_line(text: &str) -> String {
    let escaped: String = text.chars().map(visible).collect();
    match escaped.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &escaped[..end]),
        None => escaped,
    }
}

fn visible(c: char) -> String {
    if c.is_control() {
        c.escape_default().collect()
    } else {
        c.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn what_the_author_wrote_cannot_break_the_line() {
        assert_eq!(
            Problem::new(0..0, "a\nb\u{1b}[2J").message,
            "a\\nb\\u{1b}[2J"
        );
        assert_eq!(
            Problem::new(0..0, "é".repeat(900)).message.chars().count(),
            201
        );
    }
}
