//! How far a lab host got, from its first boot to its end, over the restarts it announces and the power cuts it suffers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::BenchFault;
use crate::monitor::Reset;
use crate::output::{Line, Mark};
use crate::serial;

/// How long each part may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// To the start of the payload: from the start of QEMU, from the announcement of a restart, from a power cut.
    pub boot: Duration,
    /// The payload: from its first start to its end, with all restarts and power cuts between.
    pub command: Duration,
    /// From the end of the payload to the end of QEMU.
    pub power_off: Duration,
}

/// A payload that ran to its end in a lab host that then powered off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The exit status of the payload that ended.
    pub status: i32,
    /// How long the first boot took.
    pub boot: Duration,
    /// How long the payload took: from its first start to its end, with all restarts and power cuts between.
    pub command: Duration,
    /// How long it took to power off.
    pub power_off: Duration,
    /// How often the lab host announced a restart.
    pub restarts: u32,
    /// How often its power was cut.
    pub power_cuts: u32,
}

/// What the caller wants when it has heard a line of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Nothing.
    GoOn,
    /// That the lab host loses its power so long after this line, whatever it does then (a restart, a boot), and boots
    /// again. A cut that is still to come is replaced; one that is due when the payload has ended is not made.
    CutPowerAfter(Duration),
    /// That a cut which is still to come comes at once. Where there is none, nothing.
    CutPowerByNow,
}

/// What the lab host does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Boots { until: Instant },
    RunsPayload,
    PowersOff { status: i32, since: Instant },
}

/// All that is known of the lab host.
pub(crate) struct Course<'a> {
    deadlines: Deadlines,
    serial_log: &'a Path,
    begin: Instant,
    phase: Phase,
    /// When the payload started for the first time.
    started: Option<Instant>,
    /// A restart was announced, and its reset is still to come.
    announced: bool,
    /// There was a reset, and the firmware's own may still follow: it finds a machine that was not switched on but reset, and
    /// resets it once more, thoroughly (SeaBIOS, src/resume.c, `tryReboot`; src/fw/shadow.c, `qemu_reboot`).
    echo: bool,
    /// When a reset came that nobody had announced so far.
    suspicious: Option<Instant>,
    /// QEMU was told to cut the power, and has not said yet that it did.
    cutting: bool,
    cut_at: Option<Instant>,
    restarts: u32,
    power_cuts: u32,
}

/// Output and monitor are two wires, and what is written last may be read first. A busy machine needs some milliseconds for
/// both; a boot takes seconds.
const WIRES: Duration = Duration::from_secs(1);

impl<'a> Course<'a> {
    /// The machine was switched on just now.
    pub(crate) fn new(deadlines: Deadlines, serial_log: &'a Path) -> Self {
        let begin = Instant::now();
        Self {
            deadlines,
            serial_log,
            begin,
            phase: Phase::Boots {
                until: begin + deadlines.boot,
            },
            started: None,
            announced: false,
            echo: false,
            suspicious: None,
            cutting: false,
            cut_at: None,
            restarts: 0,
            power_cuts: 0,
        }
    }

    /// When the power is to be cut.
    pub(crate) fn cut_at(&self) -> Option<Instant> {
        self.cut_at
    }

    /// How long the present phase may last, and what it is called when it lasts longer.
    pub(crate) fn limit(&self) -> (Instant, BenchFault) {
        let Deadlines {
            boot,
            command,
            power_off,
        } = self.deadlines;
        if let Some(reset) = self.suspicious {
            return (reset + WIRES, BenchFault::Vanished);
        }
        let payload = self.started.map(|started| started + command);
        match (self.phase, payload) {
            (Phase::PowersOff { status, since }, _) => (
                since + power_off,
                BenchFault::NotPoweredOff {
                    status,
                    deadline: power_off,
                },
            ),
            (Phase::Boots { until }, Some(payload)) if payload < until => {
                (payload, BenchFault::NotEnded(command))
            }
            (Phase::Boots { until }, _) => (until, BenchFault::NotBooted(boot)),
            (Phase::RunsPayload, payload) => {
                (payload.unwrap_or(self.begin), BenchFault::NotEnded(command))
            }
        }
    }

    /// A line came out of the port; its text goes to `on_line`.
    pub(crate) fn hear(
        &mut self,
        Line { text, mark }: Line,
        on_line: &mut impl FnMut(&str) -> Reaction,
    ) -> Result<(), BenchFault> {
        let reaction = text.map(|text| on_line(&text));
        let over = matches!(self.phase, Phase::PowersOff { .. });
        match reaction {
            Some(Reaction::CutPowerAfter(wait)) if !over => {
                self.cut_at = Some(Instant::now() + wait);
            }
            Some(Reaction::CutPowerByNow) => {
                self.cut_at = self.cut_at.map(|at| at.min(Instant::now()));
            }
            _ => {}
        }
        match mark {
            // Of a machine that is about to lose its power.
            Some(_) if self.cutting => Ok(()),
            Some(mark) => self.mark(mark),
            None => Ok(()),
        }
    }

    fn mark(&mut self, mark: Mark) -> Result<(), BenchFault> {
        match (self.phase, mark) {
            (Phase::Boots { .. }, Mark::Started) => {
                self.echo = false;
                self.started.get_or_insert_with(Instant::now);
                self.phase = Phase::RunsPayload;
            }
            (Phase::Boots { .. } | Phase::RunsPayload, Mark::Restarting) => {
                self.echo = self.suspicious.take().is_some();
                self.announced = !self.echo;
                self.restarts += 1;
                self.boots();
            }
            (Phase::RunsPayload, Mark::Ended(status)) => {
                self.cut_at = None;
                let since = Instant::now();
                self.phase = Phase::PowersOff { status, since };
            }
            (Phase::RunsPayload, Mark::NoShares) => return Err(BenchFault::NoShares),
            _ => return Err(BenchFault::Vanished),
        }
        Ok(())
    }

    fn boots(&mut self) {
        self.phase = Phase::Boots {
            until: Instant::now() + self.deadlines.boot,
        };
    }

    /// QEMU is told to cut the power.
    pub(crate) fn cut(&mut self) {
        self.cut_at = None;
        self.cutting = true;
        self.power_cuts += 1;
        self.boots();
    }

    /// A reset from outside is always ours. One from inside must have been announced, unless the power was about to go, and
    /// a panic must not be its cause.
    pub(crate) fn reset(&mut self, reset: Reset) -> Result<(), BenchFault> {
        if self.panicked() {
            return Err(BenchFault::Panicked);
        }
        match reset {
            Reset::FromOutside => self.boots(),
            Reset::FromInside if self.announced || self.cutting => {}
            Reset::FromInside if self.echo => {
                self.echo = false;
                return Ok(());
            }
            Reset::FromInside => {
                self.suspicious.get_or_insert_with(Instant::now);
            }
        }
        (self.announced, self.cutting, self.echo) = (false, false, true);
        Ok(())
    }

    fn panicked(&self) -> bool {
        let console = fs::read(self.serial_log).unwrap_or_default();
        serial::panic_line(&String::from_utf8_lossy(&console)).is_some()
    }

    /// What the end of the output means.
    pub(crate) fn end(&self) -> Result<Ended, BenchFault> {
        let never_booted =
            || BenchFault::Qemu("it ended before the lab host had booted".to_owned());
        let started = self.started.ok_or_else(never_booted)?;
        let (Phase::PowersOff { status, since }, None) = (self.phase, self.suspicious) else {
            return Err(BenchFault::Vanished);
        };
        Ok(Ended {
            status,
            boot: started - self.begin,
            command: since - started,
            power_off: since.elapsed(),
            restarts: self.restarts,
            power_cuts: self.power_cuts,
        })
    }
}

#[cfg(test)]
mod tests;
