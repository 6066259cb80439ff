//! The lab host with what it is given: this program and a script.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use harness::guest::{System, manifest_of};
use tempfile::TempDir;
use vm_images::{
    Acceleration, Deadlines, Ended, Image, LabFault, LabSpec, Qemu, Reaction, Session,
};

use super::super::output;
use super::LabArgs;

/// Under emulation on two cores that do other work too, a boot takes a minute and all checks half an hour; a
/// run restarts four times.
const DEADLINES: Deadlines = Deadlines {
    boot: Duration::from_mins(5),
    command: Duration::from_hours(1),
    power_off: Duration::from_mins(2),
};

const CPUS: u32 = 2;
const MEMORY_MIB: u32 = 2048;

/// What a guest system's image is called in the lab.
const GUEST_IMAGE: &str = "guest.qcow2";

/// A lab host that can be booted.
pub(super) struct Machine {
    image: Image,
    qemu: Qemu,
    acceleration: Acceleration,
    fault: Option<LabFault>,
    nvme_vfs: u8,
    payload: TempDir,
    /// The folder for the results.
    pub(super) out: PathBuf,
}

impl Machine {
    /// Builds the image, where there is none yet, and finds out how it can run.
    pub(super) async fn ready(
        args: &LabArgs,
        fault: Option<LabFault>,
        out: &Path,
    ) -> anyhow::Result<Self> {
        let image = Image::ensure(&cache(), output::say).await?;
        let qemu = qemu(args);
        let acceleration = vm_images::choose_acceleration(&image, &qemu).await?;
        output::say(&acceleration.to_string());
        let payload = tempfile::tempdir().context("cannot make a folder for the lab's payload")?;
        Ok(Self {
            image,
            qemu,
            acceleration,
            fault,
            nvme_vfs: args.nvme_vfs,
            payload,
            out: out.to_owned(),
        })
    }

    /// The command that boots it.
    pub(super) fn command(&self, session: Session) -> Vec<String> {
        let acceleration = self.acceleration.clone();
        let spec = spec(
            self.nvme_vfs,
            self.fault,
            acceleration,
            self.payload.path(),
            &self.out,
            session,
        );
        vm_images::command_line(&spec, &self.image, &self.qemu)
    }

    /// The namespaces that a run must leave as they are.
    pub(super) fn keeps(&self) -> Vec<u32> {
        self.fault.map_or(&[][..], LabFault::keeps).to_vec()
    }

    /// Boots it with a script. Where the lab broke, that is said in words a script can look for:
    /// nothing is known of the devices then.
    pub(super) async fn run(
        &self,
        script: &str,
        on_line: impl FnMut(&str) -> Reaction,
    ) -> anyhow::Result<Ended> {
        self.fill(script)?;
        let serial_log = self.out.join("serial.log");
        let command = self.command(Session::Payload {
            serial_log: serial_log.clone(),
        });
        let ended = vm_images::run(&command, &serial_log, self.deadlines(), on_line).await;
        let ended = ended.map_err(|error| anyhow::anyhow!("the lab broke: {error}"))?;
        output::say(&told(&ended));
        Ok(ended)
    }

    /// Gives it a file of that name.
    pub(super) fn give(&self, file: &Path, name: &str) -> anyhow::Result<()> {
        fs::copy(file, self.payload.path().join(name))
            .with_context(|| format!("cannot copy {}", file.display()))?;
        Ok(())
    }

    /// Gives it a file of that name with that text.
    pub(super) fn give_text(&self, text: &str, name: &str) -> anyhow::Result<()> {
        fs::write(self.payload.path().join(name), text)
            .with_context(|| format!("cannot write {name} for the lab"))
    }

    /// A guest system takes minutes to boot there, where a probe guest takes seconds.
    fn deadlines(&self) -> Deadlines {
        let mut deadlines = DEADLINES;
        if self.payload.path().join(GUEST_IMAGE).exists() {
            deadlines.command *= 4;
        }
        deadlines
    }

    /// Gives it a guest system's image, and a manifest that names it there. The emulator of a guest is not root in the lab.
    pub(super) fn give_guest(&self, system: &System) -> anyhow::Result<()> {
        let payload = self.payload.path();
        fs::set_permissions(payload, fs::Permissions::from_mode(0o755))?;
        if fs::hard_link(&system.image, payload.join(GUEST_IMAGE)).is_err() {
            self.give(Path::new(&system.image), GUEST_IMAGE)?;
        }
        let there = System {
            image: format!("/payload/{GUEST_IMAGE}"),
            ..system.clone()
        };
        fs::write(payload.join("manifest.toml"), manifest_of(&there))
            .context("cannot write the lab's manifest")
    }

    /// Gives it this program and a script, which comes after what is done at each boot.
    pub(super) fn fill(&self, script: &str) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("cannot find this program")?;
        self.give(&program, "sriov-certify")?;
        let run = self.payload.path().join("run");
        let spoils = self.fault.map_or("", LabFault::spoils);
        fs::write(
            &run,
            format!("{}{spoils}{script}", include_str!("links.sh")),
        )?;
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }
}

fn told(ended: &Ended) -> String {
    let seconds = |time: Duration| format!("{:.0} s", time.as_secs_f64());
    format!(
        "the lab booted in {}, ran for {} with {} restarts and {} power cuts, and powered off in {}",
        seconds(ended.boot),
        seconds(ended.command),
        ended.restarts,
        ended.power_cuts,
        seconds(ended.power_off)
    )
}

/// The lab host that a caller gets.
pub(super) fn spec(
    nvme_vfs: u8,
    fault: Option<LabFault>,
    acceleration: Acceleration,
    payload: &Path,
    results: &Path,
    session: Session,
) -> LabSpec {
    LabSpec {
        faults: fault.into_iter().collect(),
        acceleration,
        memory_mib: MEMORY_MIB,
        cpus: CPUS,
        nvme_vfs,
        payload: payload.to_owned(),
        results: results.to_owned(),
        session,
    }
}

/// The QEMU that the user named, or the image's own.
pub(super) fn qemu(args: &LabArgs) -> Qemu {
    args.qemu.clone().map_or(Qemu::OfImage, Qemu::Program)
}

/// In the source tree the image goes where all that is built goes.
pub(super) fn cache() -> PathBuf {
    PathBuf::from(if output::in_source_tree() {
        "target/lab"
    } else {
        "/var/cache/sriov-certify"
    })
}
