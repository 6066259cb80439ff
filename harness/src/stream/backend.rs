//! The ways by which frames leave this machine and come in.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use pnet_datalink::{Channel, DataLinkReceiver, DataLinkSender};
use rings::{Arrived, Batched, Blocks, FrameReceiver, FrameSender, Segmented, Template, Xsk};
use serde::{Deserialize, Serialize};

use super::shape::Carrier;
use crate::traffic::{Interface, channel, of_this_namespace};

/// A way; the later ones are the faster ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// pnet's own: two system calls for each frame, and no count of what was lost here.
    Pnet,
    /// Many frames by one system call; by a ring of blocks in the other direction.
    Batched,
    /// From memory that is shared with the kernel.
    Xdp,
    /// Long datagrams that are cut into frames; UDP only. What cuts them may be the adapter.
    Segmented,
}

/// Which way is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// The best that works, of those that send whole frames.
    Best,
    /// That one, or none.
    Only(Backend),
}

impl Backend {
    /// How it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pnet => "pnet",
            Self::Batched => "batched",
            Self::Xdp => "xdp",
            Self::Segmented => "segmented",
        }
    }

    fn sender(
        self,
        interface: &Interface,
        templates: &[Template],
    ) -> io::Result<Box<dyn FrameSender>> {
        let name = &interface.name;
        Ok(match self {
            Self::Pnet => Box::new(Plain::open(interface, templates)?),
            Self::Batched => Box::new(Batched::open(name, templates)?),
            Self::Xdp => Box::new(Xsk::open(name, templates)?),
            Self::Segmented => Box::new(Segmented::open(name, templates)?),
        })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Ways {
    /// A sender by an interface, and by which way it sends.
    pub fn sender(
        self,
        interface: &Interface,
        templates: &[Template],
    ) -> io::Result<(Backend, Box<dyn FrameSender>)> {
        of_this_namespace(interface)?;
        let open = |backend: Backend| Ok((backend, backend.sender(interface, templates)?));
        match self {
            Self::Only(backend) => open(backend),
            Self::Best => open(Backend::Xdp).or_else(|_| open(Backend::Batched)),
        }
    }

    /// A receiver by an interface. Whatever sends, the ring of blocks is the best that receives.
    pub fn receiver(
        self,
        interface: &Interface,
        carrier: Carrier,
    ) -> io::Result<(Backend, Box<dyn FrameReceiver>)> {
        of_this_namespace(interface)?;
        let ethertype = carrier.ethertype().0;
        if self == Self::Only(Backend::Pnet) {
            return Ok((
                Backend::Pnet,
                Box::new(Plain::receive(interface, ethertype)?),
            ));
        }
        Ok((
            Backend::Batched,
            Box::new(Blocks::open(&interface.name, ethertype)?),
        ))
    }
}

/// What the interface is left to do, as ethtool calls it. Where it does not say, frames pass all the same.
pub(super) fn offloads(interface: &Interface) -> Option<Vec<String>> {
    let on = rings::offloads(&interface.name).ok()?;
    Some(on.into_iter().map(str::to_owned).collect())
}

/// How long pnet waits for a frame.
const TICK: Duration = Duration::from_millis(10);

/// pnet's own way, frame by frame.
struct Plain {
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
    templates: Vec<Template>,
    next: usize,
}

impl Plain {
    fn open(interface: &Interface, templates: &[Template]) -> io::Result<Self> {
        Self::by(interface, 0, templates)
    }

    fn receive(interface: &Interface, ethertype: u16) -> io::Result<Self> {
        Self::by(interface, ethertype, &[])
    }

    fn by(interface: &Interface, ethertype: u16, templates: &[Template]) -> io::Result<Self> {
        match channel(interface, ethertype, TICK)? {
            Channel::Ethernet(sender, receiver) => Ok(Self {
                sender,
                receiver,
                templates: templates.to_vec(),
                next: 0,
            }),
            _ => Err(io::Error::other("pnet opened no Ethernet channel")),
        }
    }
}

impl FrameSender for Plain {
    fn batch(&self) -> usize {
        1
    }

    fn send(&mut self, count: usize, patch: &mut dyn FnMut(&mut [u8])) -> io::Result<usize> {
        if count == 0 {
            return Ok(0);
        }
        let Template { bytes, payload } = &mut self.templates[self.next];
        patch(&mut bytes[*payload..]);
        match self.sender.send_to(bytes, None) {
            Some(Err(error)) if crate::traffic::is_loss(&error) => return Ok(0),
            Some(sent) => sent?,
            None => return Err(io::Error::other("pnet has no room for the frame")),
        }
        self.next = (self.next + 1) % self.templates.len();
        Ok(1)
    }
}

impl FrameReceiver for Plain {
    fn receive(
        &mut self,
        _wait: Duration,
        each: &mut dyn FnMut(&Arrived<'_>),
    ) -> io::Result<usize> {
        match self.receiver.next() {
            Ok(bytes) => {
                let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                each(&Arrived {
                    bytes,
                    at: at.unwrap_or_default(),
                });
                Ok(1)
            }
            Err(error) if crate::traffic::is_pause(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// It does not say.
    fn dropped(&mut self) -> io::Result<u64> {
        Ok(0)
    }
}
