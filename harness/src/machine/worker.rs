//! Carries out single steps for another process, one at a time.
//!
//! The kernel can block a write to sysfs in state D, where no signal reaches it. So such steps are
//! left to a process of their own, which can be abandoned while the tool goes on.

use std::io::{self, BufRead, Write};

use nix::sys::signal::{SigSet, Signal};

use super::protocol::Reply;

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
            Ok(request) => Reply::to(&request),
            Err(error) => Reply::Failed(format!("not a request: {error}")),
        };
        serde_json::to_writer(&mut replies, &reply)?;
        replies.write_all(b"\n")?;
        replies.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Reply, serve};
    use crate::machine::protocol::Request;

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
    fn a_broken_request_is_answered_and_does_not_end_the_service() {
        let mut answer = Vec::new();
        serve(&b"{\n\"?\"\n"[..], &mut answer).unwrap();
        assert_eq!(String::from_utf8(answer).unwrap().lines().count(), 2);
    }
}
