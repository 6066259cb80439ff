//! Guests, in verbs: start one.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::time::{Instant, timeout};

use super::{Bench, STEP_LIMIT, within};
use crate::finding::{Finding, Problem};
use crate::guest::{Domain, Files, Image, Unpackable, pack};
use crate::machine::{Host, Output};
use crate::undo::Undo;

/// How long a guest may take from its start to its agent's first answer. One that runs under KVM
/// takes a second or two; under KVM in an emulated machine 10 to 20 s were seen.
const BOOT_LIMIT: Duration = Duration::from_secs(90);

/// How long `virsh` may take. Under KVM in an emulated machine that is busy otherwise, `start` took 25 s.
const VIRSH_LIMIT: Duration = Duration::from_mins(2);

/// In MiB: for the kernel, its initramfs twice while it is unpacked, and the agent.
const MEMORY: u32 = 256;

/// How much of a console or a log goes into the evidence, in bytes from its end.
const LOG_TAIL: usize = 16 * 1024;

/// libvirt does not start a guest.
pub const GUEST_NOT_STARTED: Finding = Finding::bench(
    "guest-not-started",
    "libvirt refused to define or to start the probe guest, before any VF was handed to it.",
    "Read libvirt's reason in the report; `virt-host-validate qemu` names what this machine lacks, `journalctl -u libvirtd` says more.",
);
/// A guest does not come up.
pub const GUEST_NOT_UP: Finding = Finding::bench(
    "guest-not-up",
    "The probe guest was started twice, and its agent answered neither time. It had no VF yet.",
    "Read the guest's console in the transcript. Where this machine is itself virtual, nested virtualization may be at fault.",
);
/// The running kernel does not have a module.
pub const MODULE_MISSING: Finding = Finding::bench(
    "guest-module-missing",
    "The probe guest runs this machine's own kernel, and that kernel does not have the driver the guest needs.",
    "Install the package of the running kernel that holds the module (kernel-modules, kernel-modules-extra), or boot a kernel that has it.",
)
.on_debian("Install the complete linux-image package of the running kernel, or boot a kernel that has the module.");

/// The findings of a check that starts guests.
#[macro_export]
macro_rules! guest_findings {
    ($($own:expr),+ $(,)?) => {
        $crate::creation_findings![
            $crate::bench::GUEST_NOT_STARTED,
            $crate::bench::GUEST_NOT_UP,
            $crate::bench::MODULE_MISSING,
            $($own),+
        ]
    };
}

/// A guest of this bench that runs.
pub struct Running {
    domain: Domain,
    pub(super) host: Rc<dyn Host>,
}

impl Running {
    /// What libvirt calls it.
    pub fn name(&self) -> &str {
        &self.domain.name
    }
}

impl Bench {
    /// Starts a guest with no device but its agent's port, and with modules of the running kernel.
    /// `letter` tells it from other guests of the same check.
    pub async fn start_guest(
        &mut self,
        letter: char,
        modules: &[&str],
    ) -> Result<Running, Problem> {
        let domain = self.domain(letter);
        let undo = Undo::Guest {
            name: domain.name.clone(),
        };
        self.promise(&format!("virsh define {}", domain.name), undo)?;
        self.furnish(&domain, modules).await?;
        self.must_take(&["define", &Files::of(&domain.name).definition])
            .await?;
        for attempt in 1..=2 {
            self.must_take(&["start", &domain.name]).await?;
            if let Some(host) = self.answers(&domain).await? {
                return Ok(Running { domain, host });
            }
            self.log.note(format!(
                "{} did not come up at start {attempt}",
                domain.name
            ))?;
            self.guests_evidence().await?;
            self.must_take(&["destroy", &domain.name]).await?;
        }
        let message = format!(
            "{} did not answer within {} s, twice",
            domain.name,
            BOOT_LIMIT.as_secs()
        );
        Err(Problem::Found {
            finding: &GUEST_NOT_UP,
            message,
        })
    }

    fn domain(&self, letter: char) -> Domain {
        Domain {
            name: format!("{}{letter}", self.guest_prefix()),
            memory: MEMORY,
            spare_ports: 2,
        }
    }

    /// How the names of all guests of this device begin, and of no other guests.
    fn guest_prefix(&self) -> String {
        format!("sriov-certify-{}-", self.pf().to_string().replace(':', "-"))
    }

    /// Guests of this device that libvirt still knows.
    pub(crate) async fn lasting_guests(&self) -> Vec<String> {
        if self.facts.host.virtualization.libvirt.is_none() {
            return Vec::new();
        }
        let argv = ["virsh", "list", "--name", "--all"];
        match within(VIRSH_LIMIT, self.host.run(&argv)).await {
            Ok(output) if output.success() => {
                let (text, prefix) = (output.text(), self.guest_prefix());
                let ours = text.lines().filter(|name| name.starts_with(&prefix));
                ours.map(|name| format!("the guest {name} is still there"))
                    .collect()
            }
            Ok(output) => vec![format!(
                "cannot tell which guests there are: {}",
                output.stderr
            )],
            Err(error) => vec![format!("cannot tell which guests there are: {error}")],
        }
    }

    /// Puts what the guest starts with on disk, and its description.
    async fn furnish(&mut self, domain: &Domain, modules: &[&str]) -> Result<(), Problem> {
        let release = self.facts.host.kernel.clone();
        let start = Instant::now();
        let Image { kernel, initramfs } = match pack(self.host.as_ref(), &release, modules).await {
            Ok(image) => image,
            Err(Unpackable::File(error)) => {
                return Err(anyhow!("cannot pack a guest: {error}").into());
            }
            Err(Unpackable::Module(module)) => {
                let message = format!("{module} (kernel {release})");
                return Err(Problem::Found {
                    finding: &MODULE_MISSING,
                    message,
                });
            }
        };
        self.log.timed("packing a guest".into(), start.elapsed());
        let files = Files::of(&domain.name);
        self.log.step(format!(
            "# {} of kernel {release} with the modules {}",
            files.initramfs,
            modules.join(" ")
        ))?;
        for (path, content) in [(files.kernel, kernel), (files.initramfs, initramfs)] {
            within(STEP_LIMIT, self.host.put(&path, Some(&content)))
                .await
                .with_context(|| format!("cannot write {path}"))?;
        }
        self.keep(&files.definition, &domain.xml()).await
    }

    /// Runs `virsh`, whatever libvirt makes of it.
    pub(super) async fn virsh(&mut self, words: &[&str]) -> Result<Output, Problem> {
        self.look_for(VIRSH_LIMIT, &[&["virsh"], words].concat())
            .await
    }

    /// Runs `virsh` on a guest that has no VF yet, so that nothing but the machine can be at fault.
    async fn must_take(&mut self, words: &[&str]) -> Result<(), Problem> {
        let output = self.virsh(words).await?;
        if output.success() {
            return Ok(());
        }
        let message = format!("`virsh {}`: {}", words.join(" "), output.stderr);
        Err(Problem::Found {
            finding: &GUEST_NOT_STARTED,
            message,
        })
    }

    /// Waits for the guest's agent.
    async fn answers(&mut self, domain: &Domain) -> Result<Option<Rc<dyn Host>>, Problem> {
        let start = Instant::now();
        let told = self.told(&domain.name, false).await?;
        let socket = told
            .socket
            .context("libvirt tells no socket of the guest's port")?;
        let host = self
            .host
            .guest(&socket)
            .await
            .context("cannot reach the guest's port")?;
        let boot = timeout(BOOT_LIMIT, host.read("/proc/uptime")).await;
        let Ok(Ok(uptime)) = boot else {
            return Ok(None);
        };
        self.log.timed("booting a guest".into(), start.elapsed());
        let uptime = String::from_utf8_lossy(&uptime).trim().to_owned();
        self.log
            .step(format!("{}$ cat /proc/uptime\n{uptime}", domain.name))?;
        Ok(Some(host))
    }

    /// Keeps what all guests of the running check have left on their consoles, and what libvirt and
    /// its emulator have logged of them.
    pub(crate) async fn guests_evidence(&mut self) -> Result<(), Problem> {
        let undos = self.pending.iter().map(|pending| &pending.undo);
        let guests = undos.filter_map(|undo| match undo {
            Undo::Guest { name } => Some(Files::of(name)),
            _ => None,
        });
        for Files { console, log, .. } in guests.collect::<Vec<_>>() {
            self.tail(&console).await?;
            self.tail(&log).await?;
        }
        Ok(())
    }

    async fn tail(&mut self, path: &str) -> Result<(), Problem> {
        let text = match within(STEP_LIMIT, self.host.read(path)).await {
            Ok(bytes) => {
                String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_TAIL)..]).into_owned()
            }
            Err(error) => format!("({error})"),
        };
        Ok(self
            .log
            .step(format!("$ tail -c {LOG_TAIL} {path}\n{text}"))?)
    }
}
