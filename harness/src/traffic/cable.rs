//! A cable between two wires for tests, which does to frames what a test wants.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use pnet_datalink::{DataLinkReceiver, DataLinkSender, NetworkInterface};

use super::wire::Wire;

/// What arrives of a frame that was sent.
pub(super) type Fate = Box<dyn FnMut(Vec<u8>) -> Vec<Vec<u8>> + Send>;

/// All arrives as it was sent.
pub(super) fn well() -> Fate {
    Box::new(|frame| vec![frame])
}

/// Nothing arrives.
pub(super) fn cut() -> Fate {
    Box::new(|_| Vec::new())
}

/// The two ends, with the fate of what the first sends and of what the second sends.
pub(super) fn cable(there: Fate, back: Fate) -> (Wire, Wire) {
    let (near, from_near) = channel();
    let (far, from_far) = channel();
    (end(near, there, from_far), end(far, back, from_near))
}

fn end(out: Sender<Vec<u8>>, fate: Fate, frames: Receiver<Vec<u8>>) -> Wire {
    let last = Vec::new();
    Wire::new(Box::new(Out { out, fate }), Box::new(In { frames, last }))
}

struct Out {
    out: Sender<Vec<u8>>,
    fate: Fate,
}

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
        for frame in (self.fate)(frame.to_vec()) {
            // Like on a wire, nobody need be there.
            let _ = self.out.send(frame);
        }
        Some(Ok(()))
    }
}

struct In {
    frames: Receiver<Vec<u8>>,
    last: Vec<u8>,
}

impl DataLinkReceiver for In {
    fn next(&mut self) -> io::Result<&[u8]> {
        let frame = self.frames.recv_timeout(Duration::from_millis(1));
        self.last = frame.map_err(|_| io::ErrorKind::TimedOut)?;
        Ok(&self.last)
    }
}
