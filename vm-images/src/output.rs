//! What comes out of the port `lab.output`: the payload's own lines, and the marks of `lab-host/run-payload` between them.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// Begins a mark: the record separator of ASCII, which no program prints by accident.
const MARK: char = '\x1e';

/// How far the lab host got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The system is up; the payload is next.
    Started,
    /// The shared folders could not be mounted.
    NoShares,
    /// The payload ended with this exit status.
    Ended(i32),
}

/// The port's other end; lines of the payload go to `on_line` as they come.
pub(crate) struct Output<R, F> {
    /// Where the bytes come from.
    pub(crate) source: R,
    /// Who hears the payload.
    pub(crate) on_line: F,
}

impl<R: AsyncBufRead + Unpin, F: FnMut(&str)> Output<R, F> {
    /// Reads on to the next mark; `None` at the end of the output.
    pub(crate) async fn next_mark(&mut self) -> io::Result<Option<Mark>> {
        let mut bytes = Vec::new();
        while self.source.read_until(b'\n', &mut bytes).await? > 0 {
            let line = String::from_utf8_lossy(&bytes);
            let (text, mark) = split(line.trim_end_matches(['\n', '\r']));
            if let Some(text) = text {
                (self.on_line)(text);
            }
            if mark.is_some() {
                return Ok(mark);
            }
            bytes.clear();
        }
        Ok(None)
    }
}

/// What a line says and the mark it ends with; a mark may stand behind text that had no line end.
fn split(line: &str) -> (Option<&str>, Option<Mark>) {
    match line
        .split_once(MARK)
        .and_then(|(text, mark)| Some((text, parse(mark)?)))
    {
        Some(("", mark)) => (None, Some(mark)),
        Some((text, mark)) => (Some(text), Some(mark)),
        None => (Some(line), None),
    }
}

fn parse(mark: &str) -> Option<Mark> {
    match mark.split_once(' ') {
        None if mark == "started" => Some(Mark::Started),
        None if mark == "no-shares" => Some(Mark::NoShares),
        Some(("ended", status)) => status.parse().ok().map(Mark::Ended),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_text() {
        assert_eq!(split("\x1estarted"), (None, Some(Mark::Started)));
        assert_eq!(split("\x1eended 2"), (None, Some(Mark::Ended(2))));
        assert_eq!(split("\x1eno-shares"), (None, Some(Mark::NoShares)));
        assert_eq!(split("started"), (Some("started"), None));
        assert_eq!(split("\x1eended maybe"), (Some("\x1eended maybe"), None));
        assert_eq!(split(""), (Some(""), None));
    }

    #[test]
    fn a_mark_behind_unfinished_text_is_found() {
        assert_eq!(
            split("no line end\x1eended 0"),
            (Some("no line end"), Some(Mark::Ended(0)))
        );
    }

    #[tokio::test]
    async fn marks_come_in_order_and_text_between_them_is_heard() {
        let mut heard = Vec::new();
        let source = &b"\x1estarted\none\ntwo \xff\n\x1eended 7\nlate"[..];
        let mut output = Output {
            source,
            on_line: |line: &str| heard.push(line.to_owned()),
        };
        assert_eq!(output.next_mark().await.unwrap(), Some(Mark::Started));
        assert_eq!(output.next_mark().await.unwrap(), Some(Mark::Ended(7)));
        assert_eq!(output.next_mark().await.unwrap(), None);
        assert_eq!(heard, ["one", "two \u{fffd}", "late"]);
    }
}
