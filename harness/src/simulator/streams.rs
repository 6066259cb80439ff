//! The program's own `traffic send` and `receive`: how many frames a link carries, by a small model of it.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use crate::guest::Model;
use crate::machine::Output;
use crate::stream::{Backend, Received, Sent, Tally};

use super::World;
use super::commands::{failed, printed};
use super::fault::Fault;
use super::traffic::{LOOK_EVERY, Side, option, seconds};

/// How long one side waits for the other.
const MEET: Duration = Duration::from_secs(30);
/// What a frame takes of the wire beside its bytes (IEEE 802.3, 3.1.1 and 4.4.2), in bytes.
const ON_THE_WIRE: f64 = 24.0;
/// How much a sample differs from another, at most.
const NOISE: f64 = 0.01;

/// Who listens, and what has become of what came.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    /// By address; `None` while nothing has come.
    listening: BTreeMap<String, Option<Received>>,
    /// How many an address has sent.
    sent: BTreeMap<String, u64>,
}

impl Side<'_> {
    pub(super) async fn receive(&self, mac: String, words: &[&str]) -> Output {
        let end = Instant::now() + MEET + seconds(words, "--seconds");
        self.world.borrow_mut().listen(&mac, None);
        while self.world.borrow().hears_nothing(&mac) && Instant::now() < end {
            sleep(LOOK_EVERY).await;
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
        sleep(time).await;
        let size = option(words, "--size").parse().unwrap_or(60);
        let mut world = self.world.borrow_mut();
        let (sent, received) = world.stream(from, size, time, backend(words));
        world.listen(to, Some(received));
        json(&sent, !sent.stalled)
    }
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
        from: &str,
        size: u16,
        time: Duration,
        backend: Backend,
    ) -> (Sent, Received) {
        let frames = (time.as_secs_f64() * 1e6 / self.each(from, size)) as u64;
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
            stalled: self.has(from, Fault::VfQueueStops, None),
        };
        let received = self.arrives(from, &sent);
        (sent, received)
    }

    /// What comes of what a sender has sent.
    fn arrives(&self, from: &str, sent: &Sent) -> Received {
        let stalls = self.has(from, Fault::VfStreamStalls, Some(Fault::EmulatedStalls));
        let slow = self.has(from, Fault::ReceiverSlow, None);
        let lost = match (stalls, slow) {
            (true, _) => sent.frames / 2,
            (_, true) => sent.frames - sent.frames / 500,
            _ => 0,
        };
        let harms = u64::from(self.has(from, Fault::VfStreamHarms, None));
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

    /// Whether the sender at an address has a fault, one where it is a VF and the other where it is emulated.
    fn has(&self, from: &str, vf: Fault, emulated: Option<Fault>) -> bool {
        let fault = match self.model_of(from) {
            None => Some(vf),
            Some(_) => emulated,
        };
        fault.is_some_and(|fault| self.model.has(fault))
    }

    /// How long a frame takes, in microseconds: what the wire takes, or whoever sends it where that is longer.
    fn each(&mut self, from: &str, size: u16) -> f64 {
        let sent = self.frames.streams.sent.entry(from.to_owned()).or_default();
        *sent += 1;
        let number = *sent;
        let wire = (f64::from(size) + ON_THE_WIRE) * 8.0 / f64::from(self.model.row.speed);
        let noise = NOISE * Rng::with_seed(number).f64();
        wire.max(self.cost(from, number)) * (1.0 + noise)
    }

    /// What a frame costs the machine that sends it, in microseconds: assumed.
    fn cost(&self, from: &str, number: u64) -> f64 {
        const EMULATED: f64 = 60.0;
        const BY_HARDWARE: f64 = 0.01;
        match self.model_of(from) {
            Some(Model::E1000e) if self.model.has(Fault::EmulatedQuick) => BY_HARDWARE,
            Some(Model::E1000e) => EMULATED,
            Some(Model::Virtio) => 4.0,
            None if self.model.has(Fault::VfSlow) => EMULATED,
            None if self.model.has(Fault::BenchNoisy) && number.is_multiple_of(2) => 2.0 * EMULATED,
            None => BY_HARDWARE,
        }
    }
}
