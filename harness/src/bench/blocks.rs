//! Blocks of scratch namespaces, written and read by this program, in verbs.

use std::cell::Cell;
use std::io;

use anyhow::{Context, anyhow};
use futures_util::future::{join, join_all};
use serde::de::DeserializeOwned;

use super::echo::PROGRAM;
use super::place::Place;
use super::{Bench, within};
use crate::blocks::Passed;
use crate::finding::Problem;
use crate::machine::Output;
use crate::nvme::Scratch;
use crate::pci::Bdf;

/// How long a stretch may take.
const LIMIT: std::time::Duration = std::time::Duration::from_mins(2);

/// A block device whose data may be lost. Only a namespace that the user named becomes one, and only while it holds nothing that
/// anybody could miss.
#[derive(Clone)]
pub struct Disk {
    pub(super) device: String,
    /// The namespace that it must be, when it is written to too; `None` of a disk that the emulator has made of one.
    pub(super) namespace: Option<Scratch>,
    pub(super) place: Place,
}

/// A stretch of blocks.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// What tells these blocks from others.
    pub seed: u32,
    /// The first block.
    pub first: u64,
    /// How many blocks.
    pub count: u64,
    /// How many blocks are transferred at once, in turns.
    pub transfers: Vec<u32>,
}

impl Bench {
    /// The block device of a scratch namespace, once the driver of that function has found it; `None` where it does not.
    pub async fn disk(&mut self, function: Bdf, nsid: u32) -> Result<Option<Disk>, Problem> {
        self.may_be_lost(nsid).await?;
        let device = self.wait_for_namespace(function, nsid, true).await?;
        let Some(device) = device else {
            return Ok(None);
        };
        self.holds_nothing(nsid, &device).await?;
        let (namespace, place) = (Some(self.named(nsid)), Place::here(&self.host));
        Ok(Some(Disk {
            device,
            namespace,
            place,
        }))
    }

    /// `blkid --probe` exits with 2 where it finds nothing (blkid(8)), and where it cannot look, of which it complains.
    pub(super) async fn holds_nothing(&mut self, nsid: u32, device: &str) -> Result<(), Problem> {
        let words = ["blkid", "--probe", "--output", "export", device];
        let output = self.look(&words).await?;
        match output.status {
            2 if output.stderr.is_empty() => Ok(()),
            0 => Err(anyhow!(
                "{}, which is {device} now, was named as a scratch namespace, but holds something: {}; clear it with `wipefs --all` if that may be lost",
                self.named(nsid),
                kinds(&output.text())
            )
            .into()),
            _ => Err(anyhow!("`{}`: {}", words.join(" "), output.stderr).into()),
        }
    }

    /// Writes a stretch.
    pub async fn write_blocks(
        &mut self,
        disk: &Disk,
        stretch: &Stretch,
    ) -> Result<Passed, Problem> {
        self.blocks(disk, &stretch.words("write --overwrite", disk))
            .await
    }

    /// Reads a stretch, and tells what is not as it was written.
    pub async fn verify_blocks(
        &mut self,
        disk: &Disk,
        stretch: &Stretch,
    ) -> Result<Passed, Problem> {
        self.blocks(disk, &stretch.words("verify", disk)).await
    }

    async fn blocks(&mut self, disk: &Disk, words: &str) -> Result<Passed, Problem> {
        let output = disk.run(words).await;
        self.blocks_done(disk, words, output)
    }

    /// Writes down what came of a command, and reads its result: with 1 it tells what the device did, any other failure is not the
    /// device's.
    pub(super) fn blocks_done<T: DeserializeOwned>(
        &mut self,
        disk: &Disk,
        words: &str,
        output: io::Result<Output>,
    ) -> Result<T, Problem> {
        let (command, prompt) = (format!("`sriov-certify {words}`"), &disk.place.prompt);
        self.log.step(format!("{prompt}$ sriov-certify {words}"))?;
        let output = output.with_context(|| command.clone());
        let output = output.map_err(|error| disk.place.blame(error.into()))?;
        self.log
            .step(format!("{}{}", output.text(), output.stderr))?;
        if output.status > 1 {
            return Err(anyhow!("{command}: {}", output.stderr).into());
        }
        let result = serde_json::from_slice(&output.stdout);
        Ok(result.with_context(|| format!("{command} told no result"))?)
    }

    /// Does the same with all these disks at the same time: `write --overwrite` or `verify`.
    pub async fn blocks_at_once(
        &mut self,
        what: &str,
        all: &[(Disk, Stretch)],
    ) -> Result<Vec<Passed>, Problem> {
        let words: Vec<String> = all
            .iter()
            .map(|(disk, stretch)| stretch.words(what, disk))
            .collect();
        let running = all.iter().zip(&words);
        let outputs = join_all(running.map(|((disk, _), words)| disk.run(words))).await;
        let done = all.iter().zip(words).zip(outputs);
        done.map(|(((disk, _), words), output)| self.blocks_done(disk, &words, output))
            .collect()
    }

    /// Writes and reads a stretch, again and again, as long as something else is done. Tells of all of it together.
    pub async fn while_busy(
        &mut self,
        disk: &Disk,
        stretch: &Stretch,
        doing: impl AsyncFnOnce(&mut Self) -> Result<(), Problem>,
    ) -> Result<Passed, Problem> {
        let words = ["write --overwrite", "verify"].map(|what| stretch.words(what, disk));
        let over = Cell::new(false);
        let busy = async {
            let mut outputs = Vec::new();
            while !over.get() {
                for words in &words {
                    let output = disk.run(words).await;
                    let goes_on = output.as_ref().is_ok_and(Output::success);
                    outputs.push((words, output));
                    if !goes_on {
                        return outputs;
                    }
                }
            }
            outputs
        };
        let done = async {
            let done = doing(self).await;
            over.set(true);
            done
        };
        let (outputs, done) = join(busy, done).await;
        let mut sum = Passed::default();
        for (words, output) in outputs {
            let passed = self.blocks_done(disk, words, output);
            // What went well before and does not now was disturbed, however it shows.
            sum.add(match passed {
                Err(Problem::Bench(error)) if sum.blocks > 0 => Passed {
                    failed: Some(format!("{error:#}")),
                    ..Passed::default()
                },
                passed => passed?,
            });
        }
        done.map(|()| sum)
    }
}

/// What blkid has found, without what tells one of a kind from another.
fn kinds(found: &str) -> String {
    let kind = |line: &&str| {
        ["TYPE=", "PTTYPE=", "LABEL="]
            .iter()
            .any(|key| line.starts_with(key))
    };
    let kinds: Vec<&str> = found.lines().filter(kind).collect();
    kinds.join(", ")
}

impl Disk {
    /// Its device file.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Has this program do something with it, where it is.
    pub(super) async fn run(&self, words: &str) -> io::Result<Output> {
        let argv: Vec<&str> = [PROGRAM].into_iter().chain(words.split(' ')).collect();
        within(LIMIT, self.place.host.run(&argv)).await
    }
}

impl Stretch {
    pub(super) fn words(&self, command: &str, disk: &Disk) -> String {
        let Disk {
            device, namespace, ..
        } = disk;
        let Self {
            seed,
            first,
            count,
            transfers,
        } = self;
        let namespace = namespace
            .as_ref()
            .map_or_else(String::new, |own| format!(" --namespace {own}"));
        let transfers: Vec<String> = transfers.iter().map(ToString::to_string).collect();
        let transfers = transfers.join(",");
        format!(
            "blocks {command} --device {device}{namespace} --seed {seed} --first {first} --count {count} --transfers {transfers} --json"
        )
    }
}
