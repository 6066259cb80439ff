//! Carries out single steps for another process: one line of JSON asks, one line answers.
//!
//! The kernel can block a write to sysfs in state D, where no signal reaches it. So such steps are
//! left to a process of their own, which can be abandoned while the tool goes on.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, Write};

use nix::sys::signal::{SigSet, Signal};
use serde::{Deserialize, Serialize};

/// What is asked of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Read this file.
    Read(String),
    /// Write these bytes to this file, in one `write(2)`.
    Write(String, Vec<u8>),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Done; the bytes that were read.
    Done(Vec<u8>),
    /// The kernel refused with this errno.
    Refused(i32),
    /// Something else went wrong.
    Failed(String),
}

impl From<io::Result<Vec<u8>>> for Reply {
    fn from(result: io::Result<Vec<u8>>) -> Self {
        match result {
            Ok(bytes) => Self::Done(bytes),
            Err(error) => error
                .raw_os_error()
                .map_or_else(|| Self::Failed(error.to_string()), Self::Refused),
        }
    }
}

impl From<Reply> for io::Result<Vec<u8>> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Done(bytes) => Ok(bytes),
            Reply::Refused(errno) => Err(io::Error::from_raw_os_error(errno)),
            Reply::Failed(text) => Err(io::Error::other(text)),
        }
    }
}

/// Holds back the signals that a terminal or a service manager sends to all processes of a run:
/// the asking side hears them too, and still needs its worker to undo what was changed.
pub fn outlive_signals() -> io::Result<()> {
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    Ok(SigSet::from_iter(signals).thread_block()?)
}

/// Serves requests until the asking side closes its end.
pub fn serve(requests: impl BufRead, mut replies: impl Write) -> io::Result<()> {
    for line in requests.lines() {
        let reply = match serde_json::from_str(&line?) {
            Ok(request) => Reply::from(carry_out(&request)),
            Err(error) => Reply::Failed(format!("not a request: {error}")),
        };
        serde_json::to_writer(&mut replies, &reply)?;
        replies.write_all(b"\n")?;
        replies.flush()?;
    }
    Ok(())
}

fn carry_out(request: &Request) -> io::Result<Vec<u8>> {
    match request {
        Request::Read(path) => fs::read(path),
        Request::Write(path, data) => write_once(path, data).map(|()| Vec::new()),
    }
}

/// sysfs takes each `write(2)` as one value, so a short write must not be continued.
fn write_once(path: &str, data: &[u8]) -> io::Result<()> {
    let written = OpenOptions::new().write(true).open(path)?.write(data)?;
    if written == data.len() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "{path} took {written} of {} bytes",
            data.len()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reply, Request, serve};

    fn ask(requests: &[Request]) -> Vec<Reply> {
        let lines: Vec<_> = requests
            .iter()
            .map(|request| serde_json::to_string(request).unwrap())
            .collect();
        let mut answer = Vec::new();
        serve(lines.join("\n").as_bytes(), &mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_written_and_read_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let replies = ask(&[
            Request::Write(path.clone(), b"7\n".to_vec()),
            Request::Read(path),
        ]);
        assert_eq!(
            replies,
            [Reply::Done(Vec::new()), Reply::Done(b"7\n".to_vec())]
        );
    }

    #[test]
    fn a_refusal_carries_the_errno() {
        let replies = ask(&[Request::Write("/proc/self/nothing".into(), b"1".to_vec())]);
        assert_eq!(replies, [Reply::Refused(nix::errno::Errno::ENOENT as i32)]);
    }

    #[test]
    fn a_broken_request_is_answered_and_does_not_end_the_service() {
        let mut answer = Vec::new();
        serve(&b"{\n\"?\"\n"[..], &mut answer).unwrap();
        assert_eq!(String::from_utf8(answer).unwrap().lines().count(), 2);
    }
}
