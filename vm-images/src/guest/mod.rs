//! What a probe guest starts with: a kernel's own modules and one static program, packed in about a second.
//!
//! The kernel is that of the machine that makes it, so that a guest needs no download and its
//! drivers are those that the machine itself has.

mod initramfs;
mod modules;
mod unpack;

pub use initramfs::{INIT, initramfs};
pub use modules::{Modules, NoSuchModule};
pub use unpack::unpack;
