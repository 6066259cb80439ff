//! One fault, and who must catch it.

use harness::plan::matches;
use harness::simulator::Fault;

use crate::checks;

/// One fault, and who must catch it.
#[derive(Clone, Copy)]
pub struct Row {
    /// What is wrong.
    pub fault: Fault,
    /// The profile on whose simulator it is tried.
    pub profile: &'static str,
    /// Globs of the checks that must fail or err; all others must not. `vf::*` stands where whoever
    /// creates VFs meets the fault.
    pub caught_by: &'static [&'static str],
    /// Those that must too, because they are all of one kind.
    pub also: &'static [&'static str],
}

impl Row {
    /// All its globs.
    pub fn globs(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.caught_by.iter().chain(self.also).copied()
    }

    /// The ids of the checks that must catch it.
    pub fn checks(&self) -> impl Iterator<Item = &'static str> {
        let globs: Vec<_> = self.globs().collect();
        checks::ids()
            .into_iter()
            .filter(move |id| globs.iter().any(|glob| matches(glob, id)))
    }
}

/// A fault of a network card, or of its machine.
pub(super) const fn nic(fault: Fault, caught_by: &'static [&'static str]) -> Row {
    Row {
        fault,
        profile: "mock-nic",
        caught_by,
        also: &[],
    }
}

/// A fault of a drive, or of its machine.
pub(super) const fn nvme(fault: Fault, caught_by: &'static [&'static str]) -> Row {
    Row {
        profile: "mock-nvme",
        ..nic(fault, caught_by)
    }
}

/// The same, with those that must catch it too.
pub(super) const fn and(row: Row, also: &'static [&'static str]) -> Row {
    Row { also, ..row }
}
