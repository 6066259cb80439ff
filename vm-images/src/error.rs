//! How a boot of the lab can go wrong. Every one of these blames the bench, never a device.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What happened instead of a finished command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BenchFault {
    /// QEMU itself could not be started or gave up.
    Qemu(String),
    /// The payload did not start within the deadline.
    NotBooted(Duration),
    /// The lab host's kernel panicked.
    Panicked,
    /// The lab host powered off before the payload had ended, or restarted without announcing it.
    Vanished,
    /// The shared folders could not be mounted, so the payload was never run.
    NoShares,
    /// The payload did not end within the deadline.
    NotEnded(Duration),
    /// The payload ended with `status`, but the machine did not power off within the deadline.
    NotPoweredOff {
        /// The exit status of the payload.
        status: i32,
        /// The deadline.
        deadline: Duration,
    },
}

/// A boot of the lab that did not end as it should: one line with the cause and where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabError {
    /// What happened.
    pub fault: BenchFault,
    /// What the lab host's console said, all of it.
    pub serial_log: PathBuf,
    /// The last line of it, or the line of the panic.
    pub last_line: String,
}

impl fmt::Display for BenchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qemu(reason) => write!(f, "QEMU does not run: {reason}"),
            Self::NotBooted(deadline) => write!(
                f,
                "the lab host did not boot within {} s",
                deadline.as_secs()
            ),
            Self::Panicked => write!(f, "the lab host's kernel panicked"),
            Self::Vanished => write!(
                f,
                "the lab host went down before its command ended, or restarted by itself"
            ),
            Self::NoShares => write!(f, "the lab host could not mount the shared folders"),
            Self::NotEnded(deadline) => {
                write!(f, "the command did not end within {} s", deadline.as_secs())
            }
            Self::NotPoweredOff { status, deadline } => {
                let waited = deadline.as_secs();
                write!(
                    f,
                    "the command ended with status {status}, but the lab host did not power off within {waited} s"
                )
            }
        }
    }
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bench broke, not the device: {}; ", self.fault)?;
        if self.last_line.is_empty() {
            write!(f, "its console said nothing")?;
        } else {
            write!(f, "its console last said `{}`", self.last_line)?;
        }
        write!(f, "; see {}", self.serial_log.display())
    }
}

impl std::error::Error for LabError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_names_bench_cause_and_log() {
        let error = LabError {
            fault: BenchFault::NotBooted(Duration::from_mins(2)),
            serial_log: "out/serial.log".into(),
            last_line: "systemd[1]: Reached target basic.target".into(),
        };
        insta::assert_snapshot!(error, @"the bench broke, not the device: the lab host did not boot within 120 s; its console last said `systemd[1]: Reached target basic.target`; see out/serial.log");
    }

    #[test]
    fn a_silent_console_is_said_to_be_silent() {
        let error = LabError {
            fault: BenchFault::NotPoweredOff {
                status: 1,
                deadline: Duration::from_mins(1),
            },
            serial_log: "serial.log".into(),
            last_line: String::new(),
        };
        insta::assert_snapshot!(error, @"the bench broke, not the device: the command ended with status 1, but the lab host did not power off within 60 s; its console said nothing; see serial.log");
    }
}
