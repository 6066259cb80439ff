//! ACPI tables: as an independent compiler writes them, broken, and arbitrary.

use proptest::collection::vec;
use proptest::prelude::*;

use super::dmar::{DeviceScope, PathStep, RemappingUnit, ScopeKind};
use super::iort::RootComplex;
use super::*;

// Written by iasl 20200925 from its templates (`iasl -T`), with a few values filled in.
const DMAR: &[u8] = include_bytes!("recorded/dmar.aml");
const IVRS: &[u8] = include_bytes!("recorded/ivrs.aml");
const IORT: &[u8] = include_bytes!("recorded/iort.aml");

/// The table with these bytes at these offsets, and length and checksum put right.
fn patched(table: &[u8], patches: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = table.to_vec();
    for (at, patch) in patches {
        bytes[*at..at + patch.len()].copy_from_slice(patch);
    }
    sealed(bytes)
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes[9] = 0;
    bytes[9] = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
    bytes
}

#[test]
fn a_dmar_table() {
    let dmar = Dmar::parse(DMAR).unwrap();
    assert_eq!(
        (
            dmar.address_width,
            dmar.reserved_regions,
            dmar.root_port_ats
        ),
        (48, 1, 1)
    );
    assert!(dmar.interrupt_remapping && dmar.x2apic_opt_out && dmar.dma_opt_in);
    let path = vec![PathStep {
        device: 0,
        function: 1,
    }];
    let scope = DeviceScope {
        kind: ScopeKind::IoApic,
        enumeration_id: 8,
        bus: 0,
        path,
    };
    assert_eq!(
        dmar.units,
        [RemappingUnit {
            segment: 1,
            base: 0xfed9_0000,
            include_all: true,
            scopes: vec![scope]
        }]
    );
}

#[test]
fn the_dmar_table_of_a_qemu_machine() {
    let dmar = Dmar::parse(include_bytes!("recorded/dmar.qemu.bin")).unwrap();
    assert!(dmar.interrupt_remapping && !dmar.x2apic_opt_out && !dmar.dma_opt_in);
    assert_eq!(
        (
            dmar.address_width,
            dmar.units.len(),
            dmar.reserved_regions,
            dmar.root_port_ats
        ),
        (48, 1, 0, 0)
    );
    let unit = &dmar.units[0];
    assert_eq!(
        (unit.segment, unit.base, unit.include_all),
        (0, 0xfed9_0000, false)
    );
    let bridges = unit
        .scopes
        .iter()
        .filter(|scope| scope.kind == ScopeKind::Bridge);
    assert_eq!(
        bridges
            .map(|scope| scope.path[0].device)
            .collect::<Vec<_>>(),
        [5, 6, 7],
        "its three root ports"
    );
    let [io_apic, rest @ ..] = unit.scopes.as_slice() else {
        panic!("no scopes")
    };
    assert_eq!(
        (io_apic.kind, io_apic.bus, rest.len()),
        (ScopeKind::IoApic, 0xff, 9)
    );
}

#[test]
fn an_ivrs_table() {
    let ivrs = Ivrs::parse(IVRS).unwrap();
    assert!(ivrs.extended_features && ivrs.dma_remap);
    assert_eq!(
        (ivrs.ivinfo, ivrs.memory_blocks, ivrs.units()),
        (0x0020_3043, 2, 2)
    );
    let blocks: Vec<_> = ivrs
        .hardware_blocks
        .iter()
        .map(|block| (block.kind, block.segment, block.routing_id, block.base))
        .collect();
    assert_eq!(
        blocks,
        [(0x10, 0, 2, 0xfd20_0000), (0x10, 1, 0x4002, 0xfd30_0000)]
    );
}

#[test]
fn two_blocks_of_one_iommu_are_one_unit() {
    let mut newer = vec![0; 40];
    newer[..6].copy_from_slice(&[0x11, 0, 40, 0, 2, 0]);
    let ivrs = Ivrs::parse(&sealed([IVRS, &newer].concat())).unwrap();
    assert_eq!((ivrs.hardware_blocks.len(), ivrs.units()), (3, 2));
}

#[test]
fn an_iort_table() {
    let iort = Iort::parse(IORT).unwrap();
    assert_eq!(
        (iort.smmu, iort.smmu_v3, iort.other_nodes),
        (vec![0x2b40_0000], vec![0x0905_0000], 3)
    );
    assert_eq!(
        iort.root_complexes,
        [RootComplex {
            segment: 2,
            ats: true,
            mappings: 1
        }]
    );
}

#[test]
fn errors_name_table_offset_and_fault() {
    let dmar = |bytes: &[u8]| Dmar::parse(bytes).unwrap_err().to_string();
    let ivrs = |bytes: &[u8]| Ivrs::parse(bytes).unwrap_err().to_string();
    let iort = |bytes: &[u8]| Iort::parse(bytes).unwrap_err().to_string();
    let mut wrong_sum = DMAR.to_vec();
    wrong_sum[40] ^= 1;
    let all = [
        dmar(&[]),
        dmar(&DMAR[..4]),
        dmar(&DMAR[..100]),
        dmar(&[DMAR, &[0]].concat()),
        dmar(&sealed(DMAR[..40].to_vec())),
        dmar(IVRS),
        dmar(&[0xff; 48]),
        dmar(&wrong_sum),
        dmar(&patched(DMAR, &[(50, &[0, 0])])),
        dmar(&patched(DMAR, &[(50, &[0xff, 0xff])])),
        dmar(&patched(DMAR, &[(65, &[0])])),
        dmar(&patched(DMAR, &[(65, &[0x0a])])),
        dmar(&sealed(DMAR[..50].to_vec())),
        ivrs(&patched(IVRS, &[(50, &[0, 0])])),
        ivrs(&sealed(IVRS[..IVRS.len() - 1].to_vec())),
        iort(&patched(IORT, &[(36, &[0xff; 4])])),
        iort(&patched(IORT, &[(40, &[0xff; 4])])),
        iort(&patched(IORT, &[(53, &[0, 0])])),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    acpi table DMAR is broken at offset 0: it has only 0 of its 36 bytes; read exactly /sys/firmware/acpi/tables/DMAR, as root
    acpi table DMAR is broken at offset 0: it has only 4 of its 36 bytes; read exactly /sys/firmware/acpi/tables/DMAR, as root
    acpi table DMAR is broken at offset 4: it has only 100 of its 140 bytes; read exactly /sys/firmware/acpi/tables/DMAR, as root
    acpi table DMAR is broken at offset 4: its header says 140 bytes and there are 141; read exactly /sys/firmware/acpi/tables/DMAR, as root
    acpi table DMAR is broken at offset 4: its header says 40 bytes and it needs at least 48; this is a fault of the firmware, look for an update of it
    acpi table DMAR is broken at offset 0: its signature is `IVRS`; read exactly /sys/firmware/acpi/tables/DMAR, as root
    acpi table DMAR is broken at offset 0: its signature is `\xff\xff\xff\xff`; read exactly /sys/firmware/acpi/tables/DMAR, as root
    acpi table DMAR is broken at offset 9: its bytes add up to 0x01 instead of 0; this is a fault of the firmware, look for an update of it
    acpi table DMAR is broken at offset 48: a structure of type 0x0 says it has 0 bytes, but needs at least 16; this is a fault of the firmware, look for an update of it
    acpi table DMAR is broken at offset 48: a structure leads to byte 65583, past the end at 140; this is a fault of the firmware, look for an update of it
    acpi table DMAR is broken at offset 64: a structure of type 0x3 says it has 0 bytes, but needs at least 6; this is a fault of the firmware, look for an update of it
    acpi table DMAR is broken at offset 64: a structure leads to byte 74, past the end at 72; this is a fault of the firmware, look for an update of it
    acpi table DMAR is broken at offset 50: a structure leads to byte 52, past the end at 50; this is a fault of the firmware, look for an update of it
    acpi table IVRS is broken at offset 48: a structure of type 0x10 says it has 0 bytes, but needs at least 24; this is a fault of the firmware, look for an update of it
    acpi table IVRS is broken at offset 164: a structure leads to byte 188, past the end at 187; this is a fault of the firmware, look for an update of it
    acpi table IORT is broken at offset 504: a structure leads to byte 505, past the end at 504; this is a fault of the firmware, look for an update of it
    acpi table IORT is broken at offset 4294967295: a structure leads to byte 4294967296, past the end at 504; this is a fault of the firmware, look for an update of it
    acpi table IORT is broken at offset 52: a structure of type 0x0 says it has 0 bytes, but needs at least 16; this is a fault of the firmware, look for an update of it
    "#);
}

#[test]
fn unknown_structures_are_passed_over() {
    let dmar = Dmar::parse(&patched(DMAR, &[(48, &[0x77, 0x77])])).unwrap();
    assert_eq!((dmar.units.len(), dmar.reserved_regions), (0, 1));
}

#[test]
fn json_loses_nothing() {
    let dmar = Dmar::parse(DMAR).unwrap();
    assert_eq!(
        serde_json::from_str::<Dmar>(&serde_json::to_string(&dmar).unwrap()).unwrap(),
        dmar
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(signature in prop_oneof![Just("DMAR"), Just("IVRS"), Just("IORT")], body in vec(any::<u8>(), 36..400)) {
        let mut bytes = body;
        bytes[..4].copy_from_slice(signature.as_bytes());
        let bytes = sealed(bytes);
        for error in [Dmar::parse(&bytes).err(), Ivrs::parse(&bytes).err(), Iort::parse(&bytes).err()].into_iter().flatten() {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn one_changed_byte_is_noticed(at in any::<prop::sample::Index>(), flip in 1u8..) {
        for table in [DMAR, IVRS, IORT] {
            let mut bytes = table.to_vec();
            bytes[at.index(table.len())] ^= flip;
            prop_assert!(Dmar::parse(&bytes).is_err() && Ivrs::parse(&bytes).is_err() && Iort::parse(&bytes).is_err());
        }
    }

    #[test]
    fn a_damaged_structure_is_read_or_refused(at in any::<prop::sample::Index>(), byte: u8) {
        let damaged = |table: &[u8]| patched(table, &[(HEADER + at.index(table.len() - HEADER), &[byte])]);
        let _ = (Dmar::parse(&damaged(DMAR)), Ivrs::parse(&damaged(IVRS)), Iort::parse(&damaged(IORT)));
    }

    #[test]
    fn every_truncation_is_refused(at in any::<prop::sample::Index>()) {
        for table in [DMAR, IVRS, IORT] {
            let part = &table[..at.index(table.len())];
            prop_assert!(Dmar::parse(part).is_err() && Ivrs::parse(part).is_err() && Iort::parse(part).is_err());
        }
    }
}

const HEADER: usize = 36;
