//! Frames between two interfaces, in verbs.

use std::io;
use std::iter::once;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures_util::future::join;

use super::place::Place;
use super::{Bench, GUEST_LOST, Running, STEP_LIMIT, within};
use crate::facts::{self, NetFacts};
use crate::finding::Problem;
use crate::machine::Output;
use crate::pci::Bdf;
use crate::traffic::Pinged;
use crate::undo::Undo;

/// This program, on whichever machine it runs.
pub(super) const PROGRAM: &str = "/proc/self/exe";

/// How long a ping may take with all sizes of a large MTU, and its echo longer.
pub(super) const PING: Duration = Duration::from_secs(90);
const LONGER: Duration = Duration::from_secs(10);
pub(super) const LIMIT: Duration = Duration::from_secs(110);

/// How often frames are counted while more are waited for.
const COUNT_EVERY: Duration = Duration::from_millis(200);

/// The header of a frame, which the MTU does not count (Linux include/uapi/linux/if_ether.h, `ETH_HLEN`).
const HEADER: u32 = 14;

/// An interface that frames come from or go to.
pub struct End {
    pub(super) place: Place,
    net: NetFacts,
}

impl End {
    pub(super) fn at(place: Place, net: NetFacts) -> Self {
        Self { place, net }
    }

    /// What its machine calls it.
    pub(super) fn interface(&self) -> &str {
        &self.net.name
    }

    /// Its address.
    pub(super) fn address(&self) -> &str {
        &self.net.mac
    }

    /// How many frames have come in by it (Linux Documentation/ABI/testing/sysfs-class-net-statistics).
    pub(super) async fn received(&self) -> io::Result<u64> {
        let path = format!("/sys/class/net/{}/statistics/rx_packets", self.net.name);
        let text = within(STEP_LIMIT, self.place.host.read(&path)).await?;
        let count = String::from_utf8_lossy(&text).trim().parse();
        count.map_err(io::Error::other)
    }
}

impl Bench {
    /// The interface of a function of this machine, put up.
    pub async fn end_here(&mut self, bdf: Bdf) -> Result<End, Problem> {
        let nets = self.nets_of(bdf).await?;
        let end = End::at(Place::here(&self.host), first(nets)?);
        if !end.net.up {
            let undo = Undo::Link {
                bdf,
                up: false,
                mtu: end.net.mtu,
            };
            self.command(&["ip", "link", "set", "dev", &end.net.name, "up"], undo)
                .await?;
        }
        Ok(end)
    }

    /// The interface of a function in a guest, where it is up already.
    pub async fn end_in(&mut self, guest: &Running, bdf: Bdf) -> Result<End, Problem> {
        let nets = within(STEP_LIMIT, facts::net(guest.host.as_ref(), bdf)).await;
        let nets = nets
            .map_err(|error| Problem::from(error).instead_of_silence(&GUEST_LOST, guest.name()))?;
        Ok(End::at(Place::guest(guest), first(nets)?))
    }

    /// How many frames have come in at an end, once it is more than so many or the time is over.
    pub async fn frames_at(
        &mut self,
        end: &End,
        more_than: u64,
        limit: Duration,
    ) -> Result<u64, Problem> {
        let mut frames = 0;
        let counted = self.until_every(COUNT_EVERY, limit, async || {
            frames = end.received().await?;
            Ok((frames > more_than).then_some(()))
        });
        let counted = counted.await;
        counted.map_err(|problem| end.place.blame(problem))?;
        let (place, name) = (&end.place.prompt, &end.net.name);
        self.log.step(format!(
            "{place}$ cat /sys/class/net/{name}/statistics/rx_packets\n{frames}"
        ))?;
        Ok(frames)
    }

    /// Sends frames of all sizes that both ends take from one to the other, which sends each back.
    pub async fn ping(&mut self, from: &End, to: &End) -> Result<Pinged, Problem> {
        let talk = Talk::ping(from, to, [Duration::ZERO, PING]);
        self.pinged(&talk).await
    }

    /// Sends frames of one size from one end to the other and back, one by one, for as long as a sample takes.
    pub async fn round_trips(
        &mut self,
        from: &End,
        to: &End,
        size: u16,
    ) -> Result<Pinged, Problem> {
        let seconds = Duration::from_secs(self.settings.stream_seconds.into());
        let times = [seconds, seconds + LONGER];
        let talk = Talk::echoed(
            from,
            to,
            &format!("--smallest {size} --largest {size} --at-once 1"),
            times,
        );
        self.pinged(&talk).await
    }

    async fn pinged(&mut self, talk: &Talk<'_>) -> Result<Pinged, Problem> {
        let [pinged, echoed] = self.hear(talk).await?;
        // That nobody listened there says nothing of whoever asked.
        result("echo", &echoed)?;
        told(&pinged)
    }

    /// What both ends said in the end: that frames come from, and that they go to.
    pub(super) async fn hear(&mut self, talk: &Talk<'_>) -> Result<[Output; 2], Problem> {
        let heard = talk.run().await;
        self.heard(talk, heard)
    }

    /// The same of a talk that has ended.
    pub(super) fn heard(&mut self, talk: &Talk<'_>, heard: Heard) -> Result<[Output; 2], Problem> {
        self.write_down(talk, &heard)?;
        let far = heard.far.map_err(|error| silent(talk.to, error))?;
        let near = heard.near.map_err(|error| silent(talk.from, error))?;
        Ok([near, far])
    }

    pub(super) fn write_down(&mut self, talk: &Talk<'_>, heard: &Heard) -> Result<(), Problem> {
        self.said(talk.to, &talk.far, &heard.far)?;
        self.said(talk.from, &talk.near, &heard.near)
    }

    /// What this program said at an end, into the transcript.
    pub(super) fn said(
        &mut self,
        end: &End,
        words: &[String],
        output: &io::Result<Output>,
    ) -> Result<(), Problem> {
        let words = words.join(" ");
        let text = match output {
            Ok(output) => format!("{}{}", output.text(), output.stderr),
            Err(error) => error.to_string(),
        };
        let step = format!("{}$ sriov-certify {words}\n{text}", end.place.prompt);
        Ok(self.log.step(step)?)
    }
}

/// Frames on their way from one end to the other: what this program is told at each.
pub(super) struct Talk<'a> {
    from: &'a End,
    to: &'a End,
    near: Vec<String>,
    far: Vec<String>,
}

/// What its two sides said.
pub(super) struct Heard {
    pub(super) near: io::Result<Output>,
    pub(super) far: io::Result<Output>,
}

impl<'a> Talk<'a> {
    /// Of this program with these words, parted by spaces, after `traffic`.
    pub(super) fn new(from: &'a End, near: &str, to: &'a End, far: &str) -> Self {
        Self {
            from,
            to,
            near: words(near),
            far: words(far),
        }
    }

    /// There and back, until all sizes have passed and for that long at least, but not longer than for that
    /// long.
    pub(super) fn ping(from: &'a End, to: &'a End, [least, most]: [Duration; 2]) -> Self {
        let largest = from.net.mtu.min(to.net.mtu) + HEADER;
        Self::echoed(from, to, &format!("--largest {largest}"), [least, most])
    }

    /// There and back, these frames.
    fn echoed(from: &'a End, to: &'a End, frames: &str, [least, most]: [Duration; 2]) -> Self {
        let (interface, peer) = (&from.net.name, &to.net.mac);
        let (at_least, seconds) = (least.as_secs(), most.as_secs());
        let ping = format!(
            "ping --interface {interface} --to {peer} {frames} --at-least {at_least} --seconds {seconds} --json"
        );
        let echo = format!(
            "echo --interface {} --once --seconds {}",
            to.net.name,
            (most + LONGER).as_secs()
        );
        Self::new(from, &ping, to, &echo)
    }

    pub(super) async fn run(&self) -> Heard {
        let (far, near) = join(runs(self.to, &self.far), runs(self.from, &self.near)).await;
        Heard { near, far }
    }
}

/// What this program is told, after its name.
pub(super) fn words(line: &str) -> Vec<String> {
    let words = once("traffic").chain(line.split(' '));
    words.map(str::to_owned).collect()
}

pub(super) async fn runs(end: &End, words: &[String]) -> io::Result<Output> {
    let argv: Vec<&str> = once(PROGRAM)
        .chain(words.iter().map(String::as_str))
        .collect();
    within(LIMIT, end.place.host.run(&argv)).await
}

pub(super) fn silent(end: &End, error: io::Error) -> Problem {
    end.place.blame(error.into())
}

fn first(nets: Vec<NetFacts>) -> anyhow::Result<NetFacts> {
    let net = nets.into_iter().next();
    net.context("a function has lost its network interface")
}

pub(super) fn told(output: &Output) -> Result<Pinged, Problem> {
    let json = result("ping", output)?;
    Ok(serde_json::from_slice(json).context("`traffic ping` told no result")?)
}

/// What `traffic` prints. Exit code 1 is a result too: that not all frames passed.
pub(super) fn result<'a>(verb: &str, output: &'a Output) -> Result<&'a [u8], Problem> {
    if output.status > 1 {
        let why = output.stderr.trim();
        return Err(anyhow!("`traffic {verb}`: {why}").into());
    }
    Ok(&output.stdout)
}
