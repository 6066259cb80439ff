//! How fast disks are, measured in turns, in verbs.

use super::{Bench, Disk, Series, Stretch};
use crate::blocks::Rate;
use crate::finding::Problem;

/// How a disk is used while it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Race {
    /// Whether blocks are written, and not read.
    pub writes: bool,
    /// How many transfers are under way at once.
    pub at_once: u16,
}

impl Race {
    /// What this program is told.
    pub(super) fn words(self, disk: &Disk, stretch: &Stretch, seconds: u32) -> String {
        let what = if self.writes {
            "rate --write --overwrite"
        } else {
            "rate"
        };
        let (words, at_once) = (stretch.words(what, disk), self.at_once);
        format!("{words} --at-once {at_once} --seconds {seconds}")
    }
}

impl Bench {
    /// Measures two disks in turns and in random order, so many pairs. Before that comes one of each by which they are warm: it
    /// does not count, but must be as right as the others.
    pub async fn disks_in_turns(
        &mut self,
        ways: [(&Disk, &Stretch); 2],
        race: Race,
        pairs: usize,
    ) -> Result<([Rate; 2], Series<Rate>), Problem> {
        let [(a, first), (b, second)] = ways;
        let warm = [
            self.rate(a, first, race).await?,
            self.rate(b, second, race).await?,
        ];
        let series = Series::measure(pairs, async |way| {
            let (disk, stretch) = ways[way];
            self.rate(disk, stretch, race).await
        });
        let series = series.await?;
        Ok((warm, series))
    }

    async fn rate(&mut self, disk: &Disk, stretch: &Stretch, race: Race) -> Result<Rate, Problem> {
        let words = race.words(disk, stretch, self.settings.stream_seconds);
        let output = disk.run(&words).await;
        self.blocks_done(disk, &words, output)
    }
}
