//! A guest that is killed in the midst of traffic, in verbs.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::{join, join3};
use tokio::time::Instant;

use super::echo::{Heard, PING, Talk, told};
use super::namespaces::written;
use super::{Bench, Disk, End, Race, Running, STEP_LIMIT, Stretch, within};
use crate::blocks::Rate;
use crate::finding::Problem;
use crate::pci::Bdf;
use crate::traffic::Pinged;

/// How long frames pass at least.
const TRAFFIC: Duration = Duration::from_secs(6);
/// What nobody answers any more need not be waited for long: once, so that it is lost.
const IN_VAIN: Duration = Duration::from_secs(12);
/// How long the counters of the interfaces may take to tell that frames pass. Some drivers ask the card only now and then.
const BEGINS: Duration = Duration::from_secs(3);
/// How many tell it.
const FRAMES: u64 = 50;

/// For how many seconds a guest writes, if it is not killed before, and how long it may take to begin.
const DOOMED_SECONDS: u32 = 60;
const WRITES: Duration = Duration::from_secs(30);
/// How it writes.
const DOOMED: Race = Race {
    writes: true,
    at_once: 16,
};

/// How often libvirt is asked whether a guest has ended.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// What came of killing a guest.
pub struct Killed {
    /// What libvirt says of it in the end.
    pub state: String,
    /// What came of its neighbours' frames, from before it was killed until it had ended: of those that were harmed
    /// first, or of the last.
    pub neighbours: Pinged,
}

/// What came of killing a guest that writes.
pub struct KilledWriter {
    /// What libvirt says of it in the end.
    pub state: String,
    /// What became of the writes, where they had come to an end by themselves.
    pub refused: Option<Rate>,
}

impl Bench {
    /// Kills the emulator of a guest while frames pass between the `doomed`, the second of which is in
    /// the guest, and between its `neighbours`, whose frames go on until libvirt says that the guest has ended, or has
    /// not for so long: what the card suffers from the kill, it suffers when its function is reset in the end.
    pub async fn kill_amid(
        &mut self,
        guest: &Running,
        doomed: [&End; 2],
        neighbours: [&End; 2],
        limit: Duration,
    ) -> Result<Killed, Problem> {
        let process = self.process_of(guest).await?;
        let doomed_talk = Talk::ping(doomed[0], doomed[1], [TRAFFIC, IN_VAIN]);
        let talk = Talk::ping(neighbours[0], neighbours[1], [TRAFFIC, PING]);
        let over = Cell::new(false);
        let ends = async {
            let command = self.kill(guest, process, [doomed[1], neighbours[0]]).await;
            let ended = match &command {
                Ok(_) => self.ended(guest, limit).await,
                Err(_) => Ok(()),
            };
            over.set(true);
            ended.and(command)
        };
        let (lost, heard, command) = join3(doomed_talk.run(), until(&talk, &over), ends).await;
        self.has_ended(guest);
        self.write_down(&doomed_talk, &lost)?;
        for heard in &heard {
            self.write_down(&talk, heard)?;
        }
        self.log.step(format!("$ {}", command?))?;
        was_under_way(&lost)?;
        Ok(Killed {
            state: self.state_of(guest.name()).await?,
            neighbours: outcome(heard)?,
        })
    }

    /// Kills the emulator of a guest while it writes a stretch by a function there, with many transfers under way all the time.
    pub async fn kill_amid_writes(
        &mut self,
        guest: &Running,
        (card, disk): (Bdf, &Disk),
        stretch: &Stretch,
        limit: Duration,
    ) -> Result<KilledWriter, Problem> {
        let process = self.process_of(guest).await?;
        let words = DOOMED.words(disk, stretch, DOOMED_SECONDS);
        let over = Cell::new(false);
        let writes = async {
            let output = disk.run(&words).await;
            over.set(true);
            output
        };
        let ends = async {
            self.writes(guest, card, &over).await?;
            if over.get() {
                return Ok(None);
            }
            let command = self.kill_now(guest, process).await?;
            self.ended(guest, limit).await.map(|()| Some(command))
        };
        let (last, command) = join(writes, ends).await;
        self.has_ended(guest);
        let told = match &last {
            Ok(output) => output.text() + &output.stderr,
            Err(error) => error.to_string(),
        };
        let prompt = guest.name();
        self.log
            .step(format!("{prompt}$ sriov-certify {words}\n({told})"))?;
        let killed = command?;
        self.log
            .step(format!("$ {}", killed.as_deref().unwrap_or("(not killed)")))?;
        let refused = match last {
            Err(error) if killed.is_none() => return Err(disk.place.blame(error.into())),
            Err(_) => None,
            Ok(_) => Some(self.blocks_done(disk, &words, last)?),
        };
        Ok(KilledWriter {
            state: self.state_of(guest.name()).await?,
            refused,
        })
    }

    /// Waits until a function in a guest has written something, or nobody writes any more.
    async fn writes(&self, guest: &Running, card: Bdf, over: &Cell<bool>) -> Result<(), Problem> {
        let host = guest.host.as_ref();
        let before = within(STEP_LIMIT, written(host, card)).await?;
        self.in_guest(guest, WRITES, async || {
            let now = within(STEP_LIMIT, written(host, card)).await?;
            Ok((now > before || over.get()).then_some(()))
        })
        .await?
        .ok_or_else(|| anyhow!("the guest has written nothing in {} s", WRITES.as_secs()).into())
    }

    /// Kills the emulator of a guest once frames come in at these ends. Returns the command.
    async fn kill(
        &self,
        guest: &Running,
        process: u32,
        ends: [&End; 2],
    ) -> Result<String, Problem> {
        let start = Instant::now();
        for end in ends {
            let limit = BEGINS.saturating_sub(start.elapsed());
            self.begins(end, limit).await?;
        }
        self.kill_now(guest, process).await
    }

    async fn kill_now(&self, guest: &Running, process: u32) -> Result<String, Problem> {
        // In one step: a process that has ended meanwhile may have left its number to another one. libvirt names the
        // guest to the emulator (libvirt src/qemu/qemu_command.c, `qemuBuildNameCommandLine`).
        let name = guest.name();
        let command =
            format!("grep -qaF guest={name}, /proc/{process}/cmdline && kill -9 {process}");
        let output = within(STEP_LIMIT, self.host.run(&["sh", "-c", &command])).await?;
        if output.success() {
            Ok(command)
        } else {
            Err(anyhow!("`{command}`: exit {}, {}", output.status, output.stderr).into())
        }
    }

    /// Waits until frames come in at an end, or until the time is over.
    async fn begins(&self, end: &End, limit: Duration) -> Result<(), Problem> {
        let mut before = None;
        let seen = self.until(limit, async || {
            let now = end.received().await?;
            let passes = now >= *before.get_or_insert(now) + FRAMES;
            Ok(passes.then_some(()))
        });
        let seen = seen.await;
        seen.map_err(|problem| end.place.blame(problem)).map(drop)
    }

    /// Waits until libvirt says that a guest has ended, or until the time is over.
    async fn ended(&self, guest: &Running, limit: Duration) -> Result<(), Problem> {
        let argv = ["virsh", "domstate", guest.name()];
        let ended = self.until_every(ASK_EVERY, limit, async || {
            let output = within(STEP_LIMIT, self.host.run(&argv)).await?;
            Ok((output.text().trim() == "shut off").then_some(()))
        });
        ended.await.map(drop)
    }
}

/// Talks again and again, until it is over or there is nothing more to be hoped for.
async fn until(talk: &Talk<'_>, over: &Cell<bool>) -> Vec<Heard> {
    let mut all = Vec::new();
    loop {
        let heard = talk.run().await;
        let harmed = heard.near.as_ref().map_or(true, |it| !it.success());
        all.push(heard);
        if harmed || over.get() {
            return all;
        }
    }
}

/// Only the last can have been harmed.
fn outcome(heard: Vec<Heard>) -> Result<Pinged, Problem> {
    let last = heard.into_iter().next_back();
    let last = last.ok_or_else(|| anyhow!("no frames were sent"))?;
    told(&last.near?)
}

/// A guest that was killed before its frames began, or when all had passed, proves nothing.
fn was_under_way(lost: &Heard) -> Result<(), Problem> {
    let pinged = match &lost.near {
        Ok(output) => told(output)?,
        Err(error) => return Err(io::Error::new(error.kind(), error.to_string()).into()),
    };
    if pinged.reached && pinged.answered > 0 && !pinged.lost.is_empty() {
        return Ok(());
    }
    let text =
        format!("the guest was not killed in the midst of traffic; its own frames: {pinged}");
    Err(anyhow!(text).into())
}
