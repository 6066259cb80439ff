//! What frames go out by and come in from. The logic above it knows only pnet's two traits.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use pnet_datalink::{Channel, DataLinkReceiver, DataLinkSender};

use super::frame::ETHERTYPE;
use super::interface::Interface;
use super::note;
use super::socket;
use super::watched::watched;

/// How long a read or a write waits, and so how late a deadline can be noticed.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// How frames are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Asleep, by the packet socket of pnet.
    Asleep,
    /// Without sleeping, which takes a processor and is sooner there by what waking up takes.
    Awake,
}

/// A way for frames, out and in.
pub struct Wire {
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
}

impl Wire {
    /// A wire of a sender and a receiver. Neither may wait for ever.
    pub fn new(sender: Box<dyn DataLinkSender>, receiver: Box<dyn DataLinkReceiver>) -> Self {
        Self { sender, receiver }
    }

    /// A wire by a packet socket of an interface, which takes the capability `CAP_NET_RAW`.
    pub fn open(interface: &Interface, waiting: Waiting) -> io::Result<Self> {
        if waiting == Waiting::Awake {
            let (sender, receiver) = watched(interface)?;
            return Ok(Self::new(sender, receiver));
        }
        Self::asleep(interface, ETHERTYPE.0)
    }

    /// A wire for what a bench and its partner say to each other.
    pub fn for_notes(interface: &Interface) -> io::Result<Self> {
        Self::asleep(interface, note::ETHERTYPE.0)
    }

    fn asleep(interface: &Interface, ethertype: u16) -> io::Result<Self> {
        match socket::channel(interface, ethertype, TICK)? {
            Channel::Ethernet(sender, receiver) => Ok(Self::new(sender, receiver)),
            _ => Err(io::Error::other("pnet opened no Ethernet channel")),
        }
    }

    /// Sends a frame. Returns whether the kernel took it; one that it had no room for is lost.
    pub(super) fn send(&mut self, frame: &[u8]) -> io::Result<bool> {
        match self.sender.send_to(frame, None) {
            Some(Ok(())) => Ok(true),
            Some(Err(error)) if is_loss(&error) => Ok(false),
            Some(Err(error)) => Err(error),
            None => Err(io::Error::other("pnet has no room for the frame")),
        }
    }

    /// The next frame; `None` if none has come for a moment.
    pub(super) fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        match self.receiver.next() {
            Ok(frame) => Ok(Some(frame)),
            Err(error) if is_pause(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// ENOBUFS: the queue of the interface is full, or the other end of a veth drops the frame.
/// EMSGSIZE: an answer longer than the MTU of this end.
pub(crate) fn is_loss(error: &io::Error) -> bool {
    let lost = [Errno::ENOBUFS, Errno::EMSGSIZE].map(|errno| errno as i32);
    is_pause(error)
        || error
            .raw_os_error()
            .is_some_and(|errno| lost.contains(&errno))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use pnet_datalink::NetworkInterface;

    use super::*;

    /// A side that fails.
    struct Fails(io::Error);

    impl Fails {
        fn error(&self) -> io::Error {
            let errno = self.0.raw_os_error();
            errno.map_or_else(|| self.0.kind().into(), io::Error::from_raw_os_error)
        }
    }

    impl DataLinkSender for Fails {
        fn build_and_send(
            &mut self,
            _frames: usize,
            _size: usize,
            _build: &mut dyn FnMut(&mut [u8]),
        ) -> Option<io::Result<()>> {
            None
        }

        fn send_to(&mut self, _: &[u8], _: Option<NetworkInterface>) -> Option<io::Result<()>> {
            Some(Err(self.error()))
        }
    }

    impl DataLinkReceiver for Fails {
        fn next(&mut self) -> io::Result<&[u8]> {
            Err(self.error())
        }
    }

    /// Whether a failure is an error to whoever sends, and to whoever receives.
    fn is_error(error: impl Fn() -> io::Error) -> (bool, bool) {
        let (sender, receiver) = (Box::new(Fails(error())), Box::new(Fails(error())));
        let mut wire = Wire::new(sender, receiver);
        let sent = wire.send(&[]);
        assert_ne!(sent.as_ref().ok(), Some(&true));
        (sent.is_err(), wire.receive().is_err())
    }

    #[test]
    fn what_is_lost_is_no_error_and_a_pause_neither() {
        for kind in [
            ErrorKind::TimedOut,
            ErrorKind::WouldBlock,
            ErrorKind::Interrupted,
        ] {
            assert_eq!(is_error(|| kind.into()), (false, false), "{kind}");
        }
        for errno in [Errno::ENOBUFS, Errno::EMSGSIZE] {
            assert_eq!(is_error(|| errno.into()), (false, true), "{errno}");
        }
        for errno in [Errno::ENETDOWN, Errno::EPERM] {
            assert_eq!(is_error(|| errno.into()), (true, true), "{errno}");
        }
    }
}
