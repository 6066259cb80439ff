//! A copy of a machine in the middle of whatever it does, to be woken up elsewhere.

use std::time::Duration;

use tokio::time::Instant;

use super::{Simulator, World, shared};

/// A machine that stands still. Its clock goes on where and when it wakes up.
#[derive(Clone)]
pub struct Asleep {
    world: World,
}

impl Simulator {
    /// A copy of this machine as it is now.
    pub fn asleep(&self) -> Asleep {
        Asleep {
            world: self.at_present(|world| world.clone()),
        }
    }
}

impl Asleep {
    /// The machine goes on, by the clock of the runtime that this is called in.
    pub fn wake(mut self) -> Simulator {
        let (then, now) = (self.world.now, Instant::now());
        let ahead = now.saturating_duration_since(then);
        let behind = then.saturating_duration_since(now);
        self.world.shift(&|time| shifted(time, ahead, behind));
        Simulator {
            world: shared(self.world),
        }
    }
}

/// A time that a clock cannot tell is as long ago as it can tell.
fn shifted(time: Instant, ahead: Duration, behind: Duration) -> Instant {
    time.checked_sub(behind).unwrap_or(time) + ahead
}

impl World {
    fn shift(&mut self, by: &impl Fn(Instant) -> Instant) {
        self.now = by(self.now);
        self.booted = by(self.booted);
        self.libvirt.shift(by);
        self.shift_devices(by);
    }
}
