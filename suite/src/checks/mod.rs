//! All checks, in the order they run: the table of contents of a certificate.

pub mod device;
#[cfg(test)]
mod fixture;
pub mod guest;
pub mod host;
mod measured;
pub mod nvme;
pub mod persist;
pub mod traffic;
pub mod vf;

use harness::check::Check;

/// Every check there is. Prerequisites come first, since what they find explains the rest.
pub const ALL: &[&Check] = &concat();

const COUNT: usize = host::CHECKS.len()
    + device::CHECKS.len()
    + vf::CHECKS.len()
    + guest::CHECKS.len()
    + traffic::CHECKS.len()
    + nvme::CHECKS.len()
    + persist::CHECKS.len();

const fn concat() -> [&'static Check; COUNT] {
    let areas = [
        host::CHECKS,
        device::CHECKS,
        vf::CHECKS,
        guest::CHECKS,
        traffic::CHECKS,
        nvme::CHECKS,
        persist::CHECKS,
    ];
    let mut all = [host::CHECKS[0]; COUNT];
    let (mut area, mut at) = (0, 0);
    while area < areas.len() {
        let mut i = 0;
        while i < areas[area].len() {
            all[at] = areas[area][i];
            at += 1;
            i += 1;
        }
        area += 1;
    }
    all
}

/// The ids of all checks.
pub fn ids() -> Vec<&'static str> {
    ALL.iter().map(|check| check.id).collect()
}
