//! This host.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::process::Stdio;
use std::rc::Rc;

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::protocol::{self, Reply, Request};
use super::restart::restart;
use super::{Guest, Host, Output};

/// This host. Steps that the kernel may block are left to workers.
pub struct Local {
    worker: Vec<OsString>,
    idle: RefCell<Vec<Worker>>,
    unfinished: RefCell<Vec<Worker>>,
}

impl Local {
    /// `worker` is the command that serves [`worker::serve`](super::worker::serve) on its standard
    /// input and output.
    pub fn new(worker: Vec<OsString>) -> Self {
        Self {
            worker,
            idle: RefCell::default(),
            unfinished: RefCell::default(),
        }
    }

    /// Asks a worker, once all abandoned steps have come to their end: whoever undoes a change must
    /// not overtake it.
    async fn ask(&self, request: &Request) -> io::Result<Vec<u8>> {
        self.finish().await;
        let idle = self.idle.borrow_mut().pop();
        let worker = idle.map_or_else(|| Worker::start(&self.worker), Ok)?;
        let mut lease = Lease {
            local: self,
            worker: Some(worker),
            finished: false,
        };
        let reply = lease.ask(request).await;
        lease.finished = reply.is_ok();
        reply?.bytes()
    }

    async fn finish(&self) {
        loop {
            let Some(worker) = self.unfinished.borrow_mut().pop() else {
                return;
            };
            let mut lease = Lease {
                local: self,
                worker: Some(worker),
                finished: false,
            };
            match lease.answer().await {
                Ok(_) => lease.finished = true,
                Err(_) => lease.worker = None,
            }
        }
    }
}

/// A worker on loan. One that was not waited for goes back as unfinished.
struct Lease<'a> {
    local: &'a Local,
    worker: Option<Worker>,
    finished: bool,
}

impl Lease<'_> {
    async fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        match &mut self.worker {
            Some(worker) => worker.ask(request).await,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    async fn answer(&mut self) -> io::Result<Reply> {
        match &mut self.worker {
            Some(worker) => worker.answer().await,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take() else {
            return;
        };
        if self.finished {
            self.local.idle.borrow_mut().push(worker);
        } else if worker.asked {
            self.local.unfinished.borrow_mut().push(worker);
        }
        // One that has no whole request will never answer: it ends with its input.
    }
}

struct Worker {
    /// Its end is the end of its input, so that a step under way is not cut off.
    _child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    /// It has a whole request, and so will answer.
    asked: bool,
    line: Vec<u8>,
}

impl Worker {
    /// In a process group of its own, so that a Ctrl-C on the terminal does not reach it.
    fn start(argv: &[OsString]) -> io::Result<Self> {
        let mut command = Command::new(&argv[0]);
        command
            .args(&argv[1..])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let requests = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let replies = BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        Ok(Self {
            _child: child,
            requests,
            replies,
            asked: false,
            line: Vec::new(),
        })
    }

    async fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.asked = false;
        self.requests.write_all(&line).await?;
        self.asked = true;
        self.answer().await
    }

    /// What was read of the line so far is kept when this is abandoned.
    async fn answer(&mut self) -> io::Result<Reply> {
        if self.replies.read_until(b'\n', &mut self.line).await? == 0 {
            let text = "the worker has ended before its answer";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        let reply = serde_json::from_slice(&self.line);
        self.line.clear();
        Ok(reply?)
    }
}

/// Files whose reading takes the device's lock, which a blocked write may hold for ever
/// (Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_show`).
fn may_block(path: &str) -> bool {
    path.ends_with("/sriov_numvfs")
}

#[async_trait(?Send)]
impl Host for Local {
    async fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        if may_block(path) {
            self.ask(&Request::Read(path.to_owned())).await
        } else {
            fs::read(path)
        }
    }

    async fn write(&self, path: &str, data: &[u8]) -> io::Result<()> {
        self.ask(&Request::Write(path.to_owned(), data.to_vec()))
            .await
            .map(|_| ())
    }

    async fn put(&self, path: &str, content: Option<&[u8]>) -> io::Result<()> {
        protocol::put(path, content)
    }

    async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        protocol::names(path)
    }

    async fn link(&self, path: &str) -> io::Result<String> {
        Ok(fs::read_link(path)?.to_string_lossy().into_owned())
    }

    async fn run(&self, argv: &[&str]) -> io::Result<Output> {
        let mut command = Command::new(argv[0]);
        command
            .args(&argv[1..])
            .env("LC_ALL", "C")
            // Whatever this user asks otherwise, guests are those of this machine (libvirt docs/uri.rst).
            .env("LIBVIRT_DEFAULT_URI", "qemu:///system")
            .env_remove("VIRSH_DEFAULT_CONNECT_URI")
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        Ok(command.output().await?.into())
    }

    async fn reboot(&self) -> io::Result<()> {
        Err(restart(self).await)
    }

    async fn guest(&self, socket: &str) -> io::Result<Rc<dyn Host>> {
        Ok(Rc::new(Guest::connect(socket).await?))
    }
}
