//! What the processors of this machine are busy with, in verbs.

use std::fmt;
use std::ops::Sub;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{Bench, STEP_LIMIT, within};
use crate::finding::Problem;

/// Ticks in a second, as the kernel tells them (Linux 6.12 include/asm-generic/param.h, `USER_HZ`; man 5 proc_stat).
const TICKS: f64 = 100.0;

/// How long processors were busy, in seconds, all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// With anything.
    pub busy: f64,
    /// With interrupts and what they leave to be done: there packets are received.
    pub interrupts: f64,
    /// With what guests do themselves.
    pub guests: f64,
}

impl Load {
    /// Since the machine was started, from `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal, guest and
    /// guest_nice, in ticks. What guests take is in user and nice too.
    ///
    /// Source: Linux Documentation/filesystems/proc.rst, section 1.7; kernel/sched/cputime.c, `account_guest_time`.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<f64> = line
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect::<Option<_>>()?;
        let seconds = |places: &[usize]| -> Option<f64> {
            let ticks = places.iter().map(|place| ticks.get(*place));
            Some(ticks.sum::<Option<f64>>()? / TICKS)
        };
        Some(Self {
            busy: seconds(&[0, 1, 2, 5, 6])?,
            interrupts: seconds(&[5, 6])?,
            guests: seconds(&[8, 9])?,
        })
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            busy,
            interrupts,
            guests,
        } = self;
        write!(
            f,
            "processors were busy for {busy:.2} s in all, {interrupts:.2} s with interrupts, {guests:.2} s in guests"
        )
    }
}

impl Sub for Load {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            busy: self.busy - earlier.busy,
            interrupts: self.interrupts - earlier.interrupts,
            guests: self.guests - earlier.guests,
        }
    }
}

impl Bench {
    /// How long processors were busy since then.
    pub(super) async fn load_since(&mut self, before: Load) -> Result<Load, Problem> {
        let load = self.load().await? - before;
        self.log.step(format!("$ head -1 /proc/stat\n{load}"))?;
        Ok(load)
    }

    /// How long processors were busy since this machine was started.
    pub(super) async fn load(&self) -> Result<Load, Problem> {
        let stat = within(STEP_LIMIT, self.host.read("/proc/stat"))
            .await
            .context("cannot read /proc/stat")?;
        let load = Load::parse(&String::from_utf8_lossy(&stat));
        Ok(load.context("/proc/stat tells no times of all processors")?)
    }
}

#[cfg(test)]
mod tests {
    use super::Load;

    /// The first lines of a machine with two processors that had run a guest.
    const STAT: &str = "cpu  51210 13 20450 998877 310 1200 3400 77 40000 2\ncpu0 25605 6 10225 499438 155 600 1700 38 20000 1\nintr 1 2 3\n";

    #[test]
    fn the_times_of_all_processors_are_told_apart() {
        let load = Load::parse(STAT).unwrap();
        let expected = Load {
            busy: 762.73,
            interrupts: 46.0,
            guests: 400.02,
        };
        let off = load - expected;
        assert!(
            [off.busy, off.interrupts, off.guests]
                .into_iter()
                .all(|off| off.abs() < 1e-6),
            "{load:?}"
        );
    }

    #[test]
    fn what_is_no_stat_is_no_load() {
        for text in [
            "",
            "cpu  1 2 3\n",
            "cpu  a b c d e f g h i j\n",
            "cpu0 1 2 3 4 5 6 7 8 9 10\n",
        ] {
            assert_eq!(Load::parse(text), None, "{text:?}");
        }
    }
}
