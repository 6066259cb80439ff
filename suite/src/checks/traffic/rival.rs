//! What a virtual function is compared with.

use harness::bench::{Bench, End, Far, Running};
use harness::check::{Finding, Problem};
use harness::guest::Model;

pub(super) const NO_RIVAL: Finding = Finding::bench(
    "rival-stream-unusable",
    "What the VF is compared with, an emulated card or the PF on the host, does not reach the other end, comes to a halt when it sends as many frames as go, or some arrive damaged or twice. So there is nothing to compare with, and whatever is at the other end may be at fault.",
    "Read the samples in the transcript and the guest's console; repeat it with `traffic send` and `traffic receive` by hand.",
);

/// Whoever sends in turns with a VF in a guest, by the same port and to the same end.
#[derive(Clone, Copy)]
pub(super) enum Rival {
    /// A card that the emulator makes in the same guest.
    Emulated(Model),
    /// The PF, on the host.
    Pf,
}

impl Rival {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Emulated(model) => model.name(),
            Self::Pf => "the PF",
        }
    }

    /// The interface by which it sends. That it does not reach the other end says nothing of the VF, which does.
    pub(super) async fn end(
        self,
        bench: &mut Bench,
        guest: &Running,
        far: &Far,
    ) -> Result<End, Problem> {
        let end = match self {
            Self::Emulated(model) => bench.attach_emulated(guest, model).await?,
            Self::Pf => bench.end_here(bench.pf()).await?,
        };
        let pinged = bench.ping(&end, &far.end).await?;
        if pinged.reached {
            return Ok(end);
        }
        Err(Problem::Found {
            finding: &NO_RIVAL,
            message: format!("{} does not reach {}: {pinged}", self.name(), far.way),
        })
    }
}
