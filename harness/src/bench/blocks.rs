//! Blocks of scratch namespaces, written and read by this program, in verbs.

use std::cell::Cell;
use std::io;

use anyhow::{Context, anyhow};
use futures_util::future::{join, join_all};

use super::echo::PROGRAM;
use super::{Bench, within};
use crate::blocks::Passed;
use crate::finding::Problem;
use crate::machine::{Host, Output};
use crate::nvme::Scratch;
use crate::pci::Bdf;

/// How long a stretch may take.
const LIMIT: std::time::Duration = std::time::Duration::from_mins(2);

/// A block device whose data may be lost. Only a namespace that the user named becomes one, and only while it holds nothing that
/// anybody could miss.
#[derive(Clone, Debug)]
pub struct Disk {
    device: String,
    /// The namespace that it must be, when it is written to too.
    namespace: Scratch,
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
        if !self.scratch().await?.contains(&nsid) {
            return Err(anyhow!("namespace {nsid} was not named as a scratch namespace").into());
        }
        let device = self.wait_for_namespace(function, nsid, true).await?;
        let Some(device) = device else {
            return Ok(None);
        };
        self.holds_nothing(&device).await?;
        let serial = self.facts.device.serial().unwrap_or_default();
        let namespace = Scratch { serial, nsid };
        Ok(Some(Disk { device, namespace }))
    }

    /// `blkid --probe` exits with 2 where it finds nothing (blkid(8)), and where it cannot look, of which it complains.
    pub(super) async fn holds_nothing(&mut self, device: &str) -> Result<(), Problem> {
        let words = ["blkid", "--probe", "--output", "export", device];
        let output = self.look(&words).await?;
        match output.status {
            2 if output.stderr.is_empty() => Ok(()),
            0 => Err(anyhow!(
                "{device} was named as a scratch namespace, but holds something: {}; clear it with `wipefs --all {device}` if that may be lost",
                output.text().trim().replace('\n', ", ")
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
        let words = stretch.words("write --overwrite", disk);
        self.blocks(&words).await
    }

    /// Reads a stretch, and tells what is not as it was written.
    pub async fn verify_blocks(
        &mut self,
        disk: &Disk,
        stretch: &Stretch,
    ) -> Result<Passed, Problem> {
        let words = stretch.words("verify", disk);
        self.blocks(&words).await
    }

    async fn blocks(&mut self, words: &str) -> Result<Passed, Problem> {
        let output = run(self.host.as_ref(), words).await;
        self.blocks_done(words, output)
    }

    fn blocks_done(&mut self, words: &str, output: io::Result<Output>) -> Result<Passed, Problem> {
        self.log.step(format!("$ sriov-certify {words}"))?;
        let output = output.with_context(|| format!("`sriov-certify {words}`"))?;
        self.log
            .step(format!("{}{}", output.text(), output.stderr))?;
        passed(words, &output)
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
        let host = self.host.clone();
        let outputs = join_all(words.iter().map(|words| run(host.as_ref(), words))).await;
        let pairs = words.iter().zip(outputs);
        pairs
            .map(|(words, output)| self.blocks_done(words, output))
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
        let (host, over) = (self.host.clone(), Cell::new(false));
        let busy = async {
            let mut outputs = Vec::new();
            while !over.get() {
                for words in &words {
                    let output = run(host.as_ref(), words).await;
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
            let passed = self.blocks_done(words, output);
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

async fn run(host: &dyn Host, words: &str) -> io::Result<Output> {
    let argv: Vec<&str> = [PROGRAM].into_iter().chain(words.split(' ')).collect();
    within(LIMIT, host.run(&argv)).await
}

impl Disk {
    /// Its device file.
    pub fn device(&self) -> &str {
        &self.device
    }
}

impl Stretch {
    fn words(&self, command: &str, disk: &Disk) -> String {
        let Disk { device, namespace } = disk;
        let Self {
            seed,
            first,
            count,
            transfers,
        } = self;
        let transfers: Vec<String> = transfers.iter().map(ToString::to_string).collect();
        let transfers = transfers.join(",");
        format!(
            "blocks {command} --device {device} --namespace {namespace} --seed {seed} --first {first} --count {count} --transfers {transfers} --json"
        )
    }
}

/// With 1 it tells what the device did; any other failure is not the device's.
fn passed(words: &str, output: &Output) -> Result<Passed, Problem> {
    if output.status > 1 {
        return Err(anyhow!("`sriov-certify {words}`: {}", output.stderr).into());
    }
    let passed = serde_json::from_slice(&output.stdout);
    Ok(passed.with_context(|| format!("`sriov-certify {words}` told no result"))?)
}
