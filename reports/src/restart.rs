//! Restarts of the machine within a run, and what a check keeps over one.

use serde::{Deserialize, Serialize};

/// One boot of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// What the kernel calls it: `/proc/sys/kernel/random/boot_id` (`random(4)`).
    pub id: String,
    /// The release of the kernel that was booted.
    pub kernel: String,
}

/// What a check has come to before it goes on after a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Halfway {
    /// How many of its parts are over.
    pub parts: usize,
    /// How many assertions they executed.
    pub assertions: u32,
    /// How long they took; the restart does not count.
    pub seconds: f64,
    /// What they noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the next part is to know, in the check's own terms.
    #[serde(default)]
    pub carried: serde_json::Value,
}

/// A restart that a run asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// When, by the wall clock.
    pub asked: String,
    /// The boot that ended with it.
    pub from: Boot,
    /// When the run went on, and in which boot; `None` while it has not.
    pub back: Option<(String, Boot)>,
}

impl Restart {
    /// In one line.
    pub(crate) fn words(&self) -> String {
        let asked = format!("asked for at {}", self.asked);
        match &self.back {
            None => format!("{asked}, and the machine has not come back"),
            Some((back, into)) => format!(
                "{asked}, gone on at {back}; boot {} with kernel {}, then boot {} with kernel {}",
                self.from.id, self.from.kernel, into.id, into.kernel
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Boot, Halfway};
    use crate::{Event, Run, Verdict, fixture, summary_text};

    fn boot(id: &str) -> Boot {
        Boot {
            id: id.into(),
            kernel: "6.12.0".into(),
        }
    }

    /// A run of one check that restarts the machine.
    fn events() -> Vec<Event> {
        let check = || "persist::udev_rule".to_owned();
        let [from, into] = ["a", "b"].map(boot);
        let halfway = Halfway {
            parts: 1,
            assertions: 1,
            carried: 2.into(),
            ..Halfway::default()
        };
        vec![
            fixture::start_of(&check()),
            Event::CheckStarted { check: check() },
            Event::PartEnded {
                check: check(),
                halfway,
            },
            Event::Restarting { from },
            Event::Resumed { into },
            Event::CheckStarted { check: check() },
        ]
    }

    fn after(events: usize) -> Run {
        Run::from_journal(&fixture::journal(&self::events()[..events])).unwrap()
    }

    #[test]
    fn a_run_that_waits_for_a_restart_says_so() {
        let run = after(4);
        assert!(run.waits && run.damage.is_none());
        let halfway = run.checks[0].halfway.as_ref().unwrap();
        assert_eq!((halfway.parts, &halfway.carried), (1, &2.into()));
        let (verdict, why) = Verdict::of(&run);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert!(
            why.starts_with("the machine was asked to restart at"),
            "{why}"
        );
        insta::assert_snapshot!(run.checks[0].record.message, @"no answer yet: the machine was asked to restart at 2026-11-22T17:13:00.000Z, and the run has not gone on (`journalctl -u sriov-certify-resume` tells why, once the machine is back)");
    }

    #[test]
    fn a_run_that_ends_in_its_second_half_tells_of_both() {
        let run = after(6);
        assert!(!run.waits && run.damage.is_none());
        insta::assert_snapshot!(run.checks[0].record.message, @"no answer so far: a part of this check is over");
        let text = summary_text(&run);
        let restart = text
            .lines()
            .find(|line| line.contains("asked for at"))
            .unwrap();
        insta::assert_snapshot!(restart, @"  asked for at 2026-11-22T17:13:00.000Z, gone on at 2026-11-22T17:13:00.000Z; boot a with kernel 6.12.0, then boot b with kernel 6.12.0");
    }

    #[test]
    fn a_return_that_nobody_asked_for_is_damage() {
        let mut events = events();
        events.remove(3);
        let run = Run::from_journal(&fixture::journal(&events)).unwrap();
        insta::assert_snapshot!(run.damage.unwrap(), @"line 4 of the journal is damaged (the run goes on after a restart that nobody asked for); nothing from it on is trusted");
    }
}
