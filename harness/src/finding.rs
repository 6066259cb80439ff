//! Whose fault it is when a check does not pass, what that means and what to do about it.

use std::fmt;
use std::io;

/// What a check comes to. A pass needs nothing said.
pub type Answer = Result<(), Problem>;

/// Why a check did not pass, and whose fault that is.
#[derive(Debug)]
pub enum Problem {
    /// Something was observed that must not be.
    Found {
        /// The cause.
        finding: &'static Finding,
        /// What came back, in one line.
        message: String,
    },
    /// The bench broke: nothing can be said about the device.
    Bench(anyhow::Error),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { message, .. } => f.write_str(message),
            Self::Bench(error) => write!(f, "{error:#}"),
        }
    }
}

impl Problem {
    /// This finding, where the problem is only that `what` had no answer.
    #[must_use]
    pub fn instead_of_silence(self, finding: &'static Finding, what: &str) -> Self {
        match self {
            Self::Bench(error) if is_silence(&error) => Self::Found {
                finding,
                message: format!("{what}: {error:#}"),
            },
            other => other,
        }
    }

    /// The same, with what was found before it.
    #[must_use]
    pub fn after(self, answer: Answer) -> Self {
        match (self, answer) {
            (
                Self::Found { finding, message },
                Err(Self::Found {
                    message: before, ..
                }),
            ) => Self::Found {
                finding,
                message: format!("{message}; before that: {before}"),
            },
            (problem, _) => problem,
        }
    }
}

fn is_silence(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(
        kind,
        Some(io::ErrorKind::TimedOut | io::ErrorKind::BrokenPipe)
    )
}

/// `?` blames the bench: whatever is not a finding is not the device's fault.
impl<E: Into<anyhow::Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Bench(error.into())
    }
}

/// What an observation means and what to do about it. A constant beside the check that makes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable, kebab-case, unique in the suite.
    pub code: &'static str,
    /// Whom it counts against.
    pub blames: Blames,
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
    /// What to do on RHEL and its relatives.
    pub rhel: &'static str,
    /// What to do on Debian and its relatives.
    pub debian: &'static str,
}

/// Whom a finding counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blames {
    /// The device in its slot: the check has failed.
    Device,
    /// The machine around it: the check is an error, and the verdict inconclusive.
    Bench,
}

impl Finding {
    /// The same advice for every distribution.
    pub const fn device(code: &'static str, meaning: &'static str, remedy: &'static str) -> Self {
        Self {
            code,
            blames: Blames::Device,
            meaning,
            rhel: remedy,
            debian: remedy,
        }
    }

    /// As [`Finding::device`], but counted against the machine.
    pub const fn bench(code: &'static str, meaning: &'static str, remedy: &'static str) -> Self {
        Self {
            code,
            blames: Blames::Bench,
            meaning,
            rhel: remedy,
            debian: remedy,
        }
    }

    /// With other advice for the Debian family.
    #[must_use]
    pub const fn on_debian(mut self, remedy: &'static str) -> Self {
        self.debian = remedy;
        self
    }
}

impl From<&Finding> for reports::Finding {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code.into(),
            meaning: finding.meaning.into(),
            remedy: reports::Remedy {
                rhel: finding.rhel.into(),
                debian: finding.debian.into(),
            },
        }
    }
}

/// Asserts what must hold of the device, and blames it with a [`Finding`] where it does not.
///
/// `require!(bench, condition, FINDING, "asked for {wanted} VFs, found {found}")`: the text says
/// what was observed, so that it reads well in the transcript of a pass and in a failure alike.
#[macro_export]
macro_rules! require {
    ($bench:expr, $condition:expr, $finding:expr, $($text:tt)+) => {
        $bench.assert($condition, &$finding, format!($($text)+))?
    };
}
