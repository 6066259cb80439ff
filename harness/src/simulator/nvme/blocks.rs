//! This program's own `blocks`, on the namespaces of the simulated drive, by the machine and by its guests.

use std::time::Duration;

use fastrand::Rng;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::controllers::PRIMARY;
use crate::blocks::{Passed, Rate};
use crate::machine::Output;
use crate::simulator::World;
use crate::simulator::commands::{failed, printed};
use crate::simulator::fault::Fault;
use crate::simulator::traffic::{Side, option, seconds};

/// How long a stretch takes to be written or read: assumed.
const STRETCH: Duration = Duration::from_millis(50);

/// How many transfers a second a VF makes, and the emulator for a guest: assumed.
const BY_VF: f64 = 100_000.0;
const EMULATED: f64 = 40_000.0;
/// How much a sample differs from another, at most.
const NOISE: f64 = 0.01;

/// How blocks are come by.
#[derive(Clone, Copy)]
pub(in crate::simulator) struct Way {
    pub(in crate::simulator) nsid: u32,
    /// The controller.
    pub(in crate::simulator) by: u16,
    /// Whether the emulator makes a disk of it.
    pub(in crate::simulator) emulated: bool,
}

impl Side<'_> {
    /// Runs `blocks` with these words.
    pub(in crate::simulator) async fn blocks(&self, words: &[&str]) -> Output {
        let output = {
            let mut world = self.world.borrow_mut();
            world.catch_up(Instant::now());
            world.blocks(self.guest, words)
        };
        sleep(match words {
            ["rate", ..] => seconds(words, "--seconds"),
            _ => STRETCH,
        })
        .await;
        output
    }
}

impl World {
    /// `blocks write|verify|rate --device …`.
    fn blocks(&mut self, guest: Option<&str>, words: &[&str]) -> Output {
        let device = option(words, "--device");
        let way = match guest {
            None => self.way_here(device),
            Some(name) => self.way_inside(name, device),
        };
        let missing = || failed(2, &format!("sriov-certify: cannot find {device}"));
        let Some(way) = way else { return missing() };
        let number = |name: &str| option(words, name).parse().unwrap_or(0);
        let at = (number("--first"), number("--count"));
        let seed = option(words, "--seed").parse().unwrap_or(0);
        let namespaces = &mut self.device.controllers.namespaces;
        let passed = if words.contains(&"--overwrite") {
            namespaces.write(way.nsid, way.by, at, seed)
        } else {
            namespaces.verify(way.nsid, way.by, at, seed)
        };
        match passed {
            None => missing(),
            Some(passed) if words.first() == Some(&"rate") => {
                let rate = self.rate(way, &passed, seconds(words, "--seconds"));
                told(&rate, rate.wrong > 0 || rate.failed.is_some())
            }
            Some(passed) => told(&passed, passed.wrong > 0 || passed.failed.is_some()),
        }
    }

    /// The block device of a namespace is used by whoever is attached.
    fn way_here(&self, device: &str) -> Option<Way> {
        let nsid = device.strip_prefix("/dev/nvme0n")?.parse().ok()?;
        let by = self.device.controllers.namespaces.way(nsid)?;
        Some(Way {
            nsid,
            by,
            emulated: false,
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as many transfers as a drive makes"
    )]
    fn rate(&mut self, way: Way, passed: &Passed, time: Duration) -> Rate {
        let by_vf = way.by != PRIMARY;
        let slow = by_vf && self.model.has(Fault::NvmeVfSlow);
        let stalls = way.emulated && self.model.has(Fault::EmulatedStalls);
        let number = self.device.controllers.namespaces.race(by_vf);
        let noisy = by_vf && self.model.has(Fault::BenchNoisy) && number.is_multiple_of(2);
        let freely = match way.emulated || slow {
            true => EMULATED,
            false if noisy => EMULATED / 2.0,
            false => BY_VF,
        };
        let rate = freely * (1.0 - NOISE * Rng::with_seed(number).f64());
        let transfers = (rate * time.as_secs_f64()) as u64;
        Rate {
            transfers,
            bytes: transfers * 4096,
            seconds: time.as_secs_f64(),
            wrong: passed.wrong,
            failed: if stalls {
                Some("reading LBA 0: Input/output error (os error 5)".into())
            } else {
                passed.failed.clone()
            },
        }
    }
}

fn told<T: Serialize>(result: &T, bad: bool) -> Output {
    let json = serde_json::to_string(result).unwrap_or_default();
    Output {
        status: bad.into(),
        ..printed(format!("{json}\n"))
    }
}
