//! Why a guest answers no longer.

use super::{Bench, GUEST_LOST};
use crate::finding::{Answer, Finding, Problem};

/// A guest that had a VF has ended by itself.
pub const GUEST_ENDED: Finding = Finding::device(
    "guest-ended",
    "The guest had the VF, and its emulator has ended by itself: it crashed, or the kernel ended it.",
    "Read the emulator's log in the transcript and the kernel log of this check: a segmentation fault is QEMU's, after an error of vfio or of the VF; where memory ran out the machine is too small. Update QEMU, the kernel and the card's firmware.",
);

impl Bench {
    /// A guest whose emulator has ended is told from one that is silent: libvirt knows.
    pub(crate) async fn explain_silence(&mut self, answer: Answer) -> Answer {
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
