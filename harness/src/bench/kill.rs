//! A guest that is killed in the midst of traffic, in verbs.

use std::io;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::join3;
use tokio::time::Instant;

use super::echo::{Heard, PING, Talk, named, told};
use super::{Bench, End, Running, STEP_LIMIT, within};
use crate::finding::Problem;
use crate::machine::Output;
use crate::traffic::Pinged;

/// How long frames pass at least.
const TRAFFIC: Duration = Duration::from_secs(6);
/// How long the counters of the interfaces may take to tell that frames pass. Some drivers ask the card only now and then.
const BEGINS: Duration = Duration::from_secs(3);
/// How many tell it.
const FRAMES: u64 = 50;

/// How often libvirt is asked whether a guest has ended.
const ASK_EVERY: Duration = Duration::from_millis(200);

impl Bench {
    /// Kills the emulator of a guest while frames pass between the `doomed`, the second of which is in
    /// the guest, and between its `neighbours`. Returns what came of the neighbours' frames.
    pub async fn kill_amid(
        &mut self,
        guest: &Running,
        doomed: [&End; 2],
        neighbours: [&End; 2],
    ) -> Result<Pinged, Problem> {
        let process = self.process_of(guest).await?;
        self.is_emulator_of(process, guest).await?;
        // What nobody answers any more need not be waited for.
        let doomed_talk = Talk::new(doomed[0], doomed[1], [TRAFFIC, TRAFFIC]);
        let talk = Talk::new(neighbours[0], neighbours[1], [TRAFFIC, PING]);
        let until_the_end = async { (talk.run().await, Instant::now()) };
        let (lost, (heard, ended), killed) = join3(
            doomed_talk.run(),
            until_the_end,
            self.kill(process, [doomed[1], neighbours[0]]),
        )
        .await;
        self.write_down(&doomed_talk, &lost)?;
        self.write_down(&talk, &heard)?;
        let (killed, output) = killed?;
        self.has_ended(guest);
        self.log
            .step(format!("$ kill -9 {process}\n{}", output.stderr))?;
        was_under_way(&lost, ended >= killed)?;
        told(&heard.pinged?)
    }

    /// Kills a process once frames come in at these ends. Returns when.
    async fn kill(&self, process: u32, ends: [&End; 2]) -> Result<(Instant, Output), Problem> {
        let start = Instant::now();
        for end in ends {
            let limit = BEGINS.saturating_sub(start.elapsed());
            self.begins(end, limit).await?;
        }
        // The shell's own: not every machine has a program of that name.
        let kill = format!("kill -9 {process}");
        let output = within(STEP_LIMIT, self.host.run(&["sh", "-c", &kill])).await?;
        if output.success() {
            Ok((Instant::now(), output))
        } else {
            Err(anyhow!("`{kill}`: {}", output.stderr).into())
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
        seen.map_err(|problem| named(&end.place, problem)).map(drop)
    }

    /// Waits until libvirt says that a guest has ended. Returns the state it says in the end.
    pub async fn wait_until_ended(
        &mut self,
        guest: &Running,
        limit: Duration,
    ) -> Result<String, Problem> {
        let host = self.host.clone();
        let argv = ["virsh", "domstate", guest.name()];
        self.until_every(ASK_EVERY, limit, async || {
            let output = within(STEP_LIMIT, host.run(&argv)).await?;
            Ok((output.text().trim() == "shut off").then_some(()))
        })
        .await?;
        self.state_of(guest.name()).await
    }
}

/// A guest that was killed before its frames began, or when all had passed, proves nothing.
fn was_under_way(lost: &Heard, neighbours_outlast: bool) -> Result<(), Problem> {
    let pinged = match &lost.pinged {
        Ok(output) => told(output)?,
        Err(error) => return Err(io::Error::new(error.kind(), error.to_string()).into()),
    };
    if pinged.reached && !pinged.is_unharmed() && neighbours_outlast {
        return Ok(());
    }
    let text =
        format!("the guest was not killed in the midst of traffic; its own frames: {pinged}");
    Err(anyhow!(text).into())
}
