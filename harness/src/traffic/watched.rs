//! A wire that is watched without sleeping, behind pnet's two traits.

use std::io;

use pnet_datalink::{DataLinkReceiver, DataLinkSender, NetworkInterface};
use rings::{OneByOne, Watched};

use super::frame::{ETHERTYPE, LARGEST};
use super::interface::Interface;
use super::socket::of_this_namespace;
use super::wire::TICK;

/// Both ends of such a wire by an interface.
pub(super) fn watched(
    interface: &Interface,
) -> io::Result<(Box<dyn DataLinkSender>, Box<dyn DataLinkReceiver>)> {
    of_this_namespace(interface)?;
    let ring = Watched::open(&interface.name, ETHERTYPE.0, LARGEST.into())?;
    Ok((Box::new(Out(ring.sender()?)), Box::new(In(ring))))
}

struct Out(OneByOne);

impl DataLinkSender for Out {
    fn build_and_send(
        &mut self,
        _frames: usize,
        _size: usize,
        _build: &mut dyn FnMut(&mut [u8]),
    ) -> Option<io::Result<()>> {
        None
    }

    fn send_to(&mut self, frame: &[u8], _to: Option<NetworkInterface>) -> Option<io::Result<()>> {
        Some(self.0.send(frame))
    }
}

struct In(Watched);

impl DataLinkReceiver for In {
    fn next(&mut self) -> io::Result<&[u8]> {
        let frame = self.0.next(TICK)?;
        frame.ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}
