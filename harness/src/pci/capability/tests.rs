//! Capabilities, decoded from spaces built byte by byte.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A PCI Express function with one standard capability at 0x40 and, with 4096 bytes, one extended at 0x100.
fn space(len: usize, standard: &[u8], extended: &[u8]) -> ConfigSpace {
    let mut bytes = vec![0; 4096];
    bytes[0x06] = 0x10;
    bytes[0x34] = 0x40;
    bytes[0x40..0x40 + standard.len()].copy_from_slice(standard);
    bytes[0x100..0x100 + extended.len()].copy_from_slice(extended);
    bytes.truncate(len);
    ConfigSpace::new(bytes)
}

fn express(version: u8, port: u8) -> Vec<u8> {
    let mut bytes = vec![0; 0x3c];
    bytes[..4].copy_from_slice(&[0x10, 0, port << 4 | version, 0]);
    bytes[0x07] = 0x10; // FLR
    bytes[0x0c..0x0e].copy_from_slice(&[0x83, 0x00]); // 8 GT/s, x8
    bytes[0x12..0x14].copy_from_slice(&[0x42, 0x00]); // 5 GT/s, x4
    bytes[0x24] = 0x20;
    bytes[0x28] = 0x20;
    bytes
}

#[test]
fn a_root_port() {
    let read = Capabilities::read(&space(4096, &express(2, 4), &[]))
        .express
        .unwrap();
    assert_eq!(read.port, PortType::RootPort);
    assert_eq!(
        read.link_capability,
        Some(Link {
            speed: Some(LinkSpeed::Gt8),
            width: 8
        })
    );
    assert_eq!(
        read.link_status,
        Some(Link {
            speed: Some(LinkSpeed::Gt5),
            width: 4
        })
    );
    assert!(
        read.function_level_reset && read.ari_forwarding_supported && read.ari_forwarding_enabled
    );
}

#[test]
fn version_1_has_no_second_registers_and_an_integrated_endpoint_no_link() {
    let old = Capabilities::read(&space(4096, &express(1, 4), &[]))
        .express
        .unwrap();
    assert!(!old.ari_forwarding_supported && !old.ari_forwarding_enabled);
    let integrated = Capabilities::read(&space(4096, &express(2, 9), &[]))
        .express
        .unwrap();
    assert_eq!(
        (integrated.link_capability, integrated.link_status),
        (None, None)
    );
}

#[test]
fn link_speeds_have_an_order_and_a_text() {
    assert!(LinkSpeed::Gt2_5 < LinkSpeed::Gt64);
    let json = serde_json::to_string(&Link {
        speed: Some(LinkSpeed::Gt16),
        width: 16,
    })
    .unwrap();
    assert_eq!(json, r#"{"speed":"16.0 GT/s","width":16}"#);
    assert_eq!(
        serde_json::from_str::<Link>(&json).unwrap().speed,
        Some(LinkSpeed::Gt16)
    );
    assert!(serde_json::from_str::<LinkSpeed>("\"9 GT/s\"").is_err());
}

#[test]
fn the_msix_table_has_one_vector_more_than_its_field() {
    let msix = Capabilities::read(&space(256, &[0x11, 0, 0x09, 0x80], &[]))
        .msix
        .unwrap();
    assert_eq!((msix.vectors, msix.enabled, msix.masked), (10, true, false));
}

#[test]
fn a_function_in_d3() {
    let power = Capabilities::read(&space(256, &[0x01, 0, 0, 0, 0x0b, 0], &[]))
        .power
        .unwrap();
    assert_eq!((power.state, power.no_soft_reset), (3, true));
}

#[test]
fn a_serial_number_is_written_from_its_highest_byte_down() {
    let serial = Capabilities::read(&space(
        4096,
        &[],
        &[
            0x03, 0, 1, 0, 0xc8, 0xd4, 0xa7, 0xff, 0xff, 0x21, 0x1b, 0x00,
        ],
    ))
    .serial
    .unwrap();
    assert_eq!(serial.number, "00-1b-21-ff-ff-a7-d4-c8");
}

#[test]
fn the_next_function_of_an_ari_device() {
    let ari = Capabilities::read(&space(4096, &[], &[0x0e, 0, 1, 0, 0x02, 0x05]))
        .ari
        .unwrap();
    assert_eq!((ari.at, ari.next_function), (0x100, 5));
}

#[test]
fn bits_become_names() {
    let acs = Capabilities::read(&space(4096, &[], &[0x0d, 0, 1, 0, 0x7f, 0, 0x1d, 0]))
        .acs
        .unwrap();
    assert_eq!(
        serde_json::to_string(&acs.enabled).unwrap(),
        r#"["SV","RR","CR","UF"]"#
    );
    assert_eq!(acs.capable.len(), 7);
    let mut aer = vec![0x01, 0, 1, 0];
    aer.extend(
        [1 << 20, 1 << 4, 1 << 18, 1 << 13, 1u32 << 15]
            .iter()
            .flat_map(|register| register.to_le_bytes()),
    );
    let aer = Capabilities::read(&space(4096, &[], &aer)).aer.unwrap();
    assert!(
        aer.uncorrectable
            .iter()
            .eq(&[UncorrectableError::UnsupportedRequest])
    );
    assert!(
        aer.uncorrectable_mask
            .iter()
            .eq(&[UncorrectableError::DataLinkProtocol])
    );
    assert!(aer.fatal.iter().eq(&[UncorrectableError::MalformedTlp]));
    assert!(
        aer.correctable
            .iter()
            .eq(&[CorrectableError::AdvisoryNonFatal])
    );
    assert!(
        aer.correctable_mask
            .iter()
            .eq(&[CorrectableError::HeaderLogOverflow])
    );
}

fn sriov(bars: [u32; 6]) -> Vec<u8> {
    let mut bytes = vec![0; 0x40];
    bytes[..4].copy_from_slice(&[0x10, 0, 1, 0]);
    bytes[0x04] = 1;
    bytes[0x08] = 0x1b;
    bytes[0x0c..0x14].copy_from_slice(&[8, 0, 8, 0, 7, 0, 1, 0]);
    bytes[0x14..0x1c].copy_from_slice(&[0x80, 1, 2, 0, 0, 0, 0xca, 0x10]);
    for (index, bar) in bars.iter().enumerate() {
        bytes[0x24 + 4 * index..][..4].copy_from_slice(&bar.to_le_bytes());
    }
    bytes[0x3c] = 0x0b;
    bytes
}

#[test]
fn vf_bars_of_64_bits_take_two_registers() {
    let read = |bars| {
        Capabilities::read(&space(4096, &[], &sriov(bars)))
            .sriov
            .unwrap()
            .vf_bars
    };
    let bars = read([0xfe00_000c, 0x1, 0, 0xc, 0, 0xd000_0000]);
    assert_eq!(
        bars.iter()
            .map(|bar| (bar.index, bar.address(), bar.is_64bit, bar.prefetchable))
            .collect::<Vec<_>>(),
        [
            (0, 0x1_fe00_0000, true, true),
            (3, 0, true, true),
            (5, 0xd000_0000, false, false),
        ]
    );
    assert!(
        !read([0, 0, 0, 0, 0, 0xc])[0].is_64bit,
        "the last register has no upper half"
    );
}

#[test]
fn where_the_virtual_functions_are() {
    let sriov = Capabilities::read(&space(4096, &[], &sriov([0; 6])))
        .sriov
        .unwrap();
    assert_eq!(
        (
            sriov.initial_vfs,
            sriov.total_vfs,
            sriov.num_vfs,
            sriov.vf_device
        ),
        (8, 8, 7, 0x10ca)
    );
    assert!(sriov.vf_enable && sriov.vf_memory_enable && sriov.ari_hierarchy);
    assert_eq!(
        sriov.vf("01:00.1".parse().unwrap(), 1),
        Some("02:10.3".parse().unwrap())
    );
    assert_eq!(
        sriov.migration,
        Some(VfMigration {
            enabled: true,
            pending: false,
            state_array: 0x0b
        })
    );
}

#[test]
fn a_capability_past_the_end_is_truncated_and_one_not_read_is_not() {
    let mut bytes = vec![0; 4096];
    bytes[0x100..0x104].copy_from_slice(&[0x0e, 0, 1, 0xff]);
    bytes[0xff0..0xff4].copy_from_slice(&[0x10, 0, 1, 0]);
    let whole = Capabilities::read(&ConfigSpace::new(bytes.clone()));
    assert_eq!(
        whole.anomalies,
        [Anomaly::Truncated {
            at: 0xff0,
            id: 0x10
        }]
    );
    assert!(whole.complete && whole.sriov.is_none() && whole.ari.is_some());
    bytes.truncate(0xff8);
    let part = Capabilities::read(&ConfigSpace::new(bytes));
    assert_eq!((part.anomalies, part.complete), (vec![], false));
}

#[test]
fn a_standard_capability_does_not_reach_into_the_extended_space() {
    let mut bytes = vec![0; 4096];
    (bytes[0x06], bytes[0x34]) = (0x10, 0xf0);
    bytes[0xf0..0xf0 + 0x3c].copy_from_slice(&express(2, 0));
    let read = Capabilities::read(&ConfigSpace::new(bytes));
    assert_eq!(read.express, None);
    assert!(
        read.anomalies
            .contains(&Anomaly::Truncated { at: 0xf0, id: 0x10 })
    );
}

#[test]
fn without_root_nothing_is_called_absent() {
    assert!(!Capabilities::read(&space(64, &express(2, 0), &[])).complete);
    assert!(!Capabilities::read(&space(256, &express(2, 0), &[])).complete);
    assert!(Capabilities::read(&space(4096, &express(2, 0), &[])).complete);
    assert!(!Capabilities::read(&ConfigSpace::new(vec![0xff; 4096])).complete);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_read_and_survive_json(words in vec(any::<u64>(), 0..=512)) {
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let read = Capabilities::read(&ConfigSpace::new(bytes));
        let json = serde_json::to_string(&read).unwrap();
        prop_assert_eq!(serde_json::from_str::<Capabilities>(&json).unwrap(), read);
    }
}
