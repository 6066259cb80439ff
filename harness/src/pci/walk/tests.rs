//! The walk over good, broken and arbitrary config spaces.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A config space whose standard list starts at `first`, with these bytes at these offsets.
fn space(len: usize, first: u8, parts: &[(usize, &[u8])]) -> ConfigSpace {
    let mut bytes = vec![0; len];
    bytes[usize::from(STATUS)] = 0x10;
    bytes[usize::from(FIRST)] = first;
    for (at, part) in parts {
        bytes[*at..at + part.len()].copy_from_slice(part);
    }
    ConfigSpace::new(bytes)
}

fn offsets(walk: &Walk, list: List) -> Vec<u16> {
    walk.found
        .iter()
        .filter(|located| located.list == list)
        .map(|located| located.at)
        .collect()
}

#[test]
fn both_lists_are_followed_in_order() {
    let walk = Walk::over(&space(
        4096,
        0x40,
        &[
            (0x40, &[0x01, 0x50]),
            (0x50, &[0x10, 0]),
            (0x100, &[1, 0, 1, 0x16]),
            (0x160, &[0x10, 0, 1, 0]),
        ],
    ));
    assert_eq!(offsets(&walk, List::Standard), [0x40, 0x50]);
    assert_eq!(offsets(&walk, List::Extended), [0x100, 0x160]);
    assert_eq!((walk.anomalies, walk.unread), (vec![], false));
}

#[test]
fn reserved_bits_of_a_pointer_are_ignored() {
    assert_eq!(
        offsets(
            &Walk::over(&space(256, 0x43, &[(0x40, &[1, 2])])),
            List::Standard
        ),
        [0x40]
    );
}

#[test]
fn a_cardbus_bridge_has_its_first_pointer_elsewhere() {
    let walk = Walk::over(&space(
        256,
        0,
        &[(0x0e, &[2]), (0x14, &[0x80]), (0x80, &[1, 0])],
    ));
    assert_eq!(offsets(&walk, List::Standard), [0x80]);
}

#[test]
fn loops_end_where_they_close() {
    let standard = Walk::over(&space(256, 0x40, &[(0x40, &[1, 0x50]), (0x50, &[5, 0x40])]));
    assert_eq!(offsets(&standard, List::Standard), [0x40, 0x50]);
    assert_eq!(standard.anomalies, [Anomaly::Loop { at: 0x40 }]);
    let extended = Walk::over(&space(4096, 0, &[(0x100, &[1, 0, 1, 0x10])]));
    assert_eq!(offsets(&extended, List::Extended), [0x100]);
    assert_eq!(extended.anomalies, [Anomaly::Loop { at: 0x100 }]);
}

#[test]
fn dangling_pointers_are_named_and_not_followed() {
    let standard = Walk::over(&space(256, 0x40, &[(0x40, &[1, 0x10])]));
    assert_eq!(
        standard.anomalies,
        [Anomaly::Dangling { at: 0x41, to: 0x10 }]
    );
    let extended = Walk::over(&space(4096, 0, &[(0x100, &[1, 0, 1, 0x08])]));
    assert_eq!(
        extended.anomalies,
        [Anomaly::Dangling {
            at: 0x100,
            to: 0x80
        }]
    );
}

#[test]
fn all_ones_within_a_list_end_it() {
    let standard = Walk::over(&space(256, 0x40, &[(0x40, &[0xff, 0xff])]));
    assert_eq!(
        (standard.found, standard.anomalies),
        (vec![], vec![Anomaly::AllOnes { at: 0x40 }])
    );
    let extended = Walk::over(&space(
        4096,
        0,
        &[(0x100, &[1, 0, 1, 0x16]), (0x160, &[0xff; 4])],
    ));
    assert_eq!(extended.anomalies, [Anomaly::AllOnes { at: 0x160 }]);
}

#[test]
fn an_unreachable_extended_space_has_no_capabilities() {
    let walk = Walk::over(&space(4096, 0, &[(0x100, &[0xff; 4])]));
    assert_eq!(walk, Walk::default());
}

#[test]
fn a_function_that_is_gone_has_nothing_else_wrong() {
    for len in [64, 256, 4096] {
        let walk = Walk::over(&ConfigSpace::new(vec![0xff; len]));
        assert_eq!((walk.found, walk.anomalies), (vec![], vec![Anomaly::Gone]));
    }
}

#[test]
fn what_was_not_read_is_not_called_absent() {
    assert!(
        Walk::over(&space(64, 0x40, &[])).unread,
        "64 bytes, as without root"
    );
    assert!(!Walk::over(&space(64, 0, &[])).unread, "the list is empty");
    assert!(
        Walk::over(&space(256, 0x40, &[(0x40, &[0x10, 0])])).unread,
        "PCI Express has an extended space"
    );
    assert!(
        !Walk::over(&space(256, 0x40, &[(0x40, &[0x11, 0])])).unread,
        "conventional PCI has none"
    );
    assert!(Walk::over(&ConfigSpace::new(vec![])).unread);
}

#[test]
fn every_anomaly_is_one_line() {
    let all = [
        Anomaly::Gone,
        Anomaly::Loop { at: 0x40 },
        Anomaly::Dangling { at: 0x41, to: 0x10 },
        Anomaly::AllOnes { at: 0x160 },
        Anomaly::Truncated {
            at: 0xff0,
            id: 0x10,
        },
    ];
    insta::assert_snapshot!(all.map(|anomaly| anomaly.to_string()).join("\n"), @r#"
    the config space reads as all ones: the function is gone or powered off
    the capability list comes back to offset 0x40
    the capability pointer at offset 0x41 leads to 0x10, where none can be
    the capability at offset 0x160 reads as all ones
    capability 0x10 at offset 0xff0 runs past the end of its space
    "#);
}

/// Mostly empty spaces in which pointers lead somewhere: to a capability, in a circle, or out of bounds.
fn tangled() -> impl Strategy<Value = ConfigSpace> {
    let offset = prop_oneof![
        0x34..0x100u16,
        0x100..0x1000u16,
        Just(0x34),
        Just(0x40),
        Just(0x100)
    ];
    let pointer = prop_oneof![
        Just(0u16),
        Just(0x40),
        Just(0x44),
        Just(0xfc),
        Just(0x100),
        Just(0x104),
        Just(0xffc),
        any::<u16>()
    ];
    let header = (any::<u8>(), pointer).prop_map(|(id, to)| {
        [
            id,
            to.to_le_bytes()[0],
            (to << 4).to_le_bytes()[0] | 1,
            (to >> 4).to_le_bytes()[0],
        ]
    });
    let headers = vec(
        (offset, prop_oneof![9 => header, 1 => Just([0xff; 4])]),
        0..60,
    );
    let len = prop_oneof![Just(64usize), Just(256), Just(4096), 0usize..=4096];
    (headers, len, prop_oneof![9 => Just(0u8), 1 => any::<u8>()]).prop_map(
        |(headers, len, fill)| {
            let mut bytes = vec![fill; 4096];
            bytes[usize::from(STATUS)] |= 0x10;
            for (offset, header) in headers {
                bytes[usize::from(offset & !3)..][..4].copy_from_slice(&header);
            }
            bytes.truncate(len);
            ConfigSpace::new(bytes)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_capability_is_found_once_and_where_bytes_are(space in tangled()) {
        let walk = Walk::over(&space);
        let mut places: Vec<_> = walk.found.iter().map(|located| located.at).collect();
        places.sort_unstable();
        places.dedup();
        prop_assert_eq!(places.len(), walk.found.len());
        prop_assert!(walk.found.iter().all(|located| space.u8(located.at).is_some()));
        prop_assert!(walk.found.len() <= 48 + 960, "there is no room for more: {}", walk.found.len());
    }

    #[test]
    fn any_bytes_end(words in vec(any::<u64>(), 0..=512)) {
        let space = ConfigSpace::new(words.iter().flat_map(|word| word.to_le_bytes()).collect());
        prop_assert!(Walk::over(&space).found.len() <= 48 + 960);
    }

    #[test]
    fn reading_less_finds_no_more(space in tangled(), len in 0usize..4096) {
        let part = ConfigSpace::new(space.bytes().iter().copied().take(len).collect());
        let (all, some) = (Walk::over(&space), Walk::over(&part));
        prop_assert!(offsets(&all, List::Standard).starts_with(&offsets(&some, List::Standard)));
        prop_assert!(offsets(&all, List::Extended).starts_with(&offsets(&some, List::Extended)));
        // Of a function without a PCI Express capability nobody expects the extended space that chance gave this one.
        let expects_more = part.bytes().len() >= 0x104 || offsets(&all, List::Extended).is_empty();
        prop_assert!(some.unread || !all.unread || part.is_gone() || !expects_more);
    }
}
