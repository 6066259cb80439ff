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

impl Bench {
    /// Measures two disks in turns and in random order, so many pairs, after one of each that does not count.
    pub async fn disks_in_turns(
        &mut self,
        ways: [(&Disk, &Stretch); 2],
        race: Race,
        pairs: usize,
    ) -> Result<Series<Rate>, Problem> {
        for (disk, stretch) in ways {
            self.rate(disk, stretch, race).await?;
        }
        Series::measure(pairs, async |way| {
            let (disk, stretch) = ways[way];
            self.rate(disk, stretch, race).await
        })
        .await
    }

    async fn rate(&mut self, disk: &Disk, stretch: &Stretch, race: Race) -> Result<Rate, Problem> {
        let what = if race.writes {
            "rate --write --overwrite"
        } else {
            "rate"
        };
        let (seconds, at_once) = (self.settings.stream_seconds, race.at_once);
        let words = stretch.words(what, disk);
        let words = format!("{words} --at-once {at_once} --seconds {seconds}");
        let output = disk.run(&words).await;
        self.blocks_done(disk, &words, output)
    }
}
