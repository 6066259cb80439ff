//! A guest that is killed in the midst of traffic, in verbs.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::{join, join3};
use tokio::time::Instant;

use super::echo::{Heard, PING, Talk, told};
use super::{Bench, Disk, End, Running, STEP_LIMIT, Stretch, within};
use crate::finding::Problem;
use crate::machine::Output;
use crate::traffic::Pinged;

/// How long frames pass at least.
const TRAFFIC: Duration = Duration::from_secs(6);
/// What nobody answers any more need not be waited for long: once, so that it is lost.
const IN_VAIN: Duration = Duration::from_secs(12);
/// How long the counters of the interfaces may take to tell that frames pass. Some drivers ask the card only now and then.
const BEGINS: Duration = Duration::from_secs(3);
/// How many tell it.
const FRAMES: u64 = 50;

/// How long a guest may take to write what it is to be killed at.
const WRITES: Duration = Duration::from_secs(30);

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

    /// Kills the emulator of a guest while it writes a stretch, again and again: once it has written it as a whole. Returns what
    /// libvirt says of the guest in the end.
    pub async fn kill_amid_writes(
        &mut self,
        guest: &Running,
        disk: &Disk,
        stretch: &Stretch,
        limit: Duration,
    ) -> Result<String, Problem> {
        let process = self.process_of(guest).await?;
        let words = stretch.words("write --overwrite", disk);
        let (written, over) = (Cell::new(0), Cell::new(false));
        let ends = async {
            let under_way = async || Ok((written.get() > 0).then_some(()));
            self.until(WRITES, under_way).await?;
            let command = self.kill_now(guest, process).await?;
            self.ended(guest, limit).await.map(|()| command)
        };
        let ends = async {
            let ended = ends.await;
            over.set(true);
            ended
        };
        let (last, command) = join(writes(disk, &words, &written, &over), ends).await;
        self.has_ended(guest);
        let (prompt, times) = (guest.name(), written.get());
        self.log.step(format!(
            "{prompt}$ sriov-certify {words}\n(written {times} times, then: {last:?})"
        ))?;
        self.log.step(format!("$ {}", command?))?;
        if times == 0 || last.is_ok() {
            let text = format!("the guest was not killed in the midst of writing: {last:?}");
            return Err(anyhow!(text).into());
        }
        self.state_of(guest.name()).await
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

/// Writes again and again, until that is over or has no answer any more. Returns the last answer.
async fn writes(
    disk: &Disk,
    words: &str,
    written: &Cell<u32>,
    over: &Cell<bool>,
) -> io::Result<Output> {
    loop {
        let output = disk.run(words).await?;
        if over.get() || !output.success() {
            return Ok(output);
        }
        written.set(written.get() + 1);
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
