//! Many frames by one call: `sendmmsg`, past the queue of the interface. Works everywhere.

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{LinkAddr, MsgFlags, MultiHeaders, sendmmsg, setsockopt};

use super::socket::{QdiscBypass, packet};
use super::{FrameSender, Template};

/// How many frames go at once: with 16 all is gained already, with more than 64 nothing more.
const BATCH: usize = 64;

/// Sends by `sendmmsg`.
pub struct Batched {
    socket: OwnedFd,
    headers: MultiHeaders<LinkAddr>,
    slots: Vec<Template>,
    next: usize,
}

impl Batched {
    /// A sender by an interface. It receives nothing, so that nothing piles up in its socket.
    pub fn open(interface: &str, templates: &[Template]) -> io::Result<Self> {
        let socket = packet(interface, 0, |socket| {
            Ok(setsockopt(socket, QdiscBypass, &true)?)
        })?;
        if templates.is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // As many slots as let the templates come in turn over the end of the slots too.
        let rounds = BATCH.div_ceil(templates.len());
        let slots = templates.iter().cycle().take(rounds * templates.len());
        Ok(Self {
            socket,
            headers: MultiHeaders::preallocate(BATCH, None),
            slots: slots.cloned().collect(),
            next: 0,
        })
    }
}

impl FrameSender for Batched {
    fn batch(&self) -> usize {
        BATCH
    }

    fn send(&mut self, count: usize, patch: &mut dyn FnMut(&mut [u8])) -> io::Result<usize> {
        let end = (self.next + count.min(BATCH)).min(self.slots.len());
        let slots = &mut self.slots[self.next..end];
        for slot in &mut *slots {
            patch(&mut slot.bytes[slot.payload..]);
        }
        let mut slices = [[IoSlice::new(&[])]; BATCH];
        for (slice, slot) in slices.iter_mut().zip(&*slots) {
            *slice = [IoSlice::new(&slot.bytes)];
        }
        let sent = sendmmsg(
            self.socket.as_raw_fd(),
            &mut self.headers,
            &slices[..slots.len()],
            [const { None }; BATCH],
            [],
            MsgFlags::MSG_DONTWAIT,
        );
        let sent = match sent {
            Ok(sent) => sent.count(),
            Err(Errno::ENOBUFS | Errno::EAGAIN | Errno::EINTR) => 0,
            Err(errno) => return Err(errno.into()),
        };
        self.next = (self.next + sent) % self.slots.len();
        Ok(sent)
    }
}
