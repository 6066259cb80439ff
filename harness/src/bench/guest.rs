//! Guests, in verbs: have one, start it, end it.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, timeout_at};

use super::refusal::DISK_FULL;
use super::system::NotUp;
use super::{BOOT_ID, Bench, STEP_LIMIT, within};
use crate::finding::{Finding, Problem};
use crate::guest::{Domain, Files, Image, Unpackable, pack};
use crate::machine::{Host, Output};
use crate::profile::Kind;
use crate::undo::Undo;

/// How long a probe guest may take from its start to its agent's first answer. One that runs under KVM
/// takes a second or two; under KVM in an emulated machine 10 to 20 s were seen.
pub(super) const BOOT_LIMIT: Duration = Duration::from_secs(90);

/// How many VFs a guest can have at once.
pub const PORTS: u8 = 8;

/// What a guest needs beside the VF's driver: for its agent's port, which is a module on RHEL 9, and for its balloon.
const VIRTIO: [&str; 3] = ["virtio_pci", "virtio_console", "virtio_balloon"];
/// What it has where the kernel does: kernels for virtual machines leave it out.
const USEFUL: [&str; 1] = ["e1000e"];

/// libvirt does not start a guest.
pub const GUEST_NOT_STARTED: Finding = Finding::bench(
    "guest-not-started",
    "libvirt refused to define or to start the guest, before any VF was handed to it.",
    "Read libvirt's reason in the report; `virt-host-validate qemu` names what this machine lacks, `journalctl -u libvirtd` says more.",
);
/// A guest does not come up.
pub const GUEST_NOT_UP: Finding = Finding::bench(
    "guest-not-up",
    "The guest was started twice, and sriov-certify in it answered neither time; or it answers no longer.",
    "Read the guest's console in the transcript. Where this machine is itself virtual, nested virtualization may be at fault.",
);
/// The running kernel does not have a module.
pub const MODULE_MISSING: Finding = Finding::bench(
    "guest-module-missing",
    "The probe guest runs this machine's own kernel, and that kernel does not have a driver that the guest needs.",
    "Install the package of the running kernel that holds the module (kernel-modules, kernel-modules-extra), or boot a kernel that has it.",
)
.on_debian("Install the complete linux-image package of the running kernel, or boot a kernel that has the module.");

/// A module is there, but the guest's kernel has no such driver.
pub const MODULE_NOT_LOADED: Finding = Finding::bench(
    "guest-module-not-loaded",
    "The guest was told to load the module of the VF's driver, but its kernel does not have the driver. It had no VF yet.",
    "Read the guest's console in the transcript: the reason stands there, such as a symbol of a module that was not packed. A guest system from an image must bring the driver itself; what its `modprobe` said is in the transcript.",
);
/// Somebody else has a guest of that name.
pub const GUEST_EXISTS: Finding = Finding::bench(
    "guest-exists",
    "libvirt knows a guest by the name of a guest of ours already, and it is not of this run. It was left alone.",
    "Run `sriov-certify restore`, which removes the guests of runs that did not come to their end; else remove it by hand: `virsh destroy`, `virsh undefine`.",
);

/// The findings of a check that starts guests.
#[macro_export]
macro_rules! guest_findings {
    ($($own:expr),+ $(,)?) => {
        $crate::creation_findings![
            $crate::bench::GUEST_NOT_STARTED,
            $crate::bench::GUEST_NOT_UP,
            $crate::bench::OVERLAY_REFUSED,
            $crate::bench::AGENT_SILENT,
            $crate::bench::EXEC_REFUSED,
            $crate::bench::PROGRAM_REFUSED,
            $crate::bench::GUEST_EXISTS,
            $crate::bench::GUEST_RESTARTED,
            $crate::bench::MEMLOCK,
            $crate::bench::NOT_PERMITTED,
            $crate::bench::LIBVIRT_UNAVAILABLE,
            $crate::bench::DISK_FULL,
            $crate::bench::MODULE_MISSING,
            $crate::bench::MODULE_NOT_LOADED,
            $($own),+
        ]
    };
}

/// A guest of this bench that runs.
#[derive(Clone)]
pub struct Running {
    name: String,
    pub(super) host: Rc<dyn Host>,
    /// The boot that its kernel is at.
    pub(super) boot: String,
}

impl Running {
    /// What libvirt calls it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Bench {
    /// A guest that runs, without any VF. `letter` tells it from others. The checks of an area share
    /// it one after the other: the first starts it, and each takes back what it gave to it.
    pub async fn guest(&mut self, letter: char) -> Result<Running, Problem> {
        if let Some(guest) = self.guests.get(&letter).cloned() {
            // It was ended where it did not let go of a VF.
            if self.state_of(&guest.name).await? == "running" {
                self.still_answers(&guest).await?;
                return Ok(guest);
            }
        }
        self.resting_guest(letter).await?;
        self.start_guest(letter, &GUEST_NOT_STARTED).await
    }

    /// A guest that libvirt knows, but that does not run. Returns its name.
    pub async fn resting_guest(&mut self, letter: char) -> Result<String, Problem> {
        let domain = self.domain(letter);
        let undo = Undo::Guest {
            name: domain.name.clone(),
        };
        if self.is_promised(&undo) {
            self.end_guest(&domain.name).await?;
        } else {
            self.is_new(&domain.name).await?;
            self.promise(&format!("virsh define {}", domain.name), undo)?;
            self.furnish(&domain).await?;
            self.must_take(&["define", &Files::of(&domain.name).definition])
                .await?;
        }
        self.guests.remove(&letter);
        Ok(domain.name)
    }

    /// What is to be removed in the end must be ours.
    async fn is_new(&mut self, name: &str) -> Result<(), Problem> {
        let listed = self.must_take(&["list", "--name", "--all"]).await?;
        if listed.text().lines().all(|other| other.trim() != name) {
            return Ok(());
        }
        Err(Problem::Found {
            finding: &GUEST_EXISTS,
            message: format!("{name} exists already"),
        })
    }

    /// Ends a guest that has not ended by itself.
    async fn end_guest(&mut self, name: &str) -> Result<(), Problem> {
        if self.state_of(name).await? != "shut off" {
            let output = self.hand(&["destroy", name]).await?;
            if !output.success() {
                return Err(anyhow!("`virsh destroy {name}`: {}", output.stderr).into());
            }
        }
        Ok(())
    }

    /// Starts a guest that rests, with what it was given meanwhile. A guest that does not come up is
    /// started once more, and the report says so. `refused` is what it means that libvirt does not
    /// start it.
    pub async fn start_guest(
        &mut self,
        letter: char,
        refused: &'static Finding,
    ) -> Result<Running, Problem> {
        let name = self.domain(letter).name;
        let mut why: NotUp = &GUEST_NOT_UP;
        for attempt in 1..=2 {
            self.renew_disk(&name).await?;
            self.virsh_or(refused, &["start", &name]).await?;
            match self.answers(&name).await? {
                Ok(host) => {
                    let boot = boot_of(&name, host.as_ref()).await?;
                    let guest = Running { name, host, boot };
                    self.has_driver(&guest).await?;
                    self.guests.insert(letter, guest.clone());
                    return Ok(guest);
                }
                Err(finding) => why = finding,
            }
            self.log
                .note(format!("{name} did not come up at start {attempt}"))?;
            self.guests_evidence().await?;
            self.end_guest(&name).await?;
        }
        let limit = self.boot_limit().as_secs();
        let message = format!("{name} did not answer within {limit} s, twice");
        Err(Problem::Found {
            finding: why,
            message,
        })
    }

    /// Tries to start a guest that rests, whatever comes of it. Its agent is not waited for.
    pub async fn attempt_start(&mut self, letter: char) -> Result<Output, Problem> {
        let name = self.domain(letter).name;
        self.renew_disk(&name).await?;
        self.try_out(&["start", &name]).await
    }

    /// Takes note that a guest runs no longer, by what a check did to it.
    pub(super) fn has_ended(&mut self, guest: &Running) {
        self.guests.retain(|_, other| other.name != guest.name);
    }

    fn domain(&self, letter: char) -> Domain {
        Domain {
            name: format!("{}{letter}", self.guest_prefix()),
            memory: self.guest_memory(),
            image: self.system.as_ref().map(|system| system.image.clone()),
            spare_ports: PORTS,
        }
    }

    /// How the names of all guests of this device begin, and of no other guests.
    pub(super) fn guest_prefix(&self) -> String {
        format!("sriov-certify-{}-", self.pf().to_string().replace(':', "-"))
    }

    /// Puts what the guest starts with on disk, and its description.
    async fn furnish(&mut self, domain: &Domain) -> Result<(), Problem> {
        if self.system.is_some() {
            self.put_program(domain).await?;
        } else {
            self.put_kernel(domain).await?;
        }
        let files = Files::of(&domain.name);
        self.keep(&files.definition, &domain.xml()).await
    }

    /// Puts this machine's kernel on disk, with an initramfs.
    async fn put_kernel(&mut self, domain: &Domain) -> Result<(), Problem> {
        let driver = self.profile.driver.vf.clone();
        let modules = [&[driver.as_str(), rival(self.profile.kind)], &VIRTIO[..]].concat();
        let release = self.facts.host.kernel.clone();
        let start = Instant::now();
        let packed = pack(self.host.as_ref(), &release, &modules, &USEFUL).await;
        let Image { kernel, initramfs } = match packed {
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
            let put = within(STEP_LIMIT, self.host.put(&path, Some(&content))).await;
            put.map_err(|error| unwritten(&path, &error))?;
        }
        Ok(())
    }

    /// Waits for the agent of a guest that has just been started.
    async fn answers(&mut self, name: &str) -> Result<Result<Rc<dyn Host>, NotUp>, Problem> {
        let start = Instant::now();
        let end = start + self.boot_limit();
        // Without either the emulator has ended already.
        let Some(socket) = self.told(name, false).await?.socket else {
            return Ok(Err(&GUEST_NOT_UP));
        };
        let Ok(host) = self.host.guest(&socket).await else {
            return Ok(Err(&GUEST_NOT_UP));
        };
        if self.system.is_some()
            && let Err(why) = self.bring_up(name, "", end).await?
        {
            return Ok(Err(why));
        }
        let Ok(Ok(uptime)) = timeout_at(end, host.read("/proc/uptime")).await else {
            return Ok(Err(&GUEST_NOT_UP));
        };
        self.log.timed("booting a guest".into(), start.elapsed());
        let uptime = String::from_utf8_lossy(&uptime).trim().to_owned();
        self.log
            .step(format!("{name}$ cat /proc/uptime\n{uptime}"))?;
        Ok(Ok(host))
    }

    /// A guest without the VF's driver would be blamed on the VF.
    async fn has_driver(&mut self, guest: &Running) -> Result<(), Problem> {
        let folder = format!("/sys/bus/pci/drivers/{}", self.profile.driver.vf);
        match within(STEP_LIMIT, guest.host.list(&folder)).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Problem::Found {
                finding: &MODULE_NOT_LOADED,
                message: format!("{} has no {folder}", guest.name),
            }),
            Err(error) => Err(Problem::from(error)
                .instead_of_silence(&GUEST_NOT_UP, &format!("{} answers no longer", guest.name))),
        }
    }

    /// A guest that an earlier check has left silent would be blamed on the device of this one.
    async fn still_answers(&mut self, guest: &Running) -> Result<(), Problem> {
        match within(STEP_LIMIT, guest.host.read("/proc/uptime")).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Problem::Found {
                finding: &GUEST_NOT_UP,
                message: format!("{} answers no longer: {error}", guest.name),
            }),
        }
    }
}

/// The driver of the device that libvirt emulates fastest in place of a VF.
fn rival(kind: Kind) -> &'static str {
    match kind {
        Kind::Nic => "virtio_net",
        Kind::Nvme => "virtio_blk",
    }
}

/// What tells this boot of a guest's kernel from any other.
async fn boot_of(name: &str, guest: &dyn Host) -> Result<String, Problem> {
    let boot = within(STEP_LIMIT, guest.read(BOOT_ID)).await;
    let boot = boot.map_err(|error| {
        Problem::from(error).instead_of_silence(&GUEST_NOT_UP, &format!("{name} answers no longer"))
    })?;
    Ok(String::from_utf8_lossy(&boot).trim().to_owned())
}

pub(super) fn unwritten(path: &str, error: &io::Error) -> Problem {
    let message = format!("cannot write {path}: {error}");
    if error.kind() == io::ErrorKind::StorageFull {
        Problem::Found {
            finding: &DISK_FULL,
            message,
        }
    } else {
        anyhow!(message).into()
    }
}
