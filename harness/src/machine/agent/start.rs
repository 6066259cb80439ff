//! From the kernel's first process to a system with drivers and a way out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount};

use super::PORT;

const PORTS: &str = "/sys/class/virtio-ports";
/// How long the kernel may take to find the port: it probes drivers at once, but ports come by message.
const PORT_LIMIT: Duration = Duration::from_mins(1);

/// Mounts what a kernel shows of itself, and loads the modules.
pub(super) fn prepare() -> io::Result<()> {
    for (kind, path) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        mount(Some(kind), path, Some(kind), MsFlags::empty(), None::<&str>)?;
    }
    let order = fs::read_to_string("/modules/order")?;
    for module in order.lines() {
        if let Err(error) = load(module) {
            complain(&format!("cannot load {module}: {error}"));
        }
    }
    Ok(())
}

/// Goes on without: what a check misses it names itself, with the console as evidence.
fn load(module: &str) -> io::Result<()> {
    let file = File::open(format!("/modules/{module}"))?;
    Ok(finit_module(&file, c"", ModuleInitFlags::empty())?)
}

/// To the kernel's log, which goes to the console.
pub(super) fn complain(text: &str) {
    let log = OpenOptions::new().write(true).open("/dev/kmsg");
    // Where even this fails nobody could be told.
    let _ = log.and_then(|mut log| log.write_all(format!("<2>sriov-certify: {text}\n").as_bytes()));
}

/// Returns the path of the port.
pub(super) fn wait_for_port() -> io::Result<PathBuf> {
    let end = Instant::now() + PORT_LIMIT;
    loop {
        match port() {
            Ok(Some(path)) => return Ok(path),
            _ if Instant::now() < end => thread::sleep(Duration::from_millis(10)),
            Ok(None) => return Err(io::Error::other(format!("no port is called {PORT}"))),
            Err(error) => return Err(error),
        }
    }
}

/// Looks for the port by name (Linux 6.12 drivers/char/virtio_console.c, `name_show`).
fn port() -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(PORTS)? {
        let entry = entry?;
        let name = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        if name.trim() == PORT {
            return Ok(Some(PathBuf::from("/dev").join(entry.file_name())));
        }
    }
    Ok(None)
}
