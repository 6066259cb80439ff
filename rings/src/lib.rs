//! Frames in batches: many at once to a driver, and many at once from a ring.
//!
//! A sender keeps frames that were built once ([`Template`]) where the kernel takes them from, and each time only what differs
//! from one to the next is written. All unsafe code of the workspace is here, in `map.rs`, `socket.rs` and `offloads.rs`:
//! memory is shared with the kernel, and addresses and requests of sockets are of kinds that no safe interface has.

mod batched;
mod blocks;
mod map;
mod offloads;
mod segmented;
mod socket;
mod template;
mod watched;
mod xsk;

pub use batched::Batched;
pub use blocks::Blocks;
pub use offloads::offloads;
pub use segmented::Segmented;
pub use template::Template;
pub use watched::{OneByOne, Watched};
pub use xsk::Xsk;

use std::io;
use std::time::Duration;

/// Sends frames of its templates, one after the other and again from the first.
pub trait FrameSender {
    /// How many frames go at once at most.
    fn batch(&self) -> usize;

    /// Sends the next `count` frames, or fewer where that is more than go at once, each after `patch` has changed its payload.
    /// Returns how many the kernel took: the first ones; the others were patched in vain and come again. None is no
    /// error: there was no room (ENOBUFS, EAGAIN).
    fn send(&mut self, count: usize, patch: &mut dyn FnMut(&mut [u8])) -> io::Result<usize>;

    /// Waits until all frames that the kernel took are with the driver.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Receives frames as they lie in a ring.
pub trait FrameReceiver {
    /// Hands over all frames of the next batch; waits no longer than that for one. Returns how many there were.
    fn receive(&mut self, wait: Duration, each: &mut dyn FnMut(&Arrived<'_>)) -> io::Result<usize>;

    /// How many frames the kernel had no room for since this was last asked: lost in this machine, and not on the wire.
    fn dropped(&mut self) -> io::Result<u64>;
}

/// A frame that has come.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// The frame from its first byte on, without a VLAN tag and a check sequence.
    pub bytes: &'a [u8],
    /// When the kernel saw it, since 1970.
    pub at: Duration,
}
