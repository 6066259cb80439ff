//! How fast a stretch is read or written, with several transfers at once.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use nix::libc::{O_DIRECT, O_EXCL};
use serde::{Deserialize, Serialize};

use super::area::{Area, aligned};
use super::pattern::{stands_in, write};

/// How much is asked of a device.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many transfers are under way at once.
    pub at_once: usize,
    /// For how long.
    pub time: Duration,
}

/// How fast it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How many transfers came to their end.
    pub transfers: u64,
    /// How many bytes those were.
    pub bytes: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How many of the blocks that were read say that they belong elsewhere, or say nothing.
    pub wrong: u64,
    /// Why it did not go on, where the device refused.
    pub failed: Option<String>,
}

impl Rate {
    /// How many transfers a second.
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
    pub fn transfers_per_second(&self) -> f64 {
        self.transfers as f64 / self.seconds
    }

    fn add(&mut self, other: Self) {
        self.transfers += other.transfers;
        self.bytes += other.bytes;
        self.wrong += other.wrong;
        self.failed = self.failed.take().or(other.failed);
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            transfers,
            bytes,
            seconds,
            wrong,
            ..
        } = self;
        let rate = self.transfers_per_second();
        write!(
            f,
            "{rate:.0} transfers/s ({transfers} of {bytes} bytes together in {seconds:.2} s), {wrong} blocks wrong"
        )?;
        match &self.failed {
            None => Ok(()),
            Some(why) => write!(f, "; then it failed {why}"),
        }
    }
}

impl Area {
    /// Reads what was written before, in any order. Of each block only its label is looked at: that is enough to see that the device
    /// was asked, and does not make the processor the limit. The error is that the device cannot be opened.
    pub fn read_for(&self, pace: Pace) -> io::Result<Rate> {
        let file = self.open(O_DIRECT)?;
        Ok(self.race(pace, |blocks, memory| {
            let bytes = &mut memory[..self.bytes_of(&blocks)];
            file.read_exact_at(bytes, blocks.start * self.block as u64)
                .map_err(|error| format!("reading LBA {}: {error}", blocks.start))?;
            let pairs = bytes.chunks(self.block).zip(blocks);
            Ok(pairs
                .filter(|(block, lba)| !stands_in(block, self.label(*lba)))
                .count() as u64)
        }))
    }

    /// Writes the same blocks again and again, in any order, and has the device keep them in the end. They are made before. The error
    /// is that the device cannot be opened.
    pub fn write_for(&self, pace: Pace) -> io::Result<Rate> {
        let file = self.open(O_DIRECT | O_EXCL)?;
        let all = self.first..self.first + self.count;
        let mut memory = aligned(self.bytes_of(&all));
        let bytes = memory.bytes();
        for (block, lba) in bytes.chunks_mut(self.block).zip(all) {
            write(block, self.label(lba));
        }
        let bytes = &*bytes;
        let mut rate = self.race(pace, |blocks, _| self.put(&file, bytes, &blocks));
        let kept = file
            .sync_all()
            .map_err(|error| format!("flushing: {error}"));
        rate.failed = rate.failed.or(kept.err());
        Ok(rate)
    }

    /// Writes these blocks from the memory of all of the stretch.
    fn put(&self, file: &File, all: &[u8], blocks: &Range<u64>) -> Result<u64, String> {
        let at = self.bytes_of(&(self.first..blocks.start));
        let bytes = &all[at..at + self.bytes_of(blocks)];
        file.write_all_at(bytes, blocks.start * self.block as u64)
            .map_err(|error| format!("writing LBA {}: {error}", blocks.start))?;
        Ok(0)
    }

    /// Each transfer tells how many of its blocks are wrong.
    fn race(
        &self,
        pace: Pace,
        transfer: impl Fn(Range<u64>, &mut [u8]) -> Result<u64, String> + Sync,
    ) -> Rate {
        let (start, mut sum) = (Instant::now(), Rate::default());
        let end = start + pace.time;
        let run = |_| self.transfers_until(end, &transfer);
        thread::scope(|scope| {
            let all: Vec<_> = (0..pace.at_once)
                .map(|number| scope.spawn(move || run(number)))
                .collect();
            for one in all {
                sum.add(one.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
        });
        sum.seconds = start.elapsed().as_secs_f64();
        sum
    }

    fn transfers_until(
        &self,
        end: Instant,
        transfer: &impl Fn(Range<u64>, &mut [u8]) -> Result<u64, String>,
    ) -> Rate {
        let size = self.transfers.first().map_or(1, |size| *size as u64);
        let places = (self.count / size).max(1);
        let (mut rng, mut rate) = (Rng::new(), Rate::default());
        let mut memory = aligned(self.bytes_of(&(0..size)));
        while Instant::now() < end {
            let first = self.first + rng.u64(..places) * size;
            let blocks = first..(first + size).min(self.first + self.count);
            let bytes = self.bytes_of(&blocks) as u64;
            match transfer(blocks, memory.bytes()) {
                Ok(wrong) => rate.wrong += wrong,
                Err(why) => {
                    rate.failed = Some(why);
                    return rate;
                }
            }
            rate.transfers += 1;
            rate.bytes += bytes;
        }
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(file: &tempfile::NamedTempFile) -> Area {
        Area {
            device: file.path().to_owned(),
            block: 512,
            first: 8,
            count: 96,
            transfers: vec![8],
            seed: 1,
        }
    }

    fn file() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.as_file().set_len(1 << 20).unwrap();
        file
    }

    /// Long enough for each of a dozen transfers to come about.
    const PACE: Pace = Pace {
        at_once: 3,
        time: Duration::from_millis(100),
    };

    #[test]
    fn what_is_written_at_a_pace_is_what_is_read() {
        let file = file();
        let area = area(&file);
        let written = area.write_for(PACE).unwrap();
        assert_eq!((written.failed.as_ref(), written.wrong), (None, 0));
        assert_eq!(written.bytes, written.transfers * 8 * 512, "{written}");
        assert_eq!(area.verify().unwrap().wrong, 0);
        let read = area.read_for(PACE).unwrap();
        assert_eq!((read.wrong, &read.failed), (0, &None));
        assert_eq!(read.bytes, read.transfers * 8 * 512, "{read}");
        assert!(read.seconds >= 0.1, "{read}");
    }

    #[test]
    fn blocks_of_others_are_counted_and_an_end_is_told() {
        let file = file();
        let area = area(&file);
        let read = area.read_for(PACE).unwrap();
        assert_eq!(read.wrong, read.transfers * 8);
        let beyond = Area {
            first: 2048,
            ..area
        };
        let read = beyond.read_for(PACE).unwrap();
        assert!(read.failed.unwrap().starts_with("reading LBA "));
    }
}
