//! The machines a device can sit in: everything that can be done to one, and nothing more.

pub mod agent;
pub mod disk;
mod guest;
mod local;
pub mod protocol;
mod restart;
pub mod worker;

use std::io;
use std::rc::Rc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use guest::Guest;
pub use local::Local;
pub use restart::is_going_down;

/// Everything that can be done to a machine. All that is SR-IOV is written above it.
///
/// Errors are the kernel's own: [`io::Error::raw_os_error`] gives the errno. A call may take for
/// ever (the kernel can block a sysfs write in state D); dropping its future abandons it.
#[async_trait(?Send)]
pub trait Host {
    /// The bytes of a file. Files of sysfs are read in one go.
    async fn read(&self, path: &str) -> io::Result<Vec<u8>>;
    /// Writes `data` with a single `write(2)`, as sysfs wants it. The file must exist.
    async fn write(&self, path: &str, data: &[u8]) -> io::Result<()>;
    /// Puts a file on disk, whole and lasting, in place of an older one; its folder must exist. With
    /// `None` the file is removed; one that is not there stays so.
    async fn put(&self, path: &str, content: Option<&[u8]>) -> io::Result<()>;
    /// The names in a folder, sorted.
    async fn list(&self, path: &str) -> io::Result<Vec<String>>;
    /// Where a symbolic link points, as written in it.
    async fn link(&self, path: &str) -> io::Result<String>;
    /// Runs a command to its end with `LC_ALL=C` and no input.
    async fn run(&self, argv: &[&str]) -> io::Result<Output>;
    /// Restarts the machine. Where the machine is this one, it returns only if that does not happen.
    async fn reboot(&self) -> io::Result<()>;
    /// The guest of this machine whose agent's port the emulator has at that socket. Whether the
    /// guest is up only its answers show.
    async fn guest(&self, socket: &str) -> io::Result<Rc<dyn Host>> {
        let text = format!("this machine has no guests, and so none at {socket}");
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    }
}

/// What a command came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The exit status; 128 + n for death by signal n.
    pub status: i32,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained, trimmed.
    pub stderr: String,
}

impl Output {
    /// Whether it exited with 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }

    /// What it printed, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}
