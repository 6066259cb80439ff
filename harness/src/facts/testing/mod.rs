//! A machine of recorded files for the tests of this folder: it can be read, and nothing else.

mod lab;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use async_trait::async_trait;
use nix::errno::Errno;

use crate::machine::{Host, Output};

pub(super) use lab::{IGB, NVME, lab, lab_with_vfs};

/// Runs a reader to its end, with a clock that does not let anybody wait.
pub(crate) fn run<T>(reader: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(reader)
}

/// Files, links and the output of commands, by path and by command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded {
    files: BTreeMap<String, Result<Vec<u8>, i32>>,
    links: BTreeMap<String, String>,
    /// `None` is a command that never ends.
    commands: BTreeMap<String, Option<Output>>,
}

impl Recorded {
    /// Adds a file.
    pub(crate) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files
            .insert(path.to_owned(), Ok(content.as_ref().to_vec()));
        self
    }

    /// Takes a file away.
    pub(crate) fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    /// Adds files of one folder, as pairs of name and content.
    pub(crate) fn files(self, folder: &str, files: &[(&str, &str)]) -> Self {
        files.iter().fold(self, |host, (name, content)| {
            host.file(&format!("{folder}/{name}"), content)
        })
    }

    /// Adds a file or a link that is listed but refuses to be read.
    pub(super) fn refuses(mut self, path: &str, errno: Errno) -> Self {
        self.files.insert(path.to_owned(), Err(errno as i32));
        self
    }

    /// Adds a link.
    pub(super) fn link_to(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.to_owned(), target.to_owned());
        self
    }

    /// Adds a command that prints this.
    pub(crate) fn prints(mut self, command: &str, stdout: &str) -> Self {
        let output = Output {
            stdout: stdout.as_bytes().to_vec(),
            ..Output::default()
        };
        self.commands.insert(command.to_owned(), Some(output));
        self
    }

    /// Adds a command that never ends.
    pub(super) fn hangs(mut self, command: &str) -> Self {
        self.commands.insert(command.to_owned(), None);
        self
    }

    /// Takes a command away.
    pub(super) fn refuses_to_run(mut self, command: &str) -> Self {
        self.commands.remove(command);
        self
    }

    /// Adds a command that fails.
    pub(crate) fn fails(mut self, command: &str, status: i32, stderr: &str) -> Self {
        let output = Output {
            status,
            stdout: Vec::new(),
            stderr: stderr.to_owned(),
        };
        self.commands.insert(command.to_owned(), Some(output));
        self
    }

    /// The path without the links in its folders. Its last part is not followed.
    fn resolved(&self, path: &str) -> String {
        for (link, target) in &self.links {
            if let Some(rest) = path
                .strip_prefix(link.as_str())
                .filter(|rest| rest.starts_with('/'))
            {
                return self.resolved(&format!("{}{rest}", absolute(link, target)));
            }
        }
        path.to_owned()
    }
}

fn absolute(link: &str, target: &str) -> String {
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[async_trait(?Send)]
impl Host for Recorded {
    async fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        match self.files.get(&self.resolved(path)) {
            Some(Ok(content)) => Ok(content.clone()),
            Some(Err(errno)) => Err(io::Error::from_raw_os_error(*errno)),
            None => Err(Errno::ENOENT.into()),
        }
    }

    async fn write(&self, path: &str, _data: &[u8]) -> io::Result<()> {
        panic!("reading facts must not write {path}")
    }

    async fn put(&self, path: &str, _content: Option<&[u8]>) -> io::Result<()> {
        panic!("reading facts must not write {path}")
    }

    async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let folder = self.resolved(&format!("{path}/"));
        let all = self.files.keys().chain(self.links.keys());
        let below = all.filter_map(|path| path.strip_prefix(&folder)?.split('/').next());
        let names: BTreeSet<String> = below.map(str::to_owned).collect();
        if names.is_empty() {
            Err(Errno::ENOENT.into())
        } else {
            Ok(names.into_iter().collect())
        }
    }

    async fn link(&self, path: &str) -> io::Result<String> {
        let path = self.resolved(path);
        let missing = match self.files.get(&path) {
            Some(Ok(_)) => Errno::EINVAL as i32,
            Some(Err(errno)) => *errno,
            None => Errno::ENOENT as i32,
        };
        let target = self.links.get(&path).cloned();
        target.ok_or_else(|| io::Error::from_raw_os_error(missing))
    }

    async fn run(&self, argv: &[&str]) -> io::Result<Output> {
        match self.commands.get(&argv.join(" ")) {
            Some(Some(output)) => Ok(output.clone()),
            Some(None) => std::future::pending().await,
            None => Err(Errno::ENOENT.into()),
        }
    }

    async fn reboot(&self) -> io::Result<()> {
        panic!("reading facts must not reboot")
    }
}
