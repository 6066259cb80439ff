//! What every stream of a virtual function must do, however fast it is.

use harness::bench::{Bench, Streamed};
use harness::check::{Answer, Finding};
use harness::require;

pub(super) const STALLS: Finding = Finding::device(
    "vf-stream-stalls",
    "Single frames of the VF in the guest arrive, but when as many are sent as go, it comes to a halt: no more are taken, or nothing arrives any more.",
    "Read the kernel log of this check and the guest's console: a queue of the VF that stops, or a function that the PF's driver has shut off for misbehaviour.",
);
pub(super) const DAMAGED: Finding = Finding::device(
    "vf-stream-harmed",
    "When the VF in the guest sends or receives as many frames as go, some arrive damaged, or more than once. Those of what it is compared with, if anything, do not.",
    "Repeat it with `traffic send` and `traffic receive` by hand, from another VF and by another port: what shows with one of them only is that one's memory or cable.",
);

/// The findings of a check that sends as many frames as go.
#[macro_export]
macro_rules! stream_findings {
    ($($own:expr),* $(,)?) => {
        harness::handover_findings![
            $crate::checks::guest::plugged::REFUSED,
            $crate::checks::guest::plugged::NO_DRIVER,
            $crate::checks::guest::plugged::NO_LINK,
            $crate::checks::guest::echo::NO_WAY,
            $crate::checks::guest::echo::HARMED,
            harness::bench::FAR_NO_LINK,
            harness::bench::PARTNER_SILENT,
            $crate::checks::traffic::carries::STALLS,
            $crate::checks::traffic::carries::DAMAGED,
            $crate::checks::traffic::line::TOO_FAST,
            $crate::checks::measured::TOO_NOISY,
            $($own),*
        ]
    };
}

/// A stream that a VF takes part in comes to its end, unharmed.
pub(super) fn carries(bench: &mut Bench, what: &str, streamed: &Streamed) -> Answer {
    require!(bench, !streamed.stalls(), STALLS, "{what}: {streamed}");
    require!(bench, !streamed.harms(), DAMAGED, "{what}: {streamed}");
    Ok(())
}
