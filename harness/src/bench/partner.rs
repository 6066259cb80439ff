//! The partner at the other end of the PF's cable: another machine that runs `traffic echo --partner`, in verbs.

use std::io;
use std::rc::Rc;

use anyhow::Context;
use async_trait::async_trait;
use serde::Deserialize;

use super::echo::{LIMIT, PROGRAM};
use super::place::Place;
use super::{BOOT_ID, Bench, End, within};
use crate::facts::NetFacts;
use crate::finding::{Finding, Problem};
use crate::machine::{Host, Output};
use crate::traffic::Said;

/// Nobody is there, or nobody who does what is asked.
pub const PARTNER_SILENT: Finding = Finding::bench(
    "partner-silent",
    "The partner that the bench file has at the other end of the cable does not answer.",
    "Start `sriov-certify traffic echo --partner --interface IF --seconds 86400` there, compare the address with `partners` in the bench file, and see device::link_up for the link.",
);

/// In seconds: less than the bench waits for a command.
const LONGEST: u32 = 105;

/// Another machine, which runs nothing but `traffic`. It is asked by an interface of this one.
struct Partner {
    host: Rc<dyn Host>,
    interface: String,
    address: String,
}

/// What a partner says of itself.
#[derive(Deserialize)]
struct About {
    name: String,
    mtu: u32,
    /// The kernel's boot id: whether it is this machine.
    boot: String,
}

impl Bench {
    /// The interface of the partner of that address, and whether it is on another machine.
    pub(super) async fn partner(&mut self, address: &str) -> Result<(End, bool), Problem> {
        let here = self.end_here(self.pf()).await?;
        let partner = Partner {
            host: self.host.clone(),
            interface: here.interface().to_owned(),
            address: address.to_owned(),
        };
        let about = partner.traffic(&["about"]).await;
        let about = about.map_err(|error| {
            Problem::from(error).instead_of_silence(&PARTNER_SILENT, "the partner")
        })?;
        let told = serde_json::from_slice(&about.stdout);
        let About { name, mtu, boot } =
            told.with_context(|| format!("the partner says nothing of itself: {}", about.stderr))?;
        let net = NetFacts {
            name,
            mac: address.to_owned(),
            up: true,
            carrier: Some(true),
            mtu,
            speed: None,
        };
        let is_elsewhere = boot != self.read(BOOT_ID).await?.trim();
        Ok((End::at(Place::partner(Rc::new(partner)), net), is_elsewhere))
    }
}

impl Partner {
    /// Has it run `traffic` with these words.
    async fn traffic(&self, words: &[&str]) -> io::Result<Output> {
        let longest = LONGEST.to_string();
        let ask = [
            PROGRAM,
            "traffic",
            "ask",
            "--interface",
            &self.interface,
            "--to",
            &self.address,
            "--seconds",
            &longest,
            "--",
        ];
        let words = [&ask, words].concat();
        let asked = within(LIMIT, self.host.run(&words)).await?;
        match asked.status {
            0 => {}
            // That it is silent; all else is the matter of this machine.
            1 => return Err(io::Error::new(io::ErrorKind::TimedOut, asked.stderr)),
            _ => return Err(io::Error::other(asked.stderr)),
        }
        let Said {
            status,
            stdout,
            stderr,
        } = serde_json::from_slice(&asked.stdout)?;
        Ok(Output {
            status,
            stdout: stdout.into_bytes(),
            stderr: stderr.trim().to_owned(),
        })
    }
}

fn not_there() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "a partner at the other end of a cable runs `traffic`, and nothing else",
    )
}

#[async_trait(?Send)]
impl Host for Partner {
    async fn read(&self, _path: &str) -> io::Result<Vec<u8>> {
        Err(not_there())
    }

    async fn write(&self, _path: &str, _data: &[u8]) -> io::Result<()> {
        Err(not_there())
    }

    async fn put(&self, _path: &str, _content: Option<&[u8]>) -> io::Result<()> {
        Err(not_there())
    }

    async fn list(&self, _path: &str) -> io::Result<Vec<String>> {
        Err(not_there())
    }

    async fn link(&self, _path: &str) -> io::Result<String> {
        Err(not_there())
    }

    async fn run(&self, argv: &[&str]) -> io::Result<Output> {
        match argv {
            [PROGRAM, "traffic", words @ ..] => self.traffic(words).await,
            _ => Err(not_there()),
        }
    }

    async fn reboot(&self) -> io::Result<()> {
        Err(not_there())
    }
}
