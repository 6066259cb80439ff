//! `systemctl` of systemd, as far as the unit that goes on with a run needs it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::commands::{failed, printed};
use super::{Simulator, World};
use crate::machine::Output;
use crate::sysfs::unit;

/// When everything that starts with the machine has: assumed, a little after libvirt.
const STARTED: Duration = Duration::from_secs(10);

impl Simulator {
    /// `systemctl is-system-running`, which waits for the end of the boot where it is told to.
    pub(super) async fn is_running(&self, options: &[&str]) -> Output {
        let started = self.at_present(|world| match world.model.restarts {
            0 => world.now,
            _ => world.booted + STARTED,
        });
        if options == ["--wait"] {
            sleep_until(started).await;
        }
        if Instant::now() < started {
            Output {
                status: 1,
                ..printed("starting\n")
            }
        } else {
            printed("running\n")
        }
    }
}

impl World {
    /// Runs `systemctl` with these arguments.
    pub(super) fn systemctl(&mut self, arguments: &[&str]) -> Output {
        match arguments {
            ["daemon-reload"] => printed(""),
            // Whoever could ask has been ended by then.
            ["show", "-p", "Job", "--value", "shutdown.target"] => printed("\n"),
            // libvirt is the one daemon of old here, not the modular ones.
            ["is-active", "virtqemud.socket"] => Output {
                status: 4,
                ..printed("inactive\n")
            },
            ["restart", "libvirtd.service"] => self.restart_daemon(),
            ["enable", name] => self.enable_unit(name),
            ["disable", name] => self.disable_unit(name),
            [
                "show",
                "-p",
                "ExecMainStartTimestampMonotonic",
                "--value",
                name,
            ] => printed(format!("{}\n", self.unit_started(name))),
            _ => failed(
                1,
                &format!(
                    "the simulated `systemctl` does not know `systemctl {}`",
                    arguments.join(" ")
                ),
            ),
        }
    }

    /// A unit without `[Install]` is said to need no enabling, which is no failure: seen with systemd 252.
    fn enable_unit(&mut self, name: &str) -> Output {
        let Ok(text) = self.tree.read(&unit(name)) else {
            return failed(1, &missing("enable", name));
        };
        for target in wanted_by(&String::from_utf8_lossy(&text)) {
            self.tree.link(&wants(&target, name), unit(name));
        }
        printed("")
    }

    fn disable_unit(&mut self, name: &str) -> Output {
        let Ok(text) = self.tree.read(&unit(name)) else {
            return failed(1, &missing("disable", name));
        };
        for target in wanted_by(&String::from_utf8_lossy(&text)) {
            self.tree.remove(&wants(&target, name));
        }
        printed("")
    }
}

/// The link that `enable` makes for a target (systemd.unit(5), `WantedBy=`).
fn wants(target: &str, name: &str) -> String {
    unit(&format!("{target}.wants/{name}"))
}

/// The targets in the unit's `[Install]`.
fn wanted_by(text: &str) -> Vec<String> {
    let install = text.lines().skip_while(|line| line.trim() != "[Install]");
    let targets = install.filter_map(|line| line.trim().strip_prefix("WantedBy="));
    targets
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect()
}

/// In the words of Debian 13's systemd 257; RHEL 9's 252 says `Unit file … does not exist.`
fn missing(verb: &str, name: &str) -> String {
    format!("Failed to {verb} unit: Unit {name} does not exist")
}

#[cfg(test)]
mod tests {
    use super::wanted_by;

    #[test]
    fn only_the_install_section_says_who_wants_a_unit() {
        let text = "[Unit]\nDescription=a\n[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=a.target b.target\nWantedBy=c.target\n";
        assert_eq!(wanted_by(text), ["a.target", "b.target", "c.target"]);
        assert_eq!(wanted_by("[Service]\nWantedBy=a.target\n"), [""; 0]);
    }
}
