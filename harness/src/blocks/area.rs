//! A stretch of blocks of a block device, written and read past the kernel's cache.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use nix::libc::{O_DIRECT, O_EXCL};
use serde::{Deserialize, Serialize};

use super::pattern::{Label, Mismatch, verify, write};

/// To which addresses in memory transfers must be aligned that the cache has no part in: no block device wants more.
const ALIGNMENT: usize = 4096;
/// So many mismatches are told.
const TOLD: usize = 8;

/// A stretch of blocks.
#[derive(Clone, Debug)]
pub struct Area {
    /// The block device.
    pub device: PathBuf,
    /// Bytes of a block: what the device says, a power of two from 512 up.
    pub block: usize,
    /// The first block.
    pub first: u64,
    /// How many blocks.
    pub count: u64,
    /// How many blocks are transferred at once, in turns.
    pub transfers: Vec<usize>,
    /// What tells these blocks from others.
    pub seed: u32,
}

/// What became of a stretch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// How many blocks were written or read.
    pub blocks: u64,
    /// How many of those that were read are not what was written.
    pub wrong: u64,
    /// The first of those.
    pub mismatches: Vec<Mismatch>,
    /// Why it did not go on, where the device refused.
    pub failed: Option<String>,
}

impl Area {
    /// Writes all blocks, and has the device keep them. The error is that it cannot be opened: nobody else may have it for himself,
    /// as a mounted file system has (`open(2)`, `O_EXCL` on a block device).
    pub fn write(&self) -> io::Result<Passed> {
        let file = self.open(O_DIRECT | O_EXCL)?;
        let mut passed = Passed::default();
        let done = self.each(|offset, blocks, bytes| {
            for (block, lba) in bytes.chunks_mut(self.block).zip(blocks.clone()) {
                write(block, self.label(lba));
            }
            file.write_all_at(bytes, offset)
                .map_err(|error| format!("writing LBA {}: {error}", blocks.start))?;
            passed.blocks += blocks.end - blocks.start;
            Ok(())
        });
        let kept = || {
            file.sync_all()
                .map_err(|error| format!("flushing: {error}"))
        };
        passed.failed = done.and_then(|()| kept()).err();
        Ok(passed)
    }

    /// Reads all blocks. The error is that it cannot be opened.
    pub fn verify(&self) -> io::Result<Passed> {
        let file = self.open(O_DIRECT)?;
        let (mut passed, mut scratch) = (Passed::default(), vec![0; self.block]);
        let done = self.each(|offset, blocks, bytes| {
            file.read_exact_at(bytes, offset)
                .map_err(|error| format!("reading LBA {}: {error}", blocks.start))?;
            for (block, lba) in bytes.chunks(self.block).zip(blocks) {
                passed.blocks += 1;
                passed.take(verify(block, self.label(lba), &mut scratch));
            }
            Ok(())
        });
        passed.failed = done.err();
        Ok(passed)
    }

    /// Goes through the area transfer by transfer: where each begins, in bytes, its blocks, and memory for it.
    fn each(
        &self,
        mut transfer: impl FnMut(u64, Range<u64>, &mut [u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let most = self.transfers.iter().copied().max().unwrap_or(1).max(1);
        let mut memory = aligned(most * self.block);
        let (mut lba, end) = (self.first, self.first + self.count);
        let mut sizes = self.transfers.iter().cycle();
        while lba < end {
            let wanted = *sizes.next().unwrap_or(&1).max(&1) as u64;
            let blocks = lba..end.min(lba + wanted);
            let length = self.bytes_of(&blocks);
            transfer(
                lba * self.block as u64,
                blocks.clone(),
                &mut memory.bytes()[..length],
            )?;
            lba = blocks.end;
        }
        Ok(())
    }

    /// How many bytes blocks are.
    pub(super) fn bytes_of(&self, blocks: &Range<u64>) -> usize {
        usize::try_from(blocks.end - blocks.start).unwrap_or(usize::MAX) * self.block
    }

    pub(super) fn label(&self, lba: u64) -> Label {
        Label {
            seed: self.seed,
            lba,
        }
    }

    pub(super) fn open(&self, flags: i32) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(flags & O_EXCL != 0)
            .custom_flags(flags)
            .open(&self.device)
    }
}

/// Memory that the cache need not have a part in.
pub(super) struct Aligned {
    memory: Vec<u8>,
    begin: usize,
    length: usize,
}

/// So many bytes of it.
pub(super) fn aligned(length: usize) -> Aligned {
    let memory = vec![0; length + ALIGNMENT];
    let begin = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    Aligned {
        memory,
        begin,
        length,
    }
}

impl Aligned {
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.begin..self.begin + self.length]
    }
}

impl Passed {
    /// With what became of the same stretch another time.
    pub fn add(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.wrong += other.wrong;
        self.mismatches.extend(other.mismatches);
        self.mismatches.truncate(TOLD);
        self.failed = self.failed.take().or(other.failed);
    }

    fn take(&mut self, mismatch: Option<Mismatch>) {
        let Some(mismatch) = mismatch else { return };
        self.wrong += 1;
        if self.mismatches.len() < TOLD {
            self.mismatches.push(mismatch);
        }
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} blocks, {} wrong", self.blocks, self.wrong)?;
        for mismatch in &self.mismatches {
            write!(f, "; {mismatch}")?;
        }
        match &self.failed {
            None => Ok(()),
            Some(why) => write!(f, "; then it failed {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file takes the place of a device; it must be where the cache can be passed by.
    fn area(file: &tempfile::NamedTempFile, seed: u32, transfers: &[usize]) -> Area {
        Area {
            device: file.path().to_owned(),
            block: 512,
            first: 8,
            count: 100,
            transfers: transfers.to_vec(),
            seed,
        }
    }

    fn file() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.as_file().set_len(1 << 20).unwrap();
        file
    }

    #[test]
    fn what_was_written_is_read_however_it_is_cut() {
        let file = file();
        let written = area(&file, 1, &[1, 7, 16]).write().unwrap();
        assert_eq!((written.blocks, written.failed), (100, None));
        for transfers in [&[1][..], &[100], &[3, 64], &[]] {
            let read = area(&file, 1, transfers).verify().unwrap();
            assert_eq!(read.to_string(), "100 blocks, 0 wrong", "{transfers:?}");
        }
    }

    #[test]
    fn what_others_have_written_is_told_block_by_block() {
        let file = file();
        area(&file, 1, &[8]).write().unwrap();
        let read = area(&file, 2, &[8]).verify().unwrap();
        assert_eq!((read.wrong, read.mismatches.len()), (100, TOLD));
        let mut bytes = fs::read(file.path()).unwrap();
        let moved = bytes[8 * 512..9 * 512].to_vec();
        bytes[20 * 512..21 * 512].copy_from_slice(&moved);
        fs::write(file.path(), bytes).unwrap();
        insta::assert_snapshot!(area(&file, 1, &[8]).verify().unwrap());
    }

    #[test]
    fn where_the_device_ends_it_fails_there() {
        let file = file();
        let beyond = Area {
            first: 2040,
            ..area(&file, 1, &[8])
        };
        let read = beyond.verify().unwrap();
        assert_eq!(read.blocks, 8);
        assert!(read.failed.unwrap().starts_with("reading LBA 2048: "));
        let nowhere = Area {
            device: "/nowhere".into(),
            ..beyond
        };
        assert!(nowhere.write().is_err());
    }
}
