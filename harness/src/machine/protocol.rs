//! Single steps that another process carries out for this one: one line of JSON asks, one line answers.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::{Output, disk};

/// What is asked: the verbs of a [`Host`](super::Host).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Read this file.
    Read(String),
    /// Write these bytes to this file, in one `write(2)`.
    Write(String, Vec<u8>),
    /// Put a file of this content in place, or remove it.
    Put(String, Option<Vec<u8>>),
    /// List this folder.
    List(String),
    /// Read this link.
    Link(String),
    /// Run this command to its end.
    Run(Vec<String>),
    /// Restart the machine: only a guest does that, once it has answered.
    Reboot,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Done; the bytes that were read.
    Done(Vec<u8>),
    /// The names in a folder, sorted.
    Names(Vec<String>),
    /// What a command came to.
    Ran(Output),
    /// The kernel refused with this errno.
    Refused(i32),
    /// Something else went wrong.
    Failed(String),
}

impl Reply {
    /// The answer to a request, which may take for ever.
    pub fn to(request: &Request) -> Self {
        carry_out(request).unwrap_or_else(|error| {
            let text = || Self::Failed(error.to_string());
            error.raw_os_error().map_or_else(text, Self::Refused)
        })
    }

    /// The error that it stands for.
    fn error(self) -> io::Error {
        match self {
            Self::Refused(errno) => io::Error::from_raw_os_error(errno),
            Self::Failed(text) => io::Error::other(text),
            answer => io::Error::other(format!("not an answer to the question: {answer:?}")),
        }
    }

    /// What was read.
    pub fn bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Done(bytes) => Ok(bytes),
            other => Err(other.error()),
        }
    }

    /// The names that were listed.
    pub fn names(self) -> io::Result<Vec<String>> {
        match self {
            Self::Names(names) => Ok(names),
            other => Err(other.error()),
        }
    }

    /// What the command came to.
    pub fn output(self) -> io::Result<Output> {
        match self {
            Self::Ran(output) => Ok(output),
            other => Err(other.error()),
        }
    }
}

fn carry_out(request: &Request) -> io::Result<Reply> {
    Ok(match request {
        Request::Read(path) => Reply::Done(fs::read(path)?),
        Request::Write(path, data) => {
            write_once(path, data)?;
            Reply::Done(Vec::new())
        }
        Request::Put(path, content) => {
            put(path, content.as_deref())?;
            Reply::Done(Vec::new())
        }
        Request::List(path) => Reply::Names(names(path)?),
        Request::Link(path) => {
            let target = fs::read_link(path)?;
            Reply::Done(target.to_string_lossy().into_owned().into_bytes())
        }
        Request::Run(argv) => Reply::Ran(run(argv)?),
        Request::Reboot => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// sysfs takes each `write(2)` as one value, so a short write must not be continued.
fn write_once(path: &str, data: &[u8]) -> io::Result<()> {
    let written = OpenOptions::new().write(true).open(path)?.write(data)?;
    if written == data.len() {
        Ok(())
    } else {
        let all = data.len();
        let text = format!("{path} took {written} of {all} bytes");
        Err(io::Error::other(text))
    }
}

/// Puts a file in place, or removes it ([`Host::put`](super::Host::put)).
pub(super) fn put(path: &str, content: Option<&[u8]>) -> io::Result<()> {
    match content {
        Some(content) => disk::replace(Path::new(path), content),
        None => disk::remove(Path::new(path)),
    }
}

/// The names in a folder, sorted.
pub(super) fn names(path: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(path)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<String>>>()?;
    names.sort_unstable();
    Ok(names)
}

fn run(argv: &[String]) -> io::Result<Output> {
    let [program, arguments @ ..] = argv else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    Ok(Output::from(command.output()?))
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        let killed = || 128 + output.status.signal().unwrap_or(0);
        Self {
            status: output.status.code().unwrap_or_else(killed),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::{Reply, Request};

    fn run(words: &[&str]) -> Reply {
        Reply::to(&Request::Run(
            words.iter().map(|&word| word.to_owned()).collect(),
        ))
    }

    #[test]
    fn a_file_is_put_written_read_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file").to_str().unwrap().to_owned();
        let put = |content: Option<&[u8]>| {
            let content = content.map(<[u8]>::to_vec);
            Reply::to(&Request::Put(path.clone(), content))
                .bytes()
                .unwrap()
        };
        put(Some(b"old"));
        let write = Request::Write(path.clone(), b"new".to_vec());
        Reply::to(&write).bytes().unwrap();
        let read = Request::Read(path.clone());
        assert_eq!(Reply::to(&read).bytes().unwrap(), b"new");
        put(None);
        let enoent = Reply::Refused(Errno::ENOENT as i32);
        assert_eq!(Reply::to(&read), enoent);
        assert_eq!(Reply::to(&Request::Write(path.clone(), Vec::new())), enoent);
    }

    #[test]
    fn folders_and_links_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for name in ["b", "a"] {
            std::os::unix::fs::symlink("target", path(name)).unwrap();
        }
        let list = Reply::to(&Request::List(path("")));
        assert_eq!(list.names().unwrap(), ["a", "b"]);
        let link = Reply::to(&Request::Link(path("a")));
        assert_eq!(link.bytes().unwrap(), b"target");
    }

    #[test]
    fn a_command_answers_with_its_status_and_its_words() {
        let ran = run(&["sh", "-c", "echo out; echo complaint >&2; exit 3"])
            .output()
            .unwrap();
        let found = (ran.status, ran.text(), ran.stderr.as_str());
        assert_eq!(found, (3, "out\n".to_owned(), "complaint"));
        let killed = run(&["sh", "-c", "kill -9 $$"]).output().unwrap();
        assert_eq!(killed.status, 137);
        let missing = run(&["no-such-program"]);
        assert_eq!(missing, Reply::Refused(Errno::ENOENT as i32));
    }

    #[test]
    fn an_answer_to_another_question_is_an_error() {
        let error = Reply::Names(Vec::new()).bytes().unwrap_err().to_string();
        assert!(
            error.starts_with("not an answer to the question"),
            "{error}"
        );
    }
}
