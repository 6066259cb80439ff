//! How a stream goes, told while it does.

use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(1);

/// What came or went in a part of the time of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// When that part ends, since the beginning.
    pub at: Duration,
    /// How long it is.
    pub took: Duration,
    /// How many frames.
    pub frames: u64,
    /// How many bytes they had, without the check sequences.
    pub bytes: u64,
    /// How many were lost, as far as a receiver knows.
    pub lost: u64,
}

/// Tells a watcher of each second.
pub(super) struct Live<'a> {
    /// All up to what was told last.
    told: Moment,
    watch: &'a mut dyn FnMut(Moment),
}

impl<'a> Live<'a> {
    pub(super) fn new(watch: &'a mut dyn FnMut(Moment)) -> Self {
        Self {
            told: Moment::default(),
            watch,
        }
    }

    /// It is that long after the beginning. What there was until then, as frames, bytes and the lost, is asked for only where it
    /// is told.
    pub(super) fn tick(&mut self, at: Duration, sums: impl FnOnce() -> (u64, u64, u64)) {
        let took = at.saturating_sub(self.told.at);
        if took < INTERVAL {
            return;
        }
        let (frames, bytes, lost) = sums();
        (self.watch)(Moment {
            at,
            took,
            frames: frames - self.told.frames,
            bytes: bytes - self.told.bytes,
            // One that is only late is lost for some time.
            lost: lost.saturating_sub(self.told.lost),
        });
        self.told = Moment {
            at,
            took,
            frames,
            bytes,
            lost,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_is_told_by_itself() {
        let mut told = Vec::new();
        let mut watch = |moment: Moment| {
            told.push((
                moment.took.as_millis(),
                moment.frames,
                moment.bytes,
                moment.lost,
            ));
        };
        let mut live = Live::new(&mut watch);
        for (at, sums) in [
            (400, (4, 40, 0)),
            (1000, (10, 100, 1)),
            (1999, (20, 200, 1)),
            (2500, (30, 300, 0)),
        ] {
            live.tick(Duration::from_millis(at), || sums);
        }
        assert_eq!(told, [(1000, 10, 100, 1), (1500, 20, 200, 0)]);
    }
}
