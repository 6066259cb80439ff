//! What became of the guests meanwhile: one may have ended, or its kernel have restarted, though nobody asked for it.

use super::{BOOT_ID, Bench, GUEST_LOST, Running, STEP_LIMIT, within};
use crate::finding::{Answer, Finding, Problem};

/// A guest that had a VF has ended by itself.
pub const GUEST_ENDED: Finding = Finding::device(
    "guest-ended",
    "The guest had the VF, and its emulator has ended by itself: it crashed, or the kernel ended it.",
    "Read the emulator's log in the transcript and the kernel log of this check: a segmentation fault is QEMU's, after an error of vfio or of the VF; where memory ran out the machine is too small. Update QEMU, the kernel and the card's firmware.",
);

/// The kernel of a guest has restarted by itself.
pub const GUEST_RESTARTED: Finding = Finding::bench(
    "guest-restarted",
    "The guest's kernel has restarted by itself during the check: it crashed. The VF or its driver may have done that, or the hypervisor; from outside nobody can tell.",
    "Read the guest's console in the transcript and repeat the check; a kernel that says nothing before it restarts had no time to, as after a triple fault. Where it always happens with this VF and never without, the VF is at fault.",
);

impl Bench {
    /// Nothing that was found with a guest counts whose kernel has restarted meanwhile: it would find a VF again as if nothing
    /// had happened, or not see it yet and blame it.
    pub(crate) async fn heed_guests(&mut self, answer: Answer) -> Answer {
        let answer = self.explain_silence(answer).await;
        match &answer {
            Err(Problem::Bench(_)) => return answer,
            Err(Problem::Found { finding, .. }) if **finding == GUEST_RESTARTED => return answer,
            _ => {}
        }
        for guest in self.guests.values().cloned().collect::<Vec<_>>() {
            if let Err(restarted) = self.has_not_restarted(&guest).await {
                return Err(restarted.after(answer));
            }
        }
        answer
    }

    /// A guest that answers must still be at the boot that it is known to be at.
    pub(super) async fn has_not_restarted(&mut self, guest: &Running) -> Answer {
        match self.boot_now(guest).await? {
            Some(boot) => self.is_at(guest, &boot),
            None => Ok(()),
        }
    }

    /// The boot that a guest is at; `None` of one that has ended or does not answer.
    async fn boot_now(&mut self, guest: &Running) -> Result<Option<String>, Problem> {
        let Ok(boot) = within(STEP_LIMIT, guest.host.read(BOOT_ID)).await else {
            return Ok(None);
        };
        let boot = String::from_utf8_lossy(&boot).trim().to_owned();
        let name = guest.name();
        self.log.step(format!("{name}$ cat {BOOT_ID}\n{boot}"))?;
        Ok(Some(boot))
    }

    /// A guest must still be at the boot that it is known to be at.
    pub(super) fn is_at(&self, guest: &Running, boot: &str) -> Answer {
        let known = self.guests.values().find(|it| it.name() == guest.name());
        let Some(known) = known.filter(|known| known.boot != boot) else {
            return Ok(());
        };
        let (name, before) = (guest.name(), &known.boot);
        Err(Problem::Found {
            finding: &GUEST_RESTARTED,
            message: format!(
                "the kernel of {name} has restarted by itself (boot {before} before, {boot} now)"
            ),
        })
    }

    /// A guest whose emulator has ended is told from one that is silent: libvirt knows.
    async fn explain_silence(&mut self, answer: Answer) -> Answer {
        let Err(Problem::Found { finding, message }) = answer else {
            return answer;
        };
        let ended = if *finding == GUEST_LOST {
            self.has_crashed().await?
        } else {
            None
        };
        Err(match ended {
            None => Problem::Found { finding, message },
            Some(told) => Problem::Found {
                finding: &GUEST_ENDED,
                message: format!("{message}; {told}"),
            },
        })
    }

    /// What libvirt says of a guest that has ended, though nobody has ended it.
    async fn has_crashed(&mut self) -> Result<Option<String>, Problem> {
        let names: Vec<String> = self
            .guests
            .values()
            .map(|it| it.name().to_owned())
            .collect();
        for name in names {
            let output = self.virsh(&["domstate", &name, "--reason"]).await?;
            let state = output.text().trim().to_owned();
            if state.starts_with("shut off") {
                return Ok(Some(format!("libvirt says that {name} is {state}")));
            }
        }
        Ok(None)
    }
}
