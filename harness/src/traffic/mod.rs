//! Frames sent to a peer and answered by it: what shows that an adapter passes traffic.
//!
//! No IP and no other program is needed, so it is the same on a host and in a probe guest.

mod ask;
#[cfg(test)]
mod cable;
mod echo;
mod filler;
mod frame;
mod interface;
mod note;
mod partner;
mod ping;
mod pinged;
mod routes;
mod socket;
mod watched;
mod window;
mod wire;

pub use ask::{Ask, Asked};
pub use echo::{Echo, Echoed};
pub use frame::{Envelope, Kind, LARGEST, Message, SMALLEST};
pub use interface::{Interface, Unfit};
pub use partner::{Begun, Job, Partner, Said};
pub use ping::{DEADLINE, Ping, Sizes};
pub use pinged::Pinged;
pub use pnet_datalink::MacAddr;
pub use window::WIDTH;
pub use wire::{Waiting, Wire};

pub(crate) use filler::fill;
pub(crate) use socket::{channel, of_this_namespace};
pub(crate) use wire::{is_loss, is_pause};
