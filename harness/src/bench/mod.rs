//! One device on one machine: the only way to change anything, and the promise to undo it.

mod blocks;
mod boot;
mod conditions;
mod console;
mod contract;
mod crowd;
mod disks;
mod driver;
mod echo;
mod emulated;
mod far;
mod functions;
mod guest;
mod inside;
mod kill;
mod link;
mod load;
mod log;
mod look;
mod namespaces;
mod nvme;
mod ordeal;
mod pair;
mod partner;
mod passthrough;
mod persistence;
mod place;
mod presence;
mod primary;
mod process;
mod races;
mod rate;
mod refusal;
mod scratch;
mod second;
mod series;
mod silence;
mod stream;
mod system;
mod undoing;
mod virsh;

use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use nix::errno::Errno;
use reports::{Journal, Run};
use tokio::time::Instant;

pub use blocks::{Disk, Stretch};
pub use contract::Attempt;
pub use crowd::Crowd;
pub use disks::{DISK_REFUSED, DISK_UNUSABLE};
pub use echo::End;
pub use emulated::{EMULATED_REFUSED, EMULATED_UNUSABLE};
pub use far::{FAR_NO_LINK, Far, Way};
pub use functions::{
    FEWER_THAN_ASKED, NO_CONFIGURE, NO_WINDOW, OUT_OF_VECTORS, REFUSED_BY_DRIVER, STILL_ENABLED, Vf,
};
pub use guest::{
    GUEST_EXISTS, GUEST_NOT_STARTED, GUEST_NOT_UP, MODULE_MISSING, MODULE_NOT_LOADED, PORTS,
    Running,
};
pub use inside::{GUEST_LOST, NOT_SEEN};
pub use kill::{Killed, KilledWriter};
pub use link::MacPolicy;
pub use load::Load;
pub use log::Log;
pub use namespaces::ATTACH_REFUSED;
pub use nvme::IDENTIFY_FAILS;
pub use ordeal::{Move, Moved};
pub use pair::STANDBY_REFUSED;
pub use partner::PARTNER_SILENT;
pub use passthrough::HANDOVER_HANGS;
pub use persistence::RESUME_UNIT;
pub use presence::{COUNT_DIFFERS, VFS_REMAIN, listed, named};
pub use process::Memory;
pub use races::Race;
pub use refusal::{DISK_FULL, LIBVIRT_UNAVAILABLE, MEMLOCK, NOT_PERMITTED};
pub use scratch::NOT_CREATED;
pub use second::AtSecond;
pub use series::Series;
pub use silence::{GUEST_ENDED, GUEST_RESTARTED};
pub use stream::{Course, Streamed};
pub use system::{AGENT_SILENT, EXEC_REFUSED, OVERLAY_REFUSED, PROGRAM_REFUSED};

use crate::facts::Facts;
use crate::finding::{Blames, Finding, Problem};
use crate::guest::System;
use crate::machine::{Host, Output};
use crate::pci::Bdf;
use crate::profile::Profile;
use crate::settings::Settings;
use crate::undo::Undo;

use undoing::Pending;

/// How long a single write or command may take before the bench calls it blocked. The slowest
/// known in good health, removing VFs, takes 1 to 3 s; under emulation several times that.
pub const STEP_LIMIT: Duration = Duration::from_secs(30);

/// What each start of a kernel has another of.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// How often a condition is looked at while waiting for it.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A step of the kernel or of a command did not come to an end.
pub const BLOCKED: Finding = Finding::device(
    "kernel-blocked",
    "The kernel did not answer a write within its deadline. A driver waits in the kernel for something that does not happen, \
     such as a guest that does not let go of a VF.",
    "Read the kernel log of this check, end whatever holds the VFs, and reboot the machine if the process stays in state D.",
);

/// One device on one machine.
pub struct Bench {
    /// The machine. Not for checks, whose changes must be promised to be undone.
    pub(crate) host: Rc<dyn Host>,
    /// What is claimed of the device.
    pub profile: Rc<Profile>,
    /// What was read of both before anything was touched.
    pub facts: Rc<Facts>,
    /// What stands in the bench file.
    pub settings: Settings,
    /// The guest system of the guests; without one they are probe guests.
    pub system: Option<System>,
    /// What is written down.
    pub log: Log,
    pending: Vec<Pending>,
    /// The guests of this bench that run, by their letters.
    guests: BTreeMap<char, Running>,
    /// How much of which file of a guest is in the evidence already, in bytes.
    kept: BTreeMap<String, usize>,
    /// Where a device is not any more that was there: whatever is there now is somebody else's.
    left: Vec<Bdf>,
}

impl Bench {
    /// A bench that has changed nothing yet.
    pub fn new(host: Rc<dyn Host>, profile: Rc<Profile>, facts: Rc<Facts>, log: Log) -> Self {
        Self {
            host,
            profile,
            facts,
            settings: Settings::default(),
            system: None,
            log,
            pending: Vec::new(),
            guests: BTreeMap::new(),
            kept: BTreeMap::new(),
            left: Vec::new(),
        }
    }

    /// A bench with changes that an earlier process promised to undo.
    pub fn take_up(
        host: Rc<dyn Host>,
        profile: Rc<Profile>,
        facts: Rc<Facts>,
        journal: Journal,
        run: &Run,
    ) -> anyhow::Result<Self> {
        let pending = run.pending.iter().map(Pending::resumed);
        Ok(Self {
            pending: pending.collect::<anyhow::Result<_>>()?,
            ..Self::new(host, profile, facts, Log::resume(journal, run))
        })
    }

    /// What `require!` does: notes the assertion, and fails the check where it does not hold.
    pub fn assert(
        &mut self,
        holds: bool,
        finding: &'static Finding,
        text: String,
    ) -> Result<(), Problem> {
        self.log.asserted(holds, &text)?;
        if holds {
            Ok(())
        } else {
            Err(Problem::Found {
                finding,
                message: text,
            })
        }
    }

    /// The text of a file, trimmed.
    pub async fn read(&mut self, path: &str) -> Result<String, Problem> {
        let bytes = within(STEP_LIMIT, self.host.read(path))
            .await
            .with_context(|| format!("cannot read {path}"))?;
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        self.log.step(format!("$ cat {path}\n{text}"))?;
        Ok(text)
    }

    /// Writes a file that must take it; a refusal breaks the bench.
    pub(crate) async fn write(
        &mut self,
        path: &str,
        value: &str,
        undo: Undo,
    ) -> Result<(), Problem> {
        let attempt = self.attempt(path, value, undo).await?;
        match attempt.error {
            None => Ok(()),
            Some(errno) => Err(anyhow!("cannot write {value:?} to {path}: {errno}").into()),
        }
    }

    /// Writes a file that may refuse. Only a write that hangs is a problem.
    pub(crate) async fn attempt(
        &mut self,
        path: &str,
        value: &str,
        undo: Undo,
    ) -> Result<Attempt, Problem> {
        let command = written(value, path);
        self.promise(&command, undo)?;
        self.log.step(format!("$ {command}"))?;
        let start = Instant::now();
        let result = within(STEP_LIMIT, self.host.write(path, value.as_bytes())).await;
        self.attempted(&command, start.elapsed(), result)
    }

    fn attempted(
        &mut self,
        command: &str,
        took: Duration,
        result: io::Result<()>,
    ) -> Result<Attempt, Problem> {
        let error = match result {
            Ok(()) => None,
            Err(error) => Some(refusal(command, &error)?),
        };
        let answer = error.map_or("ok".to_owned(), |errno| errno.to_string());
        self.log
            .step(format!("  {answer}, after {:.3} s", took.as_secs_f64()))?;
        Ok(Attempt { error, took })
    }

    /// Runs a command that only looks.
    pub(crate) async fn look(&mut self, argv: &[&str]) -> Result<Output, Problem> {
        self.look_for(STEP_LIMIT, argv).await
    }

    /// As [`Bench::look`], for a command that may take longer.
    async fn look_for(&mut self, limit: Duration, argv: &[&str]) -> Result<Output, Problem> {
        let command = argv.join(" ");
        self.log.step(format!("$ {command}"))?;
        let result = within(limit, self.host.run(argv)).await;
        let output = result.with_context(|| format!("cannot run `{command}`"))?;
        self.log.step(format!(
            "{}{}  exit {}",
            output.text(),
            output.stderr,
            output.status
        ))?;
        Ok(output)
    }

    /// Runs a command that changes something, and must succeed.
    pub(crate) async fn command(&mut self, argv: &[&str], undo: Undo) -> Result<Output, Problem> {
        self.promise(&argv.join(" "), undo)?;
        let output = self.look(argv).await?;
        if output.success() {
            Ok(output)
        } else {
            Err(anyhow!("`{}`: {}", argv.join(" "), output.stderr).into())
        }
    }

    /// Looks until there is something to see, or until the time is over. Never sleeps for an effect.
    pub async fn until<T>(
        &self,
        limit: Duration,
        look: impl AsyncFnMut() -> io::Result<Option<T>>,
    ) -> Result<Option<T>, Problem> {
        self.until_every(LOOK_EVERY, limit, look).await
    }

    /// As [`Bench::until`], with pauses of that length between the looks, for looks that cost something.
    async fn until_every<T>(
        &self,
        pause: Duration,
        limit: Duration,
        mut look: impl AsyncFnMut() -> io::Result<Option<T>>,
    ) -> Result<Option<T>, Problem> {
        let end = Instant::now() + limit;
        loop {
            if let Some(seen) = look().await? {
                return Ok(Some(seen));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// The kernel's answer, where it is one about the device: neither silence nor a closed door.
fn refusal(command: &str, error: &io::Error) -> Result<Errno, Problem> {
    match error.raw_os_error().map(Errno::from_raw) {
        // ETIMEDOUT is an answer and has a number; only our own deadline has none.
        None if error.kind() == io::ErrorKind::TimedOut => Err(blocked(command)),
        None => Err(anyhow!("{command}: {error}").into()),
        Some(errno @ (Errno::EACCES | Errno::EROFS)) => Err(anyhow!(
            "{command}: {errno}; run as root, where /sys is mounted to be written"
        )
        .into()),
        Some(errno) => Ok(errno),
    }
}

fn blocked(command: &str) -> Problem {
    debug_assert_eq!(BLOCKED.blames, Blames::Device);
    let message = format!(
        "`{command}` had no answer within {} s",
        STEP_LIMIT.as_secs()
    );
    Problem::Found {
        finding: &BLOCKED,
        message,
    }
}

async fn within<T>(limit: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, step)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The command that writes a value; where blanks and line ends matter, one that adds none.
fn written(value: &str, path: &str) -> String {
    let plain = !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b":.-_+".contains(&byte));
    if plain {
        format!("echo {value} > {path}")
    } else {
        format!("printf '{}' > {path}", value.escape_default())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use nix::errno::Errno;

    use super::refusal;
    use crate::check::Problem;

    #[test]
    fn the_kernels_answer_is_told_from_silence_and_from_a_closed_door() {
        let of = |errno: Errno| refusal("echo 1 > reset", &io::Error::from(errno));
        assert!(matches!(of(Errno::EBUSY), Ok(Errno::EBUSY)));
        assert!(matches!(of(Errno::ETIMEDOUT), Ok(Errno::ETIMEDOUT)));
        assert!(matches!(of(Errno::EROFS), Err(Problem::Bench(_))));
        let silence = refusal("echo 1 > reset", &io::ErrorKind::TimedOut.into());
        assert!(
            matches!(silence, Err(Problem::Found { finding, .. }) if finding.code == "kernel-blocked")
        );
    }
}
