//! The structures that Identify returns, made from what they say: what `crate::nvme` decodes.

use crate::nvme::{
    Flexible, IdentifyController, IdentifyNamespace, PrimaryCapabilities, SecondaryController,
};

const LENGTH: usize = 4096;

/// Puts bytes in their place.
fn put(data: &mut [u8], at: usize, bytes: &[u8]) {
    data[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Identify Controller.
pub(super) fn controller(of: &IdentifyController) -> Vec<u8> {
    let mut data = vec![0; LENGTH];
    put(&mut data, 4, format!("{:20.20}", of.sn).as_bytes());
    put(&mut data, 24, format!("{:40.40}", of.mn).as_bytes());
    (data[76], data[77]) = (of.cmic, of.mdts);
    put(&mut data, 78, &of.cntlid.to_le_bytes());
    put(&mut data, 80, &of.ver.to_le_bytes());
    put(&mut data, 256, &of.oacs.to_le_bytes());
    put(&mut data, 296, &of.unvmcap.to_le_bytes());
    put(&mut data, 516, &of.nn.to_le_bytes());
    data
}

/// Primary Controller Capabilities.
pub(super) fn capabilities(of: &PrimaryCapabilities) -> Vec<u8> {
    let mut data = vec![0; LENGTH];
    put(&mut data, 0, &of.cntlid.to_le_bytes());
    for (bit, at, flexible) in [(1, 32, of.vq), (2, 64, of.vi)] {
        if let Some(flexible) = flexible {
            data[4] |= bit;
            resources(&mut data, at, &flexible);
        }
    }
    data
}

fn resources(data: &mut [u8], at: usize, of: &Flexible) {
    put(data, at, &of.total.to_le_bytes());
    put(data, at + 4, &of.assigned.to_le_bytes());
    put(data, at + 8, &of.primary.to_le_bytes());
    put(data, at + 10, &of.private.to_le_bytes());
    put(data, at + 12, &of.secondary_max.to_le_bytes());
    put(data, at + 14, &of.granularity.to_le_bytes());
}

/// Secondary Controller List.
pub(super) fn secondaries(all: &[SecondaryController]) -> Vec<u8> {
    let mut data = vec![0; LENGTH];
    for (entry, at) in all.iter().zip((32..).step_by(32)).take(127) {
        data[0] += 1;
        put(&mut data, at, &entry.scid.to_le_bytes());
        put(&mut data, at + 2, &entry.pcid.to_le_bytes());
        data[at + 4] = entry.online.into();
        put(&mut data, at + 8, &entry.vfn.to_le_bytes());
        put(&mut data, at + 10, &entry.nvq.to_le_bytes());
        put(&mut data, at + 12, &entry.nvi.to_le_bytes());
    }
    data
}

/// Identify Namespace, in its first format.
pub(super) fn namespace(of: &IdentifyNamespace) -> Vec<u8> {
    let mut data = vec![0; LENGTH];
    put(&mut data, 0, &of.nsze.to_le_bytes());
    data[30] = of.shared.into();
    put(&mut data, 128, &of.ms.to_le_bytes());
    data[130] = of.lbads;
    data
}

/// Namespace List.
pub(super) fn namespaces(all: &[u32]) -> Vec<u8> {
    let mut data = vec![0; LENGTH];
    for (nsid, at) in all.iter().zip((0..LENGTH).step_by(4)) {
        put(&mut data, at, &nsid.to_le_bytes());
    }
    data
}

/// Controller List.
pub(super) fn attached(all: &[u16]) -> Vec<u8> {
    let mut data = vec![0; LENGTH];
    for (cntlid, at) in all.iter().zip((2..LENGTH).step_by(2)) {
        data[0] += 1;
        put(&mut data, at, &cntlid.to_le_bytes());
    }
    data
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::nvme::secondary_controllers;

    prop_compose! {
        fn flexible()(total: u32, assigned: u32, rest: [u16; 4]) -> Flexible {
            let [primary, private, secondary_max, granularity] = rest;
            Flexible { total, assigned, primary, private, secondary_max, granularity }
        }
    }

    prop_compose! {
        fn entry()(ids: [u16; 5], online: bool) -> SecondaryController {
            let [scid, pcid, vfn, nvq, nvi] = ids;
            SecondaryController { scid, pcid, online, vfn, nvq, nvi }
        }
    }

    proptest! {
        #[test]
        fn capabilities_come_back(cntlid: u16, vq in proptest::option::of(flexible()), vi in proptest::option::of(flexible())) {
            let of = PrimaryCapabilities { cntlid, vq, vi };
            prop_assert_eq!(PrimaryCapabilities::decode(&capabilities(&of)), Ok(of));
        }

        #[test]
        fn namespaces_come_back(nsze: u64, shared: bool, lbads: u8, ms: u16) {
            let of = IdentifyNamespace { nsze, shared, lbads, ms };
            prop_assert_eq!(IdentifyNamespace::decode(&namespace(&of)), Ok(of));
        }

        #[test]
        fn ids_come_back(all in proptest::collection::vec(1_u32.., 0..1024), ids in proptest::collection::vec(proptest::num::u16::ANY, 0..200)) {
            prop_assert_eq!(crate::nvme::namespaces(&namespaces(&all)), Ok(all));
            prop_assert_eq!(crate::nvme::attached_controllers(&attached(&ids)), Ok(ids));
        }

        #[test]
        fn lists_come_back(all in proptest::collection::vec(entry(), 0..=127)) {
            prop_assert_eq!(secondary_controllers(&secondaries(&all)), Ok(all));
        }

        #[test]
        fn controllers_come_back(sn in "[!-~]{1,20}", mn in "[!-~]{1,40}", cntlid: u16, oacs: u16, nn: u32, unvmcap: u128) {
            let of = IdentifyController { sn, mn, cntlid, ver: 0x0001_0400, cmic: 2, mdts: 7, oacs, nn, unvmcap };
            prop_assert_eq!(IdentifyController::decode(&controller(&of)), Ok(of));
        }
    }
}
