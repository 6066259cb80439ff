//! Frames in one direction, as many as go: what shows how much an adapter carries, and what it loses.
//!
//! A sender numbers the frames of each of its flows, a receiver tells from the numbers what became of them.

mod backend;
mod line;
mod live;
mod mark;
mod pace;
mod receive;
mod send;
mod shape;
mod tally;

pub use backend::{Backend, Ways};
pub use line::{line_rate, whole};
pub use live::Moment;
pub use mark::Mark;
pub use receive::{Received, Receiving};
pub use send::{Sending, Sent};
pub use shape::{Carrier, IMIX, Shape, Unsendable};
pub use tally::Tally;

pub use crate::latency::Latency;
