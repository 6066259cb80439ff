//! `virsh`, and what it tells of guests.

use std::time::Duration;

use anyhow::anyhow;

use super::guest::GUEST_NOT_STARTED;
use super::refusal::{not_the_machines, refused};
use super::{Bench, within};
use crate::finding::{Finding, Problem};
use crate::guest::{BOOT, Told};
use crate::machine::Output;

/// How long `virsh` may take. Under KVM in an emulated machine that is busy otherwise, `start` took 25 s.
pub(super) const VIRSH_LIMIT: Duration = Duration::from_mins(2);

impl Bench {
    /// Runs `virsh`, whatever libvirt makes of it.
    pub(super) async fn virsh(&mut self, words: &[&str]) -> Result<Output, Problem> {
        self.look_for(VIRSH_LIMIT, &[&["virsh"], words].concat())
            .await
    }

    /// Runs `virsh` on a guest that has no VF, so that nothing but the machine can be at fault.
    pub(super) async fn must_take(&mut self, words: &[&str]) -> Result<Output, Problem> {
        self.virsh_or(&GUEST_NOT_STARTED, words).await
    }

    /// Runs `virsh`. `finding` is what it means that libvirt does not do it.
    pub(super) async fn virsh_or(
        &mut self,
        finding: &'static Finding,
        words: &[&str],
    ) -> Result<Output, Problem> {
        let output = self.virsh(words).await?;
        if output.success() {
            return Ok(output);
        }
        not_the_machines(&output, words)?;
        Err(Problem::Found {
            finding,
            message: refused(words, &output),
        })
    }

    /// What libvirt tells of a guest of ours: as it runs, or as it would be started next (`inactive`).
    pub async fn told(&mut self, name: &str, inactive: bool) -> Result<Told, Problem> {
        let which: &[&str] = if inactive { &["--inactive"] } else { &[] };
        let output = self.virsh(&[&["dumpxml", name], which].concat()).await?;
        if !output.success() {
            return Err(anyhow!("`virsh dumpxml {name}`: {}", output.stderr).into());
        }
        Ok(Told::parse(&output.text())?)
    }

    /// What libvirt says a guest does: `running`, `paused`, `shut off` and others.
    pub async fn state_of(&mut self, name: &str) -> Result<String, Problem> {
        let output = self.virsh(&["domstate", name]).await?;
        if !output.success() {
            return Err(anyhow!("`virsh domstate {name}`: {}", output.stderr).into());
        }
        Ok(output.text().trim().to_owned())
    }

    /// What guests of this device started with.
    async fn lasting_guest_files(&self, prefix: &str) -> Vec<String> {
        let names = self.host.list(BOOT).await.unwrap_or_default();
        let ours = names.into_iter().filter(|name| name.starts_with(prefix));
        ours.map(|name| format!("{BOOT}/{name} is still there"))
            .collect()
    }

    /// Guests of this device that libvirt still knows, and their files.
    pub(crate) async fn lasting_guests(&self) -> Vec<String> {
        if self.facts.host.virtualization.libvirt.is_none() {
            return Vec::new();
        }
        let argv = ["virsh", "list", "--name", "--all"];
        match within(VIRSH_LIMIT, self.host.run(&argv)).await {
            Ok(output) if output.success() => {
                let (text, prefix) = (output.text(), self.guest_prefix());
                let ours = text.lines().filter(|name| name.starts_with(&prefix));
                let guests = ours.map(|name| format!("the guest {name} is still there"));
                guests
                    .chain(self.lasting_guest_files(&prefix).await)
                    .collect()
            }
            Ok(output) => vec![format!(
                "cannot tell which guests there are: {}",
                output.stderr
            )],
            Err(error) => vec![format!("cannot tell which guests there are: {error}")],
        }
    }
}
