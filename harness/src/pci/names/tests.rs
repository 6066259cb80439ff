//! Names from a piece of a real `pci.ids`.

use std::fmt::Write as _;

use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;

/// Lines taken from the pci.ids of 2023-04-10 (Debian 12).
const SAMPLE: &str = include_str!("../recorded/pci.ids");

fn names() -> Names {
    Names::parse(SAMPLE.to_owned())
}

#[test]
fn vendors_devices_and_subsystems() {
    let names = names();
    assert_eq!(names.vendor(0x8086), Some("Intel Corporation"));
    assert_eq!(
        names.device(0x8086, 0x10c9),
        Some("82576 Gigabit Network Connection")
    );
    assert_eq!(names.device(0x8086, 0x10ca), Some("82576 Virtual Function"));
    assert_eq!(
        names.subsystem(0x8086, 0x10c9, 0x103c, 0x31ef),
        Some("NC362i Integrated Dual port Gigabit Server Adapter")
    );
    assert_eq!(
        names.device(0x1b36, 0x0010),
        Some("QEMU NVM Express Controller")
    );
}

#[test]
fn what_is_not_in_the_file_has_no_name() {
    let names = names();
    assert_eq!(names.vendor(0x1234), None);
    assert_eq!(
        names.device(0x8086, 0x31ef),
        None,
        "a subsystem id is no device id"
    );
    assert_eq!(
        names.device(0x1b36, 0x10c9),
        None,
        "another vendor's device"
    );
    assert_eq!(
        names.subsystem(0x8086, 0x10ca, 0x103c, 0x31ef),
        None,
        "another device's subsystem"
    );
}

#[test]
fn classes() {
    let names = names();
    assert_eq!(names.class(0x02_0000), Some("Ethernet controller"));
    assert_eq!(
        names.class(0x01_0802),
        Some("Non-Volatile memory controller")
    );
    assert_eq!(
        names.class(0x02_5500),
        Some("Network controller"),
        "an unknown subclass has its class's name"
    );
    assert_eq!(names.class(0x77_0000), None);
}

#[test]
fn a_function_always_has_a_name() {
    assert_eq!(
        names().function(0x8086, 0x10c9),
        "Intel Corporation 82576 Gigabit Network Connection"
    );
    assert_eq!(
        names().function(0x8086, 0x0d57),
        "Intel Corporation device 0d57"
    );
    assert_eq!(
        Names::default().function(0x8086, 0x10c9),
        "device 8086:10c9"
    );
}

#[test]
fn the_newer_file_has_the_greater_date() {
    assert_eq!(Names::date(SAMPLE), Some("2023-04-10 20:08:02"));
    assert!(Names::date("#\tDate:    2025-06-09 03:15:02\n") > Names::date(SAMPLE));
    assert_eq!(
        Names::date("8086  Intel Corporation\n# Date: 2025-06-09\n"),
        None,
        "the date is in the file's head"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_searched_without_harm(text: String, vendor: u16, device: u16, class: u32) {
        let names = Names::parse(text);
        names.function(vendor, device);
        names.class(class);
    }

    #[test]
    fn every_line_written_is_found(entries in btree_map(any::<u16>(), "[a-z]{1,8}( [a-z]{1,8})?", 1..8)) {
        let mut text = String::new();
        for (id, name) in &entries {
            writeln!(text, "{id:04x}  {name}\n\t{id:04x}  {name} device\n# comment").unwrap();
        }
        let names = Names::parse(text);
        for (id, name) in &entries {
            prop_assert_eq!(names.function(*id, *id), format!("{name} {name} device"));
        }
    }
}
