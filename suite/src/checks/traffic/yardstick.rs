//! What two senders are compared by: the more, the better.

use harness::bench::Streamed;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Yardstick {
    /// What arrives in a second.
    Rate,
    /// What arrives for each second that a processor of this machine is busy.
    PerCpu,
}

impl Yardstick {
    pub(super) fn of(self) -> fn(&Streamed) -> f64 {
        match self {
            Self::Rate => Streamed::frames_per_second,
            Self::PerCpu => Streamed::frames_per_cpu_second,
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Rate => "frames/s",
            Self::PerCpu => "frames for each second that a processor of this machine was busy",
        }
    }
}
