//! Commands that only look, each with a deadline.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use crate::machine::{Host, Output};

/// `virsh version` wakes libvirt's daemon up, which takes seconds on a slow machine. The others
/// take milliseconds.
const LIMIT: Duration = Duration::from_secs(10);

/// Runs a command; the error says why there is no output.
pub(super) async fn run(host: &dyn Host, argv: &[&str]) -> io::Result<String> {
    let bytes = bytes(host, argv).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// As [`run`], for output that is no text.
pub(super) async fn bytes(host: &dyn Host, argv: &[&str]) -> io::Result<Vec<u8>> {
    let output = timeout(LIMIT, host.run(argv))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    match output {
        Ok(output) if output.success() => Ok(output.stdout),
        Ok(output) => Err(failed(argv, &output)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(io::Error::new(
            error.kind(),
            format!("`{}` is not installed", argv.first().unwrap_or(&"")),
        )),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(io::Error::new(
            error.kind(),
            format!(
                "`{}` did not answer within {} s",
                argv.join(" "),
                LIMIT.as_secs()
            ),
        )),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!("cannot run `{}`: {error}", argv.join(" ")),
        )),
    }
}

/// Only the first line: `virsh` and `ip` repeat themselves in the second.
fn failed(argv: &[&str], output: &Output) -> io::Error {
    let complaint = output.stderr.lines().next().unwrap_or("it said nothing");
    io::Error::other(format!(
        "`{}` ended with {}: {complaint}",
        argv.join(" "),
        output.status
    ))
}
