//! How much the virtual functions carry: measured, and compared with what a guest would use without them.

pub mod all_vfs;
pub mod bidirectional;
mod carries;
mod compare;
pub mod host_cpu;
pub mod latency;
mod line;
pub mod rate_limit;
mod ready;
mod rival;
pub mod small_frames;
pub mod soak;
pub mod vf_near_pf;
pub mod vf_over_emulated;
pub mod vf_over_virtio;
mod yardstick;

use harness::check::Check;

/// The checks, in the order they run.
pub const CHECKS: &[&Check] = &[
    &vf_over_emulated::CHECK,
    &vf_over_virtio::CHECK,
    &vf_near_pf::CHECK,
    &small_frames::CHECK,
    &latency::CHECK,
    &host_cpu::CHECK,
    &all_vfs::CHECK,
    &bidirectional::CHECK,
    &rate_limit::CHECK,
    &soak::CHECK,
];
