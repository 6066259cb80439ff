//! The program's own `traffic`, on the machine and in its guests: who reaches whom.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::machine::Output;
use crate::traffic::{Pinged, SMALLEST, Said};

use super::World;
use super::commands::{failed, printed};
use super::fault::Fault;
use super::function::Function;
use super::streams::Streams;

/// How often a side looks whether the other is there.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Frames beyond this size are lost under [`Fault::LargeFramesLost`].
const SMALL: u16 = 1000;

/// How many frames a ping is, for those who count them: one of each size up to an MTU of 1500.
const COUNTED: u64 = 1455;

/// The frames that pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    /// The addresses at which a `traffic echo` answers.
    echoes: BTreeSet<String>,
    /// The addresses of partners: machines that are not this one.
    partners: BTreeSet<String>,
    /// How many have come in at an address.
    received: BTreeMap<String, u64>,
    /// How many guests were killed.
    kills: u32,
    /// Those of `traffic send`.
    pub(super) streams: Streams,
}

impl Frames {
    /// As sysfs tells it.
    pub(super) fn received(&self, mac: &str) -> String {
        format!("{}\n", self.received.get(mac).unwrap_or(&0))
    }

    pub(super) fn a_guest_was_killed(&mut self) {
        self.kills += 1;
    }

    fn count(&mut self, mac: &str) {
        *self.received.entry(mac.to_owned()).or_default() += COUNTED;
    }
}

/// Where the program runs.
pub(super) struct Side<'a> {
    pub(super) world: &'a Rc<RefCell<World>>,
    /// The guest, where it is one.
    pub(super) guest: Option<&'a str>,
}

impl Side<'_> {
    /// Runs `traffic` with these words.
    pub(super) async fn traffic(&self, words: &[&str]) -> Output {
        let Some(mac) = self.address(option(words, "--interface")) else {
            return failed(64, "there is no such interface");
        };
        match words {
            ["ask", ..] => self.ask(words).await,
            _ => self.verb(mac, words).await,
        }
    }

    /// Has the partner do something.
    async fn ask(&self, words: &[&str]) -> Output {
        let partner = option(words, "--to").to_owned();
        if self.world.borrow().model.has(Fault::PartnerSilent) {
            return failed(1, &format!("the partner at {partner} is silent"));
        }
        let mac = partner.clone();
        self.world.borrow_mut().frames.partners.insert(mac);
        let start = words.iter().position(|word| *word == "--");
        let words = start.map_or(&[][..], |start| &words[start + 1..]);
        let output = match words {
            ["about"] => printed(r#"{"name":"partner0","mtu":1500,"boot":"another"}"#),
            _ => self.verb(partner, words).await,
        };
        let said = Said {
            status: output.status,
            stdout: output.text(),
            stderr: output.stderr,
        };
        printed(serde_json::to_string(&said).unwrap_or_default())
    }

    async fn verb(&self, mac: String, words: &[&str]) -> Output {
        match words {
            ["echo", ..] => self.echo(mac, seconds(words, "--seconds")).await,
            ["ping", ..] => self.ping(&mac, words).await,
            ["receive", ..] => self.receive(mac, words).await,
            ["send", ..] => self.send(&mac, words).await,
            _ => failed(64, "`traffic` is echo, ping, receive or send"),
        }
    }

    fn address(&self, interface: &str) -> Option<String> {
        let mut world = self.world.borrow_mut();
        world.catch_up(Instant::now());
        match self.guest {
            Some(guest) => world.address_of_card(guest, interface),
            None => world.address_of(interface),
        }
    }

    async fn echo(&self, mac: String, limit: Duration) -> Output {
        let end = Instant::now() + limit;
        self.world.borrow_mut().frames.echoes.insert(mac.clone());
        while self.world.borrow().frames.echoes.contains(&mac) {
            if Instant::now() >= end {
                self.world.borrow_mut().frames.echoes.remove(&mac);
            }
            sleep(LOOK_EVERY).await;
        }
        printed("answered\n")
    }

    async fn ping(&self, from: &str, words: &[&str]) -> Output {
        let to = option(words, "--to");
        let end = Instant::now() + Duration::from_secs(10);
        while !self.world.borrow_mut().reaches(from, to) {
            if Instant::now() >= end {
                return result(&Pinged::default());
            }
            sleep(LOOK_EVERY).await;
        }
        let kills = self.world.borrow_mut().pass(from, to);
        sleep(seconds(words, "--at-least")).await;
        let largest = option(words, "--largest").parse().unwrap_or(SMALL);
        let least = self
            .world
            .borrow_mut()
            .least_lost([from, to], kills, largest);
        let lost: Vec<u16> = (least..largest).map(|size| size + 1).collect();
        let sent = u64::from(largest - 59);
        let time = self.world.borrow_mut().round_trip(from);
        result(&Pinged {
            reached: true,
            sent,
            answered: sent - lost.len() as u64,
            lost,
            median_ns: time,
            most_ns: 2 * time,
            max_ns: 3 * time,
            ..Pinged::default()
        })
    }
}

fn result(pinged: &Pinged) -> Output {
    Output {
        status: i32::from(!pinged.is_unharmed()),
        ..printed(serde_json::to_string(pinged).unwrap_or_default())
    }
}

pub(super) fn option<'a>(words: &[&'a str], name: &str) -> &'a str {
    let mut pairs = words.windows(2);
    let pair = pairs.find(|pair| pair[0] == name);
    pair.map_or("", |pair| pair[1])
}

pub(super) fn seconds(words: &[&str], name: &str) -> Duration {
    Duration::from_secs(option(words, name).parse().unwrap_or(60))
}

impl World {
    fn address_of(&self, interface: &str) -> Option<String> {
        let interface = self.owner(interface)?.interface_named(interface)?;
        interface.up.then(|| interface.address())
    }

    /// Frames pass between two addresses. Returns how many guests were killed before.
    fn pass(&mut self, from: &str, to: &str) -> u32 {
        for mac in [from, to] {
            self.frames.count(mac);
            self.publish_address(mac);
        }
        self.frames.kills
    }

    /// Shows the interface of an address as it is now.
    fn publish_address(&mut self, mac: &str) {
        let has = |function: &&Function| {
            let interface = function.interface.as_ref();
            interface.is_some_and(|own| own.address() == mac)
        };
        let owner = self.functions().find(has).map(|owner| owner.bdf);
        if let Some(bdf) = owner {
            self.at(bdf, |world| world.publish(bdf));
        }
    }

    /// The largest frame that all of a ping's came back up to, in the end.
    fn least_lost(&mut self, ends: [&str; 2], kills: u32, largest: u16) -> u16 {
        self.catch_up(Instant::now());
        let killed = self.frames.kills > kills;
        let harmed = killed && self.model.has(Fault::KillHarmsNeighbours);
        let cut = ends.into_iter().any(|mac| !self.is_anywhere(mac));
        match () {
            () if cut || harmed => SMALLEST,
            () if self.model.has(Fault::LargeFramesLost) => SMALL.min(largest),
            () => largest,
        }
    }

    fn is_anywhere(&self, mac: &str) -> bool {
        let mut functions = self.functions();
        let here = functions.any(|function| {
            let interface = function.interface.as_ref();
            interface.is_some_and(|own| own.address() == mac)
        });
        here || self.is_in_a_guest(mac) || self.is_a_partner(mac)
    }

    /// Whether it is that of another machine, with which nothing is wrong.
    pub(super) fn is_a_partner(&self, mac: &str) -> bool {
        self.frames.partners.contains(mac)
    }

    /// Whether somebody answers there. An answer ends the echo.
    fn reaches(&mut self, from: &str, to: &str) -> bool {
        !self.is_closed(from, to) && self.frames.echoes.remove(to)
    }

    /// Whether nothing passes between two addresses.
    pub(super) fn is_closed(&self, from: &str, to: &str) -> bool {
        let mut pfs = self.devices().filter_map(|it| it.pf.interface.as_ref());
        let by_cable = [from, to].into_iter().any(|mac| self.is_a_partner(mac));
        let between_vfs = !by_cable && !pfs.any(|pf| [from, to].contains(&pf.address().as_str()));
        let standby = [from, to]
            .into_iter()
            .any(|mac| self.passes_by_standby(mac));
        (between_vfs && !standby && self.model.has(Fault::SwitchClosed))
            || (standby && self.model.has(Fault::StandbySilent))
    }
}
