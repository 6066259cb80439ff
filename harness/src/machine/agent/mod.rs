//! What carries out in a guest what the machine outside asks over a virtio-serial port: the first process of a probe guest, which
//! makes its system usable first, or a program of a guest system like any other.

mod start;

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::reboot::{RebootMode, reboot};
use nix::unistd::sync;
use serde::{Deserialize, Serialize};

use super::protocol::{Reply, Request};

/// The name of the port, by which both sides find it.
pub const PORT: &str = "sriov-certify";

/// A request with its number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub number: u64,
    pub request: Request,
}

/// The answer to the request of that number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub number: u64,
    pub reply: Reply,
}

/// How long to wait before the port is looked at again while nobody has it open outside. The kernel
/// then lets a reader go at once (Linux 6.12 drivers/char/virtio_console.c, `port_fops_read`).
const NOBODY_THERE: Duration = Duration::from_millis(20);

/// As the first process of a probe guest. Never returns in good health: the kernel panics when it ends.
pub fn run() -> io::Result<()> {
    start::prepare()?;
    serve_port()
}

/// As a program of a guest system, which has mounted and loaded what it needs. Never returns in good health.
pub fn serve_port() -> io::Result<()> {
    let path = start::wait_for_port()?;
    let port = OpenOptions::new().read(true).write(true).open(path)?;
    let mut answers = port.try_clone()?;
    // The end of what the guest was saying when it was reset.
    answers.write_all(b"\n")?;
    serve(&mut BufReader::new(port), &Arc::new(Mutex::new(answers)))
}

fn serve<W: Write + Send + 'static>(
    requests: &mut impl BufRead,
    answers: &Arc<Mutex<W>>,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        if requests.read_until(b'\n', &mut line)? == 0 {
            thread::sleep(NOBODY_THERE);
            continue;
        }
        if line.ends_with(b"\n") {
            answer(&line, answers)?;
            line.clear();
        }
    }
}

/// Each request has a thread of its own: one may take for ever, and the others must not wait.
/// What is no request is what a visitor left who went in the middle of a line.
fn answer<W: Write + Send + 'static>(line: &[u8], answers: &Arc<Mutex<W>>) -> io::Result<()> {
    let Ok(Asked { number, request }) = serde_json::from_slice(line) else {
        return Ok(());
    };
    let answers = answers.clone();
    let work = move || {
        let restarts = request == Request::Reboot;
        let reply = if restarts {
            Reply::Done(Vec::new())
        } else {
            Reply::to(&request)
        };
        let mut line = serde_json::to_vec(&Answered { number, reply }).unwrap_or_default();
        line.push(b'\n');
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asked has gone where this fails, and will ask again.
        let _ = answers.write_all(&line);
        if restarts {
            // A guest system's disks are written to. To shut it down as a person would could take minutes of its services' time, and
            // the kernel lets go of its cards here in any case (Linux 6.12 kernel/reboot.c, `kernel_restart_prepare`).
            sync();
            let Err(error) = reboot(RebootMode::RB_AUTOBOOT);
            start::complain(&format!("cannot restart: {error}"));
        }
    };
    thread::Builder::new().spawn(work).map(drop)
}

#[cfg(test)]
pub(super) mod testing {
    use std::io::BufReader;
    use std::os::unix::net::UnixStream;
    use std::sync::{Arc, Mutex};

    /// An agent at the other end of this socket, for as long as the process lives.
    pub(in super::super) fn serve_at(port: UnixStream) {
        let answers = Arc::new(Mutex::new(port.try_clone().unwrap()));
        std::thread::spawn(move || super::serve(&mut BufReader::new(port), &answers));
    }
}
