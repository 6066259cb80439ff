//! What the kernel will have done by a certain time, and how long it is busy.
//!
//! A caller may give up on a write while the kernel goes on with it, so that effects must come by
//! the clock and not by the caller's patience.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than anyone waits: what blocks for ever.
pub(super) const FOR_EVER: Duration = Duration::from_hours(365 * 24);

/// Something that happens later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// VFs appear.
    AddVfs(u16),
    /// VFs disappear.
    RemoveVfs,
    /// udev applies a rule.
    Rule(Ruling),
    /// The boot scripts put the PF's interface up.
    BootLink,
    /// A network interface sees its link partner.
    Carrier(String),
}

/// What a rule of udev will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ruling {
    /// What is written to `sriov_numvfs`.
    pub numvfs: String,
    /// The interface has appeared because the machine has started.
    pub boots: bool,
}

/// Things to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    effects: Vec<(Instant, Effect)>,
    locked_until: Option<Instant>,
    udev_busy_until: Option<Instant>,
}

impl Agenda {
    /// Something will happen.
    pub(super) fn at(&mut self, time: Instant, effect: Effect) {
        self.effects.push((time, effect));
    }

    /// Everything happens by another clock.
    pub(super) fn shift(&mut self, by: &impl Fn(Instant) -> Instant) {
        for (time, _) in &mut self.effects {
            *time = by(*time);
        }
        self.locked_until = self.locked_until.map(by);
        self.udev_busy_until = self.udev_busy_until.map(by);
    }

    /// Something will not happen after all.
    pub(super) fn cancel(&mut self, effect: &Effect) {
        self.effects.retain(|(_, planned)| planned != effect);
    }

    /// When the next thing happens.
    pub(super) fn next(&self) -> Option<Instant> {
        self.effects.iter().map(|(time, _)| *time).min()
    }

    /// The next thing that should have happened by now, with its time.
    pub(super) fn due(&mut self, now: Instant) -> Option<(Instant, Effect)> {
        let next = self
            .effects
            .iter()
            .enumerate()
            .min_by_key(|(_, (time, _))| *time)?
            .0;
        (self.effects[next].0 <= now).then(|| self.effects.remove(next))
    }

    /// The PF's device lock is held until then.
    pub(super) fn lock(&mut self, until: Instant) {
        self.locked_until = self.locked_until.max(Some(until));
    }

    /// Until when the PF's device lock is held, if it is.
    pub(super) fn locked(&self, now: Instant) -> Option<Instant> {
        self.locked_until.filter(|until| *until > now)
    }

    /// A worker of udev's waits in a write until then.
    pub(super) fn occupy_udev(&mut self, until: Instant) {
        self.udev_busy_until = self.udev_busy_until.max(Some(until));
    }

    /// Until when udev has something to do at least, if it has.
    pub(super) fn udev_busy(&self, now: Instant) -> Option<Instant> {
        let rules = self
            .effects
            .iter()
            .filter(|(_, effect)| matches!(effect, Effect::Rule(_)));
        let planned = rules.map(|(time, _)| *time).max();
        planned
            .max(self.udev_busy_until)
            .filter(|until| *until > now)
    }
}
