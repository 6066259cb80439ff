//! How much the virtual functions carry: measured, and compared with what a guest would use without them.

mod compare;
pub mod vf_over_emulated;
pub mod vf_over_virtio;

use harness::check::Check;

/// The checks, in the order they run.
pub const CHECKS: &[&Check] = &[&vf_over_emulated::CHECK, &vf_over_virtio::CHECK];
