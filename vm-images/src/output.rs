//! What comes out of the port `lab.output`: the payload's own lines, and the marks of `lab-host/run-payload` between them.

use std::io;
use std::mem;

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
    /// The system was told to restart, and the payload is stopped.
    Restarting,
    /// The payload ended with this exit status.
    Ended(i32),
}

/// One line: text, a mark, or a mark behind text that had no line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// What the payload said.
    pub(crate) text: Option<String>,
    /// What the lab host said.
    pub(crate) mark: Option<Mark>,
}

/// The port's other end.
pub(crate) struct Output<R> {
    source: R,
    unfinished: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Output<R> {
    /// Reads from `source`.
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            unfinished: Vec::new(),
        }
    }

    /// The next line; `None` at the end of the output. May be cancelled: what has come of a line is kept.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        let read = self.source.read_until(b'\n', &mut self.unfinished).await?;
        if read == 0 && self.unfinished.is_empty() {
            return Ok(None);
        }
        let bytes = mem::take(&mut self.unfinished);
        let line = String::from_utf8_lossy(&bytes);
        let (text, mark) = split(line.trim_end_matches(['\n', '\r']));
        let text = text.map(str::to_owned);
        Ok(Some(Line { text, mark }))
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
        None if mark == "restarting" => Some(Mark::Restarting),
        Some(("ended", status)) => status.parse().ok().map(Mark::Ended),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncWriteExt as _, BufReader};
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn marks_are_told_from_text() {
        assert_eq!(split("\x1estarted"), (None, Some(Mark::Started)));
        assert_eq!(split("\x1eended 2"), (None, Some(Mark::Ended(2))));
        assert_eq!(split("\x1eno-shares"), (None, Some(Mark::NoShares)));
        assert_eq!(split("\x1erestarting"), (None, Some(Mark::Restarting)));
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

    /// The lines of all that comes, each with its mark behind it.
    async fn lines(source: impl AsyncBufRead + Unpin) -> Vec<(Option<String>, Option<Mark>)> {
        let mut output = Output::new(source);
        let mut lines = Vec::new();
        while let Some(Line { text, mark }) = output.next().await.unwrap() {
            lines.push((text, mark));
        }
        lines
    }

    #[tokio::test]
    async fn marks_and_text_come_in_order() {
        let said = |text: &str| (Some(text.to_owned()), None);
        assert_eq!(
            lines(&b"\x1estarted\none\ntwo \xff\n\x1eended 7\nlate"[..]).await,
            [
                (None, Some(Mark::Started)),
                said("one"),
                said("two \u{fffd}"),
                (None, Some(Mark::Ended(7))),
                said("late")
            ]
        );
    }

    #[tokio::test]
    async fn a_cancelled_read_loses_nothing() {
        let (mut port, source) = tokio::io::duplex(64);
        let mut output = Output::new(BufReader::new(source));
        port.write_all(b"\x1eend").await.unwrap();
        let early = timeout(Duration::from_millis(1), output.next()).await;
        assert!(early.is_err(), "half a line is no line: {early:?}");
        port.write_all(b"ed 4\n").await.unwrap();
        assert_eq!(
            output.next().await.unwrap().unwrap().mark,
            Some(Mark::Ended(4))
        );
    }
}
