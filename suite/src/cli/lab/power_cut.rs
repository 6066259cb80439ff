//! `lab --power-cut N`: cuts the lab's power at random moments of a run, boots it again, restores, and
//! lets the lab host compare what it shows of its devices with what it showed at first.

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;
use vm_images::Reaction;

use super::super::{output, usage};
use super::machine::Machine;

/// In which a moment is chosen: how long the checks of `power-cut.sh` take on a machine that has nothing
/// else to do, guests and two restarts among them. Where they take less, the cut comes at their end.
const WINDOW: Duration = Duration::from_mins(4);
/// The same where they are those of the `NVMe` controller, with one restart.
const NVME_WINDOW: Duration = Duration::from_secs(85);
/// The address of the `NVMe` controller in the lab.
const NVME: &str = "0000:03:00.0";

pub(super) async fn run(machine: &Machine, cuts: u32, seed: u64) -> anyhow::Result<u8> {
    if cuts == 0 {
        return Err(usage("--power-cut 0 would prove nothing: name at least 1"));
    }
    let mut moments = Rng::with_seed(seed);
    let mut heard = Heard::default();
    output::say(&format!("the seed of the moments is {seed}"));
    let script = format!("set -- {cuts}\n{}", include_str!("power-cut.sh"));
    let ended = machine.run(&script, |line| {
        output::say(line);
        match heard.take(line) {
            Some(Run::Begins(run, device)) => cut(run, &device, &mut moments),
            Some(Run::HasEnded) => Reaction::CutPowerByNow,
            None => Reaction::GoOn,
        }
    });
    let made = ended.await?.power_cuts;
    output::print(&format!(
        "{} of {cuts} power cuts restored (seed {seed})",
        heard.restored.len()
    ))?;
    let all = made == cuts && heard.restored == (1..=cuts).collect();
    Ok(if all { 0 } else { 2 })
}

fn cut(run: u32, device: &str, moments: &mut Rng) -> Reaction {
    let after = window(device).mul_f64(moments.f64());
    output::say(&format!(
        "power cut {run} comes after {:.1} s",
        after.as_secs_f64()
    ));
    Reaction::CutPowerAfter(after)
}

fn window(device: &str) -> Duration {
    if device == NVME { NVME_WINDOW } else { WINDOW }
}

/// What the lab host has said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    /// How often `restore` was content: its exit status was 0.
    content: u32,
    /// After which cuts, moreover, the machine was as it was.
    restored: BTreeSet<u32>,
}

/// What becomes of a run.
#[derive(Debug, PartialEq, Eq)]
enum Run {
    /// It begins, has this number, and is one of the device at this address.
    Begins(u32, String),
    /// Nothing goes on after a boot.
    HasEnded,
}

impl Heard {
    /// Returns what the lab host says of a run.
    fn take(&mut self, line: &str) -> Option<Run> {
        let mut words = line.strip_prefix("lab: ")?.split(' ');
        let (what, number) = (words.next()?, words.next()?.parse().ok()?);
        let rest: Vec<&str> = words.collect();
        match (what, rest.as_slice()) {
            ("run", ["begins", "on", device]) => {
                return Some(Run::Begins(number, (*device).to_owned()));
            }
            ("run", ["has", "ended"]) => return Some(Run::HasEnded),
            ("restore", ["exited", "with", "0"]) => self.content = number,
            // Both must hold of the same cut.
            ("cut", ["as", "it", "was"]) if self.content == number => {
                self.restored.insert(number);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, Run};

    #[test]
    fn only_what_both_say_is_restored() {
        let mut heard = Heard::default();
        let begins = Run::Begins(1, "0000:03:00.0".to_owned());
        assert_eq!(
            heard.take("lab: run 1 begins on 0000:03:00.0"),
            Some(begins)
        );
        assert_eq!(heard.take("lab: run 1 has ended"), Some(Run::HasEnded));
        for line in [
            "lab: restore 1 exited with 0",
            "lab: cut 1 as it was",
            "lab: restore 2 exited with 2",
            "lab: cut 2 as it was",
            "lab: restore 3 exited with 0",
            "lab: cut 3 NOT as it was",
            "anything else",
        ] {
            assert_eq!(heard.take(line), None, "{line}");
        }
        assert_eq!(heard.restored, [1].into());
    }
}
