//! A machine whose restart ends the process that asks for it.

use std::cell::Cell;
use std::future::pending;
use std::io;
use std::rc::Rc;

use async_trait::async_trait;
use harness::machine::{Host, Output};
use harness::simulator::Simulator;
use tokio::sync::Notify;

/// A machine that takes the process with it when it restarts.
pub(crate) struct Mortal {
    pub(crate) machine: Simulator,
    pub(crate) down: Notify,
    /// Whether the process is killed at the next write.
    pub(crate) kills: Cell<bool>,
    /// Whether its kernel warns whenever VFs are asked for.
    pub(crate) warns: bool,
}

impl Mortal {
    async fn take_down<T>(&self) -> T {
        self.down.notify_one();
        pending().await
    }
}

#[async_trait(?Send)]
impl Host for Mortal {
    async fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.machine.read(path).await
    }

    async fn write(&self, path: &str, data: &[u8]) -> io::Result<()> {
        if self.kills.take() {
            return self.take_down().await;
        }
        if self.warns && path.ends_with("sriov_numvfs") {
            let line =
                b"<4>WARNING: CPU: 0 PID: 1 at drivers/pci/iov.c:678 sriov_enable+0x2f1/0x3d0\n";
            self.machine.write("/dev/kmsg", line).await?;
        }
        self.machine.write(path, data).await
    }

    async fn put(&self, path: &str, content: Option<&[u8]>) -> io::Result<()> {
        self.machine.put(path, content).await
    }

    async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.machine.list(path).await
    }

    async fn link(&self, path: &str) -> io::Result<String> {
        self.machine.link(path).await
    }

    async fn run(&self, argv: &[&str]) -> io::Result<Output> {
        self.machine.run(argv).await
    }

    async fn guest(&self, socket: &str) -> io::Result<Rc<dyn Host>> {
        self.machine.guest(socket).await
    }

    async fn reboot(&self) -> io::Result<()> {
        self.take_down().await
    }
}
