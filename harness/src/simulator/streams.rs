//! The program's own `traffic send` and `receive`: how many frames a link carries, by a small model of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use crate::guest::Model;
use crate::machine::Output;
use crate::stream::{Backend, Received, Sent, Tally};

use super::World;
use super::commands::{failed, printed};
use super::fault::Fault;
use super::function::{Device, Function};
use super::traffic::{LOOK_EVERY, Side, option, seconds};

/// How long one side waits for the other.
const MEET: Duration = Duration::from_secs(30);
/// How often a receiver looks whether all has come: rarely, since thousands of streams are simulated.
const HEARS_EVERY: Duration = Duration::from_millis(250);
/// What a frame takes of the wire beside its bytes (IEEE 802.3, 3.1.1 and 4.4.2), in bytes.
const ON_THE_WIRE: f64 = 24.0;
/// Where the kernel tells how busy processors were.
pub(super) const STAT: &str = "/proc/stat";
/// How many streams whoever tires endures; from then on each of its frames takes twice as long.
const ENDURES: u64 = 15;
/// How much a sample differs from another, at most.
const NOISE: f64 = 0.01;

/// Who listens, and what has become of what came.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    /// By address; `None` while nothing has come.
    listening: BTreeMap<String, Option<Received>>,
    /// How many an address has sent.
    sent: BTreeMap<String, u64>,
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
    }
}

impl Side<'_> {
    pub(super) async fn receive(&self, mac: String, words: &[&str]) -> Output {
        let end = Instant::now() + MEET + seconds(words, "--seconds");
        self.world.borrow_mut().listen(&mac, None);
        while self.world.borrow().hears_nothing(&mac) && Instant::now() < end {
            sleep(HEARS_EVERY).await;
        }
        let heard = self
            .world
            .borrow_mut()
            .frames
            .streams
            .listening
            .remove(&mac);
        match heard.flatten() {
            Some(received) => json(&received, received.is_whole()),
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
        let both_ways = self.world.borrow().is_met(from, to);
        sleep(time / 2).await;
        let size = option(words, "--size").parse().unwrap_or(60);
        let mut world = self.world.borrow_mut();
        world.frames.streams.under_way.remove(&way);
        let (sent, received) = world.stream((from, both_ways), size, time, backend(words));
        world.listen(to, Some(received));
        json(&sent, !sent.stalled)
    }
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

/// The one that is asked for, or the best.
fn backend(words: &[&str]) -> Backend {
    match option(words, "--backend") {
        "pnet" => Backend::Pnet,
        "batched" => Backend::Batched,
        _ => Backend::Xdp,
    }
}

impl World {
    fn listen(&mut self, mac: &str, heard: Option<Received>) {
        let listening = &mut self.frames.streams.listening;
        listening.insert(mac.to_owned(), heard);
    }

    fn hears_nothing(&self, mac: &str) -> bool {
        matches!(self.frames.streams.listening.get(mac), Some(None))
    }

    fn set_out(&mut self, way: [String; 2]) {
        self.frames.streams.under_way.insert(way);
    }

    /// Whether frames go the other way as well.
    fn is_met(&self, from: &str, to: &str) -> bool {
        let back = [to, from].map(str::to_owned);
        self.frames.streams.under_way.contains(&back)
    }

    fn meets(&self, from: &str, to: &str) -> bool {
        self.frames.streams.listening.contains_key(to) && !self.is_closed(from, to)
    }

    /// What is sent in that time, and what comes of it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of frames"
    )]
    fn stream(
        &mut self,
        (from, both_ways): (&str, bool),
        size: u16,
        time: Duration,
        backend: Backend,
    ) -> (Sent, Received) {
        let starves = both_ways && self.is_vf(from) && self.model.has(Fault::VfHalfDuplex);
        let share = if starves { 0.01 } else { 1.0 };
        let frames = (time.as_secs_f64() * 1e6 / self.each(from, size) * share) as u64;
        self.spend(from, frames);
        let quick = if self.model.has(Fault::ClockQuick) {
            3.0
        } else {
            1.0
        };
        let sent = Sent {
            backend,
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
            tally: Tally {
                received: sent.frames - lost,
                lost,
                duplicates: harms,
                reordered: 0,
            },
            corrupt: 2 * harms,
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
            None if others.into_iter().any(is) => Sender::Other,
            None => Sender::Vf,
        }
    }

    fn is_vf(&self, from: &str) -> bool {
        self.sender(from) == Sender::Vf
    }

    /// How long a frame takes, in microseconds: what the wire takes, or whoever sends it where that is longer.
    fn each(&mut self, from: &str, size: u16) -> f64 {
        let sent = self.frames.streams.sent.entry(from.to_owned()).or_default();
        *sent += 1;
        let number = *sent;
        let wire = (f64::from(size) + ON_THE_WIRE) * 8.0 / f64::from(self.model.row.speed);
        let noise = NOISE * Rng::with_seed(number).f64();
        let tires = self.is_vf(from) && self.model.has(Fault::VfTires);
        let weariness = if tires && number > ENDURES { 1.0 } else { 0.0 };
        wire.max(self.cost(from, number)) * (1.0 + noise + weariness)
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
