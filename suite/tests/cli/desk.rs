//! A folder in which the program is asked.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::PROGRAM;

/// A folder to work in.
pub(crate) struct Desk(TempDir);

/// What the program did.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).expect("a file");
    }

    /// Every name below the folder, whose order means nothing.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("the folder");
        entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }

    pub(crate) fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn ask(&self, args: &[impl AsRef<OsStr>]) -> Answer {
        answer(&mut self.command(args))
    }

    /// Words that are refused: a line for each, nothing on stdout, nothing changed.
    pub(crate) fn refused(&self, lines: &[&str]) -> String {
        let before = self.names();
        let refusal = |line: &&str| {
            let args: Vec<&str> = line.split(' ').collect();
            let answer = self.ask(&args);
            assert_eq!((answer.code, answer.stdout.as_str()), (64, ""), "{line}");
            assert_eq!(
                answer.stderr.lines().count(),
                1,
                "{line}: {}",
                answer.stderr
            );
            format!("$ {line}\n{}", answer.stderr)
        };
        let refusals: String = lines.iter().map(refusal).collect();
        assert_eq!(self.names(), before);
        refusals.replace("sriov-certify: ", "")
    }
}

pub(crate) fn answer(command: &mut Command) -> Answer {
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Answer {
        code: output.status.code().expect("an exit code"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
