//! A guest system from an image, in verbs: what it is made of, and how this program comes into it.

use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::time::Instant;

use super::guest::{BOOT_LIMIT, GUEST_NOT_UP, unwritten};
use super::refusal::{machine_at_fault, refused};
use super::virsh::VIRSH_LIMIT;
use super::{Bench, STEP_LIMIT, within};
use crate::check::Check;
use crate::finding::{Finding, Problem};
use crate::guest::{Domain, Files, PING, Started, System, asks, program, starts};
use crate::machine::Output;

/// How long a guest system may take from its start to its agent's first answer. A server's distribution takes half a minute
/// under KVM; under KVM in an emulated machine that is busy otherwise a small one took three to six minutes.
const SYSTEM_BOOT_LIMIT: Duration = Duration::from_mins(10);

/// How often a check waits for a boot at most: three guests that are started twice each, or two and a restart.
const BOOTS: u32 = 6;

/// The memory of a probe guest in MiB: for the kernel, its initramfs twice while it is unpacked, and the agent.
const PROBE_MEMORY: u32 = 256;

/// What a disk is made of, in bytes.
const SECTOR: usize = 512;

/// How often qemu-guest-agent is asked while something is waited for.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// How long qemu-guest-agent may take to answer, in seconds, for libvirt. It answers everything at once.
const ANSWER_LIMIT: &str = "10";

/// A guest's disk cannot be made.
pub const OVERLAY_REFUSED: Finding = Finding::bench(
    "guest-disk-not-made",
    "The disk of a guest, an overlay over the image that the manifest names, could not be made.",
    "Read what `qemu-img` says in the report; where it is missing, `dnf install qemu-img`.",
)
.on_debian(
    "Read what `qemu-img` says in the report; where it is missing, `apt install qemu-utils`.",
);
/// The guest system's agent does not answer.
pub const AGENT_SILENT: Finding = Finding::bench(
    "guest-agent-silent",
    "The guest system from the image was started twice, and its qemu-guest-agent answered neither time.",
    "Read the guest's console in the transcript. In the image qemu-guest-agent must be installed and start by itself, and the image must boot by BIOS. Where this machine is itself virtual, nested virtualization may be at fault.",
);
/// The guest system's agent starts no programs.
pub const EXEC_REFUSED: Finding = Finding::bench(
    "guest-exec-refused",
    "The guest system's qemu-guest-agent answers, but does not start programs (guest-exec). RHEL's does not unless it is told to.",
    "In the image allow guest-exec and guest-exec-status: in RHEL's /etc/sysconfig/qemu-ga take both from BLOCK_RPCS, or add both to --allow-rpcs of FILTER_RPC_ARGS, whichever stands there; elsewhere look at block-rpcs and allow-rpcs in /etc/qemu/qemu-ga.conf. Then pin the image's new sha256.",
);
/// The guest system does not run this program.
pub const PROGRAM_REFUSED: Finding = Finding::bench(
    "guest-program-refused",
    "The guest system's qemu-guest-agent was asked to copy this program from its disk and to start it, and could not.",
    "Read what it said in the report. SELinux confines the agent: in a RHEL image run `semanage permissive -a virt_qemu_ga_t`. Else one of /run, /dev/shm, /var/tmp and /root must not be mounted noexec, and udev must run. Then pin the image's new sha256.",
);

/// Why a guest is not up, where another start may help.
pub(super) type NotUp = &'static Finding;

impl Bench {
    /// The memory of each guest in MiB.
    pub fn guest_memory(&self) -> u32 {
        let system = self.system.as_ref();
        system.map_or(PROBE_MEMORY, |system| system.memory)
    }

    /// How long a guest may take from its start to the first answer of this program in it.
    pub(super) fn boot_limit(&self) -> Duration {
        match self.system {
            Some(_) => SYSTEM_BOOT_LIMIT,
            None => BOOT_LIMIT,
        }
    }

    /// The longest that a part of a check may take. Limits are those with probe guests.
    pub(crate) fn time_limit(&self, check: &Check) -> Duration {
        check.limit + BOOTS * self.boot_limit().saturating_sub(BOOT_LIMIT)
    }

    /// Puts this program on a disk for the guest.
    pub(super) async fn put_program(&mut self, domain: &Domain) -> Result<(), Problem> {
        let mut program = program(self.host.as_ref())
            .await
            .context("cannot give a guest this program")?;
        program.resize(program.len().next_multiple_of(SECTOR), 0);
        let path = Files::of(&domain.name).program;
        self.log
            .step(format!("# {path} is this program, padded to whole sectors"))?;
        let put = within(STEP_LIMIT, self.host.put(&path, Some(&program))).await;
        put.map_err(|error| unwritten(&path, &error))
    }

    /// Gives a guest that rests an untouched disk, where it has one: what an earlier start left, or an end without shutdown, is
    /// gone.
    pub(super) async fn renew_disk(&mut self, name: &str) -> Result<(), Problem> {
        let Some(System { image, .. }) = self.system.clone() else {
            return Ok(());
        };
        let overlay = Files::of(name).overlay;
        let argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2"];
        let argv = [&argv[..], &["-b", &image, &overlay]].concat();
        let command = argv.join(" ");
        self.log.step(format!("$ {command}"))?;
        let made = within(STEP_LIMIT, self.host.run(&argv)).await;
        let why = match made {
            Ok(output) if output.success() => return Ok(()),
            Ok(output) => output.stderr,
            Err(error) => error.to_string(),
        };
        Err(Problem::Found {
            finding: machine_at_fault(&why).unwrap_or(&OVERLAY_REFUSED),
            message: format!("`{command}`: {why}"),
        })
    }

    /// Starts this program in a guest system, once its agent answers. `left` is the boot that it must have left.
    pub(super) async fn bring_up(
        &mut self,
        name: &str,
        left: &str,
        end: Instant,
    ) -> Result<Result<(), NotUp>, Problem> {
        let starts = starts(&self.profile.driver.vf, left);
        let mut why: NotUp = &AGENT_SILENT;
        loop {
            if self.agent_answers(name, end).await? {
                why = &GUEST_NOT_UP;
                if self.is_started(name, &starts, end).await? {
                    return Ok(Ok(()));
                }
            }
            if Instant::now() >= end {
                return Ok(Err(why));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Waits until qemu-guest-agent answers, or until the time is over.
    async fn agent_answers(&mut self, name: &str, end: Instant) -> Result<bool, Problem> {
        let argv = agent_command(name, PING);
        let host = self.host.clone();
        let start = Instant::now();
        let limit = end.saturating_duration_since(start);
        let answer = self
            .until_every(ASK_EVERY, limit, async || {
                let output = within(VIRSH_LIMIT, host.run(&argv)).await?;
                Ok(output.success().then_some(()))
            })
            .await?;
        let seconds = start.elapsed().as_secs();
        let answered = if answer.is_some() {
            "answered"
        } else {
            "no answer"
        };
        self.log.step(format!(
            "$ virsh qemu-agent-command {name} '{PING}'\n{answered} after {seconds} s"
        ))?;
        Ok(answer.is_some())
    }

    /// Asks qemu-guest-agent to start this program. Where the guest goes down meanwhile, it is to be asked anew.
    async fn is_started(
        &mut self,
        name: &str,
        starts: &str,
        end: Instant,
    ) -> Result<bool, Problem> {
        let begun = self.ask_agent(name, starts).await?;
        if !begun.success() {
            return refuses(&begun);
        }
        let asks = asks(&begun.text())?;
        let Some(status) = self.until_exited(name, &asks, end).await? else {
            return Ok(false);
        };
        self.says(name, &asks, &status)?;
        match Started::parse(&status.text())? {
            Started::Yes(said) => {
                self.log.step(format!("  started; it said {said:?}"))?;
                Ok(true)
            }
            Started::No(why) => Err(Problem::Found {
                finding: &PROGRAM_REFUSED,
                message: format!("{name}: {why}"),
            }),
            Started::NotYet | Started::SameBoot => Ok(false),
        }
    }

    /// Waits until what qemu-guest-agent has started has come to its end. Nothing comes of it where the agent goes away.
    async fn until_exited(
        &self,
        name: &str,
        asks: &str,
        end: Instant,
    ) -> Result<Option<Output>, Problem> {
        let argv = agent_command(name, asks);
        let limit = end.saturating_duration_since(Instant::now());
        let ended = self
            .until_every(ASK_EVERY, limit, async || {
                let status = within(VIRSH_LIMIT, self.host.run(&argv)).await?;
                let goes_on = status.success() && is_at_it(&status)?;
                Ok((!goes_on).then_some(status))
            })
            .await?;
        Ok(ended.filter(Output::success))
    }

    async fn ask_agent(&mut self, name: &str, question: &str) -> Result<Output, Problem> {
        let output = within(VIRSH_LIMIT, self.host.run(&agent_command(name, question))).await;
        let output = output.map_err(|error| anyhow!("cannot run `virsh`: {error}"))?;
        self.says(name, question, &output)?;
        Ok(output)
    }

    fn says(&mut self, name: &str, question: &str, output: &Output) -> anyhow::Result<()> {
        let (answer, error) = (output.text(), &output.stderr);
        let answer = answer.trim_end();
        self.log.step(format!(
            "$ virsh qemu-agent-command {name} '{question}'\n{answer}{error}"
        ))
    }
}

/// Whether what was started has not come to its end.
fn is_at_it(status: &Output) -> io::Result<bool> {
    let started = Started::parse(&status.text()).map_err(io::Error::other)?;
    Ok(started == Started::NotYet)
}

fn agent_command<'a>(name: &'a str, question: &'a str) -> [&'a str; 6] {
    let verb = "qemu-agent-command";
    ["virsh", verb, name, question, "--timeout", ANSWER_LIMIT]
}

/// What qemu-guest-agent has refused, and not the machine, nor a guest that is on its way down.
fn refuses(output: &Output) -> Result<bool, Problem> {
    // libvirt src/qemu/qemu_agent.c, `qemuAgentCheckError`, with the agent's own words.
    if !output
        .stderr
        .contains("unable to execute QEMU agent command")
    {
        return Ok(false);
    }
    Err(Problem::Found {
        finding: &EXEC_REFUSED,
        message: refused(&["qemu-agent-command", "guest-exec"], output),
    })
}
