//! A function on its way to a guest and back, in verbs.

use std::io;
use std::time::Duration;

use anyhow::Context;

use super::refusal::not_the_machines;
use super::{Bench, Running, STEP_LIMIT, within};
use crate::finding::{Finding, Problem};
use crate::guest::{Files, Told, hostdev};
use crate::machine::Output;
use crate::pci::Bdf;
use crate::profile::Kind;
use crate::undo::Undo;

/// Handing a VF over, or taking it back, does not come to an end.
pub const HANDOVER_HANGS: Finding = Finding::device(
    "handover-hangs",
    "libvirt did not come to an end with handing the VF over or taking it back. A driver does not let go of it, or its reset does not return.",
    "Read the kernel log of this check (hung tasks name the function that waits); see vf::reset. Reboot the machine if a process stays in state D.",
);
/// The findings of a check that hands VFs to guests.
#[macro_export]
macro_rules! handover_findings {
    ($($own:expr),* $(,)?) => {
        $crate::guest_findings![
            $crate::bench::HANDOVER_HANGS,
            $crate::bench::NOT_SEEN,
            $crate::bench::GUEST_LOST,
            $crate::bench::GUEST_ENDED,
            $($own),*
        ]
    };
}

/// How often libvirt is asked whether it has let go of a VF.
const ASK_EVERY: Duration = Duration::from_millis(200);

impl Bench {
    /// Hands a VF to a running guest, and to its next start. A refusal that is not the VF's is a problem of the bench.
    pub async fn attach(&mut self, guest: &Running, vf: Bdf) -> Result<Output, Problem> {
        self.attach_when(guest.name(), vf, &["--live", "--config"])
            .await
    }

    /// Hands a VF to a running guest, but not to its next start.
    pub async fn attach_live(&mut self, guest: &Running, vf: Bdf) -> Result<Output, Problem> {
        self.attach_when(guest.name(), vf, &["--live"]).await
    }

    /// Gives a VF to a guest for its next start.
    pub async fn attach_for_start(&mut self, name: &str, vf: Bdf) -> Result<Output, Problem> {
        self.attach_when(name, vf, &["--config"]).await
    }

    /// A network card by the very command of the requirement (RHEL 9, 14.7.2, step 5); what is none libvirt takes only by a
    /// description.
    async fn attach_when(&mut self, name: &str, vf: Bdf, when: &[&str]) -> Result<Output, Problem> {
        if self.profile.kind == Kind::Nvme {
            let file = self.plug(name, &hostdev(vf), when).await?;
            let words = ["attach-device", name, &file];
            return self.hand(&[&words, when].concat()).await;
        }
        let bdf = vf.to_string();
        let words = ["attach-interface", name, "hostdev", &bdf, "--managed"];
        let words = [&words, when].concat();
        let undo = Undo::Attachments { guest: name.into() };
        self.promise(&format!("virsh {}", words.join(" ")), undo)?;
        self.hand(&words).await
    }

    /// Takes a VF back from a running guest, and from its next start.
    pub async fn detach(&mut self, guest: &Running, vf: Bdf) -> Result<Output, Problem> {
        let (name, when) = (guest.name(), ["--live", "--config"]);
        let told = self.told(name, false).await?;
        let own = told
            .hostdev(vf)
            .context("libvirt does not tell the VF of the guest that has it")?;
        if let Some(xml) = own.description() {
            self.keep(&Files::of(name).plug, &xml).await?;
        }
        let words = own.detach(name);
        let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        self.hand(&[&words[..], &when].concat()).await
    }

    /// Promises to take back what is about to be plugged in, and describes it. Returns the description's file, for
    /// `virsh attach-device`.
    pub(super) async fn plug(
        &mut self,
        guest: &str,
        xml: &str,
        when: &[&str],
    ) -> Result<String, Problem> {
        let file = Files::of(guest).plug;
        let words = [&["attach-device", guest, &file], when].concat();
        let undo = Undo::Attachments {
            guest: guest.into(),
        };
        self.promise(&format!("virsh {}", words.join(" ")), undo)?;
        self.keep(&file, xml).await?;
        Ok(file)
    }

    /// Waits until libvirt does not tell a VF of a running guest any more: it hears of it only some
    /// time after the guest let go. Returns what it tells in the end.
    pub async fn wait_until_forgotten(
        &mut self,
        guest: &Running,
        vf: Bdf,
        limit: Duration,
    ) -> Result<Told, Problem> {
        let host = self.host.clone();
        let argv = ["virsh", "dumpxml", guest.name()];
        self.until_every(ASK_EVERY, limit, async || {
            let output = within(STEP_LIMIT, host.run(&argv)).await?;
            let told = Told::parse(&output.text()).map_err(io::Error::other)?;
            Ok(told.hostdev(vf).is_none().then_some(()))
        })
        .await?;
        self.told(guest.name(), false).await
    }

    /// Runs `virsh` on a guest with a VF, or about to have one, whose fault it may be that libvirt refuses or hangs.
    pub(super) async fn hand(&mut self, words: &[&str]) -> Result<Output, Problem> {
        let output = self.try_out(words).await;
        output.map_err(|problem| {
            problem.instead_of_silence(&HANDOVER_HANGS, &format!("`virsh {}`", words.join(" ")))
        })
    }

    /// Runs `virsh`, which may refuse; where the machine is at fault, that is a problem of the bench.
    pub(super) async fn try_out(&mut self, words: &[&str]) -> Result<Output, Problem> {
        let output = self.virsh(words).await?;
        if !output.success() {
            not_the_machines(&output, words)?;
        }
        Ok(output)
    }
}
