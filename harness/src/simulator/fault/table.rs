//! What the faults are called, and what each of them is.

mod device;
mod guest;
mod host;
mod nvme;
mod persist;
mod traffic;
mod vf;

use super::Fault;

/// A fault, its name, and what is wrong.
pub(super) type Row = (Fault, &'static str, &'static str);

/// All faults by the areas they belong to, in the order of the variants.
const AREAS: [&[Row]; 7] = [
    host::ROWS,
    device::ROWS,
    vf::ROWS,
    guest::ROWS,
    traffic::ROWS,
    nvme::ROWS,
    persist::ROWS,
];

/// How many there are.
const COUNT: usize = {
    let (mut count, mut area) = (0, 0);
    while area < AREAS.len() {
        count += AREAS[area].len();
        area += 1;
    }
    count
};

/// Each of them, in the order of the variants.
pub(super) const TABLE: &[Row] = &{
    let mut table = [AREAS[0][0]; COUNT];
    let (mut area, mut row, mut index) = (0, 0, 0);
    while area < AREAS.len() {
        if row == AREAS[area].len() {
            (area, row) = (area + 1, 0);
        } else {
            table[index] = AREAS[area][row];
            (row, index) = (row + 1, index + 1);
        }
    }
    table
};
