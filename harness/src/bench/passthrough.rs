//! A function on its way to a guest and back, in verbs.

use anyhow::anyhow;

use super::{Bench, Running};
use crate::finding::Problem;
use crate::guest::Told;
use crate::machine::Output;
use crate::pci::Bdf;

impl Bench {
    /// Hands a VF to a running guest, by the very command of the requirement (RHEL 9, 14.7.2, step 5).
    pub async fn attach_interface(&mut self, guest: &Running, vf: Bdf) -> Result<Output, Problem> {
        let bdf = vf.to_string();
        self.virsh(&[
            "attach-interface",
            guest.name(),
            "hostdev",
            &bdf,
            "--managed",
            "--live",
            "--config",
        ])
        .await
    }

    /// Takes a function back from a running guest, and from its next start. `mac` is the address that
    /// libvirt gave it.
    pub async fn detach_interface(
        &mut self,
        guest: &Running,
        mac: &str,
    ) -> Result<Output, Problem> {
        self.virsh(&[
            "detach-interface",
            guest.name(),
            "hostdev",
            "--mac",
            mac,
            "--live",
            "--config",
        ])
        .await
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
}
