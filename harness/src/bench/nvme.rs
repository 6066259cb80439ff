//! The `NVMe` controller of the device, in verbs.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::{Bench, STEP_LIMIT, within};
use crate::facts::{self, read};
use crate::finding::{Finding, Problem};
use crate::machine::{Host, Output};
use crate::nvme::{
    IdentifyController, Malformed, PrimaryCapabilities, Question, SecondaryController, Status,
    Virtualization, secondary_controllers,
};
use crate::pci::Bdf;
use crate::sysfs;
use crate::undo::Undo;

/// How long a controller may be at its first commands once its driver has bound: each may take a minute (Linux 6.12
/// drivers/nvme/host/core.c, `admin_timeout`), and takes milliseconds.
const LIVE: Duration = Duration::from_mins(1);

/// The controller does not say what it is.
pub const IDENTIFY_FAILS: Finding = Finding::device(
    "nvme-identify-fails",
    "The controller refuses to say what it is or what it has, or its answer is none that the specification knows.",
    "Repeat the command of the transcript with `--output-format=normal`; update the controller's firmware.",
);

impl Bench {
    /// What the controller says of itself.
    pub async fn identify_controller(&mut self) -> Result<IdentifyController, Problem> {
        let bytes = self.ask(Question::Controller).await?;
        self.understood(IdentifyController::decode(&bytes))
    }

    /// What it has to give to secondary controllers.
    pub async fn primary_capabilities(&mut self) -> Result<PrimaryCapabilities, Problem> {
        let bytes = self.ask(Question::PrimaryCapabilities).await?;
        self.understood(PrimaryCapabilities::decode(&bytes))
    }

    /// Its secondary controllers, in their order.
    pub async fn secondaries(&mut self) -> Result<Vec<SecondaryController>, Problem> {
        let bytes = self.ask(Question::SecondaryControllers).await?;
        let all = secondary_controllers(&bytes);
        let told = all.as_ref().ok().map(|all| {
            let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
            lines.join("\n")
        });
        self.log.step(told.unwrap_or_default())?;
        all.map_err(|error| fails(&error))
    }

    /// Tells the controller to manage a secondary one. Returns how it refused, where it did.
    pub async fn virtualize(&mut self, command: Virtualization) -> Result<Option<Status>, Problem> {
        self.virtualize_by(self.pf(), command).await
    }

    /// The same told to the controller of any function of this device.
    pub async fn virtualize_by(
        &mut self,
        function: Bdf,
        command: Virtualization,
    ) -> Result<Option<Status>, Problem> {
        self.is_harmless(function, command).await?;
        let words = command.words(&self.controller(function).await?);
        let undo = Undo::Secondaries {
            pf: self.pf(),
            before: self.known_secondaries(),
        };
        self.tell(&words, undo).await
    }

    /// Runs a command that the controller may refuse. Returns how it did.
    pub(super) async fn tell(
        &mut self,
        words: &[String],
        undo: Undo,
    ) -> Result<Option<Status>, Problem> {
        self.promise(&words.join(" "), undo)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = self.look(&words).await?;
        answer(&words.join(" "), &output)
    }

    /// A controller that goes offline under its driver may hang the machine (seen with QEMU 10.0.2 and Linux 6.12). One that tells
    /// another is refused by itself.
    async fn is_harmless(&mut self, function: Bdf, command: Virtualization) -> Result<(), Problem> {
        if function != self.pf() || !command.is_offline() {
            return Ok(());
        }
        let all = self.secondaries().await?;
        let own = all.iter().find(|own| own.scid == command.cntlid);
        let vfs = facts::vfs(self.host.as_ref(), self.pf()).await?;
        let vf = vfs
            .iter()
            .find(|vf| own.is_some_and(|own| own.vfn == vf.index + 1));
        match vf.and_then(|vf| Some((vf.bdf, vf.driver.as_ref()?))) {
            None => Ok(()),
            Some((vf, driver)) => Err(anyhow!(
                "{driver} is bound to {vf}, whose controller is to go offline: that may hang the machine"
            )
            .into()),
        }
    }

    fn known_secondaries(&self) -> Vec<SecondaryController> {
        let nvme = self.facts.device.nvme.as_ref();
        nvme.map_or_else(Vec::new, |nvme| nvme.secondaries.clone())
    }

    /// Waits until the controller of a function is live. Returns its name and its state in the end.
    pub async fn wait_until_live(
        &mut self,
        function: Bdf,
    ) -> Result<Option<(String, String)>, Problem> {
        let host = self.host.clone();
        let look = async || controller_state(host.as_ref(), function).await;
        let is_live = async || Ok(look().await?.filter(|(_, state)| state == "live"));
        self.until(LIVE, is_live).await?;
        let now = look().await?;
        let told = now.as_ref().map(|(name, state)| format!("{name}: {state}"));
        self.log.step(format!(
            "$ grep . {}/nvme*/state\n{}",
            sysfs::attribute(function, "nvme"),
            told.as_deref().unwrap_or("(no controller)")
        ))?;
        Ok(now)
    }

    /// The name of a function's controller. It may have another since the facts were read.
    pub(super) async fn controller(&mut self, function: Bdf) -> Result<String, Problem> {
        let nvme = facts::nvme(self.host.as_ref(), function).await?;
        let nvme = nvme.with_context(|| format!("{function} has no controller now"))?;
        Ok(nvme.name)
    }

    pub(super) async fn ask(&mut self, question: Question) -> Result<Vec<u8>, Problem> {
        self.ask_of(self.pf(), question).await
    }

    /// Asks the controller of any function of this device.
    pub(super) async fn ask_of(
        &mut self,
        function: Bdf,
        question: Question,
    ) -> Result<Vec<u8>, Problem> {
        let words = question.words(&self.controller(function).await?);
        let command = words.join(" ");
        self.log.step(format!("$ {command}"))?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = within(STEP_LIMIT, self.host.run(&words)).await;
        let output = output.with_context(|| format!("cannot run `{command}`"))?;
        match answer(&command, &output)? {
            None => Ok(output.stdout),
            Some(status) => Err(fails(&format!("`{command}`: {status}"))),
        }
    }

    pub(super) fn understood<T: Display>(
        &mut self,
        answer: Result<T, Malformed>,
    ) -> Result<T, Problem> {
        if let Ok(answer) = &answer {
            self.log.step(answer.to_string())?;
        }
        answer.map_err(|error| fails(&error))
    }
}

/// A driver that has bound may still be at its first commands (Linux 6.12 drivers/nvme/host/pci.c, `nvme_probe`).
async fn controller_state(host: &dyn Host, function: Bdf) -> io::Result<Option<(String, String)>> {
    let Some(nvme) = facts::nvme(host, function).await? else {
        return Ok(None);
    };
    let path = format!("{}/{}/state", sysfs::attribute(function, "nvme"), nvme.name);
    let state = read::optional(host, &path).await?;
    Ok(state.map(|state| (nvme.name, state)))
}

/// How the controller refused; what nvme-cli complains of by itself breaks the bench.
fn answer(command: &str, output: &Output) -> Result<Option<Status>, Problem> {
    if output.success() {
        return Ok(None);
    }
    let status = Status::told(&output.stderr);
    status
        .map(Some)
        .ok_or_else(|| anyhow!("`{command}`: {}", output.stderr).into())
}

fn fails(why: &impl Display) -> Problem {
    Problem::Found {
        finding: &IDENTIFY_FAILS,
        message: why.to_string(),
    }
}
