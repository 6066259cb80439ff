//! The program's own `traffic send` and `receive`: how many frames a link carries, by a small model of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use crate::guest::Model;
use crate::machine::Output;
use crate::stream::{Backend, Received, Sent, Tally, line_rate};

use super::World;
use super::commands::{failed, printed};
use super::fault::Fault;
use super::function::{Device, Function};
use super::traffic::{LOOK_EVERY, Side, option, seconds};

/// How long one side waits for the other.
const MEET: Duration = Duration::from_secs(30);
/// How often a receiver looks whether all has come: rarely, since thousands of streams are simulated.
const HEARS_EVERY: Duration = Duration::from_millis(250);
/// Where the kernel tells how busy processors were.
pub(super) const STAT: &str = "/proc/stat";
/// How many streams whoever tires endures; from then on each of its frames takes twice as long.
const ENDURES: u64 = 15;
/// How much a sample differs from another, at most.
const NOISE: f64 = 0.01;

/// Who listens, and what has become of what came.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    /// By address, with all that has come.
    listening: BTreeMap<String, Vec<Received>>,
    /// How many streams an address has sent, and how many pings.
    sent: BTreeMap<String, u64>,
    pinged: BTreeMap<String, u64>,
    /// Who sends, and to whom.
    under_way: BTreeSet<[String; 2]>,
    /// How long the machine's processors were busy with it all, in seconds.
    busy: f64,
}

/// Who sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Vf,
    Pf,
    Emulated(Model),
    /// The other device, with its VFs: nothing is wrong with it.
    Other,
}

impl Streams {
    /// Whoever has this address has sent nothing yet.
    pub(super) fn forget(&mut self, mac: &str) {
        self.sent.remove(mac);
        self.pinged.remove(mac);
    }
}

impl Side<'_> {
    pub(super) async fn receive(&self, mac: String, words: &[&str]) -> Output {
        let end = Instant::now() + MEET + seconds(words, "--seconds");
        let senders = option(words, "--senders").parse().unwrap_or(1);
        self.world.borrow_mut().listen(&mac);
        while self.world.borrow().heard(&mac) < senders && Instant::now() < end {
            sleep(HEARS_EVERY).await;
        }
        let heard = self.world.borrow_mut().listens_no_more(&mac);
        let all_came = heard.len() == senders;
        match heard.into_iter().reduce(both) {
            Some(mut received) => {
                received.complete &= all_came;
                json(&received, received.is_whole())
            }
            None => failed(2, "Error: nobody has asked within 30 s"),
        }
    }

    pub(super) async fn send(&self, from: &str, words: &[&str]) -> Output {
        let to = option(words, "--to");
        let end = Instant::now() + MEET;
        while !self.world.borrow().meets(from, to) {
            if Instant::now() >= end {
                return failed(
                    2,
                    &format!("Error: nobody at {to} has answered within 30 s"),
                );
            }
            sleep(LOOK_EVERY).await;
        }
        let time = seconds(words, "--seconds");
        let way = [from, to].map(str::to_owned);
        self.world.borrow_mut().set_out(way.clone());
        sleep(time / 2).await;
        let share = self.world.borrow().share(from, to);
        sleep(time / 2).await;
        let mut world = self.world.borrow_mut();
        world.frames.streams.under_way.remove(&way);
        let (sent, mut received) = world.stream(from, share, words);
        let flow = option(words, "--flow").parse().unwrap_or(0);
        received.by_flow.insert(flow, received.tally);
        world.hear(to, received);
        json(&sent, !sent.stalled)
    }
}

/// What came of two senders.
fn both(one: Received, mut other: Received) -> Received {
    other.by_flow.extend(one.by_flow);
    Received {
        tally: one.tally.and(other.tally),
        corrupt: one.corrupt + other.corrupt,
        dropped: one.dropped + other.dropped,
        bytes: one.bytes + other.bytes,
        seconds: one.seconds.max(other.seconds),
        complete: one.complete && other.complete,
        ..other
    }
}

/// The number of a sample among those of whoever sends, from 1 on.
fn next(counts: &mut BTreeMap<String, u64>, from: &str) -> u64 {
    let count = counts.entry(from.to_owned()).or_default();
    *count += 1;
    *count
}

/// What `/proc/stat` says of a machine whose processors were busy for that long since it was started
/// (Linux Documentation/filesystems/proc.rst, section 1.7).
pub(super) fn stat(busy: f64) -> String {
    let ticks = busy * 100.0;
    format!("cpu  {ticks:.0} 0 1000 100000 0 0 0 0 0 0\n")
}

fn json<T: serde::Serialize>(result: &T, well: bool) -> Output {
    Output {
        status: i32::from(!well),
        ..printed(serde_json::to_string(result).unwrap_or_default())
    }
}

/// Assumed: what all drivers of Linux can.
fn offloads() -> Vec<String> {
    ["rx", "tx", "sg", "gso", "gro"].map(str::to_owned).into()
}

/// The one that is asked for, or the best.
fn backend(words: &[&str]) -> Backend {
    match option(words, "--backend") {
        "pnet" => Backend::Pnet,
        "batched" => Backend::Batched,
        _ => Backend::Xdp,
    }
}

impl World {
    fn listen(&mut self, mac: &str) {
        let listening = &mut self.frames.streams.listening;
        listening.insert(mac.to_owned(), Vec::new());
    }

    fn hear(&mut self, mac: &str, received: Received) {
        if let Some(heard) = self.frames.streams.listening.get_mut(mac) {
            heard.push(received);
        }
    }

    /// How many streams have come to their end there.
    fn heard(&self, mac: &str) -> usize {
        let heard = self.frames.streams.listening.get(mac);
        heard.map_or(0, Vec::len)
    }

    fn listens_no_more(&mut self, mac: &str) -> Vec<Received> {
        let heard = self.frames.streams.listening.remove(mac);
        heard.unwrap_or_default()
    }

    fn set_out(&mut self, way: [String; 2]) {
        self.frames.streams.under_way.insert(way);
    }

    /// What part of all that the wire carries is left for one of those who send to an address.
    fn share(&self, from: &str, to: &str) -> f64 {
        let under_way = &self.frames.streams.under_way;
        let rivals = under_way.iter().filter(|way| way[1] == to);
        let rivals: Vec<&str> = rivals.map(|way| way[0].as_str()).collect();
        let is_first = |mac: &str| rivals.first() == Some(&mac);
        let weight = |mac: &str| match () {
            () if self.model.has(Fault::VfsUnfair) && !is_first(mac) => 0.15,
            () if self.model.has(Fault::VfStarved) && is_first(mac) => 0.01,
            () => 1.0,
        };
        let all: f64 = rivals.iter().map(|mac| weight(mac)).sum();
        let back = [to, from].map(str::to_owned);
        let met = under_way.contains(&back) && self.is_vf(from);
        let part = match () {
            () if met && self.model.has(Fault::VfHalfDuplex) => 0.01,
            () if rivals.len() > 1 && self.model.has(Fault::VfsCrowded) => 0.5,
            () => 1.0,
        };
        part * weight(from) / all
    }

    fn meets(&self, from: &str, to: &str) -> bool {
        self.frames.streams.listening.contains_key(to) && !self.is_closed(from, to)
    }

    /// What is sent by these words and with that share of the wire, and what comes of it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of frames"
    )]
    fn stream(&mut self, from: &str, share: f64, words: &[&str]) -> (Sent, Received) {
        let size = option(words, "--size").parse().unwrap_or(60);
        let time = seconds(words, "--seconds");
        let rate = option(words, "--rate").parse().unwrap_or(f64::INFINITY);
        let most = (1e6 / self.each(from, size) * share).min(rate);
        let frames = (time.as_secs_f64() * most) as u64;
        self.spend(from, frames);
        let quick = if self.model.has(Fault::ClockQuick) {
            3.0
        } else {
            1.0
        };
        let sent = Sent {
            backend: backend(words),
            offloads: Some(offloads()),
            frames,
            bytes: frames * u64::from(size),
            seconds: time.as_secs_f64() / quick,
            cpu_seconds: time.as_secs_f64(),
            full: 0,
            stalled: self.is_vf(from) && self.model.has(Fault::VfQueueStops),
        };
        let received = self.arrives(from, &sent);
        (sent, received)
    }

    /// What so many frames cost the machine's processors: assumed, in seconds each.
    #[expect(clippy::cast_precision_loss, reason = "far below 2 to the power of 52")]
    fn spend(&mut self, from: &str, frames: u64) {
        let each = match self.sender(from) {
            Sender::Emulated(Model::E1000e) => 60e-6,
            Sender::Emulated(Model::Virtio) => 4e-6,
            Sender::Vf if self.model.has(Fault::VfCostly) => 60e-6,
            Sender::Vf | Sender::Pf | Sender::Other => 1e-6,
        };
        self.frames.streams.busy += each * frames as f64;
        let stat = stat(self.frames.streams.busy);
        self.tree.file(STAT, stat);
    }

    /// What comes of what a sender has sent.
    fn arrives(&self, from: &str, sent: &Sent) -> Received {
        let sender = self.sender(from);
        let stalls = match sender {
            Sender::Vf => self.model.has(Fault::VfStreamStalls),
            Sender::Pf => self.model.has(Fault::PfStreamStalls),
            Sender::Emulated(_) => self.model.has(Fault::EmulatedStalls),
            Sender::Other => false,
        };
        let many = matches!(sender, Sender::Vf | Sender::Pf);
        let slow = many && self.model.has(Fault::ReceiverSlow);
        let lost = match (stalls, slow) {
            (true, _) => sent.frames / 2,
            (_, true) => sent.frames - sent.frames / 500,
            _ => 0,
        };
        let harms = u64::from(self.is_vf(from) && self.model.has(Fault::VfStreamHarms));
        Received {
            backend: Backend::Batched,
            offloads: Some(offloads()),
            tally: Tally {
                received: sent.frames - lost,
                lost,
                duplicates: harms,
                reordered: 0,
            },
            by_flow: BTreeMap::new(),
            corrupt: 2 * harms,
            latency: None,
            dropped: if slow { lost } else { 0 },
            bytes: sent.bytes - lost * (sent.bytes / sent.frames),
            seconds: sent.seconds,
            cpu_seconds: sent.cpu_seconds,
            complete: !stalls,
        }
    }

    /// Who has an address, if it is anyone's.
    fn sender(&self, from: &str) -> Sender {
        let is = |function: &Function| {
            let interface = function.interface.as_ref();
            interface.is_some_and(|own| own.address() == from)
        };
        let others = self.devices().skip(1).flat_map(Device::functions);
        match self.model_of(from) {
            Some(model) => Sender::Emulated(model),
            None if is(&self.device.pf) => Sender::Pf,
            None if others.into_iter().any(is) || self.is_a_partner(from) => Sender::Other,
            None => Sender::Vf,
        }
    }

    fn is_vf(&self, from: &str) -> bool {
        self.sender(from) == Sender::Vf
    }

    /// How long a short frame takes there and back, in nanoseconds: assumed.
    pub(super) fn round_trip(&mut self, from: &str) -> u64 {
        const EMULATED: u64 = 90_000;
        let number = next(&mut self.frames.streams.pinged, from);
        let late = self.model.has(Fault::VfLate);
        let noisy = self.model.has(Fault::BenchNoisy) && number.is_multiple_of(2);
        let time = match self.sender(from) {
            Sender::Emulated(_) => EMULATED,
            Sender::Vf if late || noisy => EMULATED,
            Sender::Vf | Sender::Pf | Sender::Other => EMULATED / 3,
        };
        time + Rng::with_seed(number).u64(..time / 100)
    }

    /// How long a frame takes, in microseconds: what the wire takes, or whoever sends it where that is longer.
    fn each(&mut self, from: &str, size: u16) -> f64 {
        let number = next(&mut self.frames.streams.sent, from);
        let wire = 1e6 / line_rate(self.model.row.speed, size);
        let noise = NOISE * Rng::with_seed(number).f64();
        let tires = self.is_vf(from) && self.model.has(Fault::VfTires);
        let weariness = if tires && number > ENDURES { 1.0 } else { 0.0 };
        let freely = wire.max(self.cost(from, number)) * (1.0 + weariness);
        freely.max(self.limit(from, size)) * (1.0 + noise)
    }

    /// How long a frame takes by a limit of whoever sends it, in microseconds.
    fn limit(&self, from: &str, size: u16) -> f64 {
        let vf = self.vf_in_a_guest(from);
        let own = self.functions().find(|own| Some(own.bdf) == vf);
        let rate = own.map_or(0, |own| own.rate);
        let effect = match () {
            () if rate == 0 || self.model.has(Fault::RateIgnored) => return 0.0,
            () if self.model.has(Fault::RateHarsh) => 0.1,
            () => 1.0,
        };
        f64::from(size) * 8.0 / (f64::from(rate) * effect)
    }

    /// What a frame costs the machine that sends it, in microseconds: assumed.
    fn cost(&self, from: &str, number: u64) -> f64 {
        const EMULATED: f64 = 60.0;
        const BY_HARDWARE: f64 = 0.01;
        let noisy = self.model.has(Fault::BenchNoisy) && number.is_multiple_of(2);
        match self.sender(from) {
            Sender::Emulated(Model::E1000e) if self.model.has(Fault::EmulatedQuick) => BY_HARDWARE,
            Sender::Emulated(Model::E1000e) => EMULATED,
            Sender::Emulated(Model::Virtio) => 4.0,
            Sender::Vf if self.model.has(Fault::VfSlow) => EMULATED,
            Sender::Vf if noisy => 2.0 * EMULATED,
            Sender::Vf | Sender::Pf | Sender::Other => BY_HARDWARE,
        }
    }
}
