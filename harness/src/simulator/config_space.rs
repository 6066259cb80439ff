//! Config space as hardware would fill it in, byte by byte.
//!
//! Ids, offsets and bits: Linux 6.12 include/uapi/linux/pci_regs.h. Where a capability stands is
//! free; SR-IOV and ARI stand where the 82576 has them.

use super::driver::Express;
use super::fault::Fault;
use super::groups::has_iommu;
use super::model::{Model, PORT};

/// Where the PF's SR-IOV capability stands.
const SRIOV: usize = 0x160;
/// What a function that no longer answers reads as.
pub(super) const DEAD: &[u8] = &[0xff; 4096];

const ENDPOINT: u16 = 0; // PCI_EXP_TYPE_ENDPOINT
const ROOT_PORT: u16 = 4; // PCI_EXP_TYPE_ROOT_PORT
const FLR: u32 = 1 << 28; // PCI_EXP_DEVCAP_FLR
const ARI_FORWARDING: u16 = 1 << 5; // PCI_EXP_DEVCAP2_ARI and PCI_EXP_DEVCTL2_ARI
const VF_ENABLE: u16 = 0x09; // PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE
const ARI_HIERARCHY: u16 = 0x10; // PCI_SRIOV_CTRL_ARI
const BAR_64_PREFETCHABLE: u64 = 0xc; // PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH
const ISOLATING: u16 = 0x1d; // PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF

/// The PF's BAR 0, and the memory in which the VF BARs lie: above 4 GiB, as large devices want it.
const PF_BAR: u64 = 0x38_0000_0000;
/// How far it is from there to those of the next device.
const NEXT_DEVICE: u64 = 0x8_0000_0000;
/// The size of the PF's BAR 0.
pub(super) const PF_BAR_SIZE: u64 = 0x10_0000;

/// Where BAR 0 of a device's PF lies.
pub(super) fn pf_bar(number: u8) -> u64 {
    PF_BAR + NEXT_DEVICE * u64::from(number)
}

/// The physical function's. `number` tells devices of one kind apart.
pub(super) fn physical(model: &Model, number: u8) -> Vec<u8> {
    let ids = &model.ids;
    let swapped = u16::from(model.has(Fault::IdsDisagree));
    let mut space = Space::new(0);
    space.ids(ids.vendor, ids.device ^ swapped, model);
    space.put64(0x10, pf_bar(number) | BAR_64_PREFETCHABLE);
    space.power(0x40, true);
    space.msix(0x70, model.pf_msix);
    space.express(0xa0, ENDPOINT, FLR, trained(model), model.row.express);
    space.extended(0x100, 0x01, 2); // PCI_EXT_CAP_ID_ERR
    space.extended(0x140, 0x03, 1); // PCI_EXT_CAP_ID_DSN
    space.put64(0x144, 0x0200_00ff_ff00_0100 + u64::from(number));
    if model.sriov {
        space.extended(0x150, 0x0e, 1); // PCI_EXT_CAP_ID_ARI
        space.extended(SRIOV, 0x10, 1); // PCI_EXT_CAP_ID_SRIOV
        space.sriov(model, number);
    }
    space.bytes
}

/// A virtual function's. Its ids read FFFF; Linux takes them from the PF.
pub(super) fn of_vf(model: &Model) -> Vec<u8> {
    let mut space = Space::new(0);
    space.ids(0xffff, 0xffff, model);
    let resets_by = |method| model.vf_reset.iter().any(|known| known == method);
    if resets_by("pm") {
        space.power(0x40, true);
    }
    let other = u16::from(model.has(Fault::NvmeVectorsOther));
    space.msix(0x70, model.vf_msix + other);
    let flr = if resets_by("flr") { FLR } else { 0 };
    space.express(0xa0, ENDPOINT, flr, trained(model), model.row.express);
    space.extended(0x100, 0x01, 2); // PCI_EXT_CAP_ID_ERR
    space.extended(0x150, 0x0e, 1); // PCI_EXT_CAP_ID_ARI
    space.bytes
}

/// A root port's; behind it are the buses from the first number to the last.
pub(super) fn of_port(model: &Model, buses: [u8; 2]) -> Vec<u8> {
    let mut space = Space::new(1);
    space.put16(0x00, 0x8086);
    space.put16(0x02, 0x2030); // pci.ids: Sky Lake-E PCI Express Root Port A
    space.put16(0x0a, 0x0604); // PCI_CLASS_BRIDGE_PCI
    space.bytes[0x18..0x1b].copy_from_slice(&[PORT.bus, buses[0], buses[1]]);
    space.power(0x40, false);
    space.express(0xa0, ROOT_PORT, 0, trained(model), model.row.express);
    if model.ari {
        space.put32(0xa0 + 0x24, ARI_FORWARDING.into());
        space.put16(0xa0 + 0x28, ARI_FORWARDING);
    }
    space.extended(0x100, 0x01, 2); // PCI_EXT_CAP_ID_ERR
    if !model.has(Fault::AcsMissing) {
        space.extended(0x140, 0x0d, 1); // PCI_EXT_CAP_ID_ACS
        space.put16(0x144, ISOLATING);
        // Linux 6.12 drivers/iommu/intel/dmar.c, detect_intel_iommu: ACS is asked for only with an IOMMU in use.
        space.put16(0x146, if has_iommu(model) { ISOLATING } else { 0 });
    }
    space.bytes
}

/// The sibling function's: a header and nothing else.
pub(super) fn of_sibling(model: &Model) -> Vec<u8> {
    let mut space = Space::new(0);
    space.ids(model.ids.vendor, model.ids.device, model);
    space.express(0xa0, ENDPOINT, 0, trained(model), model.row.express);
    space.bytes
}

/// What the kernel's `pci_iov_set_numvfs` and its write of the control register leave in the PF's.
pub(super) fn enable_vfs(space: &mut [u8], count: u16) {
    let Some(capability) = space.get_mut(SRIOV..SRIOV + 0x40) else {
        return;
    };
    let control = u16::from_le_bytes([capability[0x08], capability[0x09]]) & !VF_ENABLE;
    let control = if count > 0 {
        control | VF_ENABLE
    } else {
        control
    };
    capability[0x08..0x0a].copy_from_slice(&control.to_le_bytes());
    capability[0x10..0x12].copy_from_slice(&count.to_le_bytes());
}

/// What the link runs at.
pub(super) fn trained(model: &Model) -> Express {
    if model.has(Fault::PcieDegraded) {
        Express {
            generation: 1,
            width: 1,
        }
    } else {
        model.row.express
    }
}

/// The address of each VF BAR and the size of one VF's part; without addresses where firmware gave none.
pub(super) fn vf_bars(model: &Model, number: u8) -> Vec<(u8, u64, u64)> {
    let mut next = pf_bar(number) + PF_BAR_SIZE;
    let assigned = !model.has(Fault::VfBarsUnassigned);
    let place = |bar: &super::driver::Bar| {
        let here = next.next_multiple_of(bar.size);
        next = here + bar.size * u64::from(model.hardware_vfs);
        (bar.index, if assigned { here } else { 0 }, bar.size)
    };
    model.row.vf_bars.iter().map(place).collect()
}

/// A config space while it is filled in.
struct Space {
    bytes: Vec<u8>,
    /// Where the next capability's offset goes.
    link: usize,
    extended: Option<usize>,
}

impl Space {
    fn new(header_type: u8) -> Self {
        let mut bytes = vec![0; 4096];
        bytes[0x0e] = header_type;
        let mut space = Self {
            bytes,
            link: 0x34,
            extended: None,
        };
        space.put16(0x04, 0x0406); // PCI_COMMAND: memory, bus master, no INTx
        space.put16(0x06, 0x0010); // PCI_STATUS_CAP_LIST
        space
    }

    fn put16(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    fn put32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn put64(&mut self, at: usize, value: u64) {
        self.bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }

    fn ids(&mut self, vendor: u16, device: u16, model: &Model) {
        let ids = &model.ids;
        self.put16(0x00, vendor);
        self.put16(0x02, device);
        self.put32(
            0x08,
            model.class() << 8 | u32::from(ids.revision.unwrap_or(1)),
        );
        self.put16(0x2c, ids.subsystem_vendor.unwrap_or(ids.vendor));
        self.put16(0x2e, ids.subsystem_device.unwrap_or(1));
    }

    fn standard(&mut self, at: u8, id: u8) {
        self.bytes[self.link] = at;
        self.bytes[usize::from(at)] = id;
        self.link = usize::from(at) + 1;
    }

    /// The header's upper 12 bits hold the offset of the next one.
    fn extended(&mut self, at: usize, id: u16, version: u16) {
        if let Some(before) = self.extended {
            let version =
                u16::from_le_bytes([self.bytes[before + 2], self.bytes[before + 3]]) & 0xf;
            self.put16(before + 2, version | u16::try_from(at << 4).unwrap_or(0));
        }
        self.put16(at, id);
        self.put16(at + 2, version);
        self.extended = Some(at);
    }

    /// A function that is reset by a change of its power state says so by a zero in `PCI_PM_CTRL_NO_SOFT_RESET`.
    fn power(&mut self, at: u8, resets: bool) {
        self.standard(at, 0x01); // PCI_CAP_ID_PM
        self.put16(usize::from(at) + 2, 0x0003);
        self.put16(usize::from(at) + 4, if resets { 0 } else { 0x0008 });
    }

    fn msix(&mut self, at: u8, vectors: u16) {
        self.standard(at, 0x11); // PCI_CAP_ID_MSIX
        self.put16(usize::from(at) + 2, vectors.saturating_sub(1));
    }

    fn express(&mut self, at: u8, port: u16, capabilities: u32, status: Express, most: Express) {
        self.standard(at, 0x10); // PCI_CAP_ID_EXP
        let at = usize::from(at);
        self.put16(at + 0x02, 2 | port << 4);
        self.put32(at + 0x04, capabilities);
        self.put32(at + 0x0c, link_register(most).into());
        self.put16(at + 0x12, link_register(status));
    }

    fn sriov(&mut self, model: &Model, number: u8) {
        self.put16(SRIOV + 0x08, if model.ari { ARI_HIERARCHY } else { 0 });
        self.put16(SRIOV + 0x0c, model.hardware_vfs);
        self.put16(SRIOV + 0x0e, model.hardware_vfs);
        self.put16(SRIOV + 0x14, model.layout.offset);
        self.put16(SRIOV + 0x16, model.layout.stride);
        self.put16(SRIOV + 0x1a, model.vf_device);
        self.put32(SRIOV + 0x1c, 0x553); // 4 KiB to 4 MiB
        self.put32(SRIOV + 0x20, 0x001);
        for (index, address, _) in vf_bars(model, number) {
            self.put64(
                SRIOV + 0x24 + 4 * usize::from(index),
                address | BAR_64_PREFETCHABLE,
            );
        }
    }
}

fn link_register(link: Express) -> u16 {
    u16::from(link.generation) | u16::from(link.width) << 4
}

#[cfg(test)]
mod tests {
    use super::{enable_vfs, of_port, of_vf, physical};
    use crate::pci::capability::AcsControl;
    use crate::pci::{Capabilities, ConfigSpace};
    use crate::simulator::Fault;
    use crate::simulator::model::{Model, PF};
    use crate::simulator::tests::profile;

    fn model(fault: Option<Fault>) -> Model {
        Model::new(&profile("igb", "igbvf", ""), fault)
    }

    fn read(bytes: Vec<u8>) -> Capabilities {
        let read = Capabilities::read(&ConfigSpace::new(bytes));
        assert_eq!(read.anomalies, []);
        assert!(read.complete);
        read
    }

    #[test]
    fn the_pf_reads_back_as_it_was_meant() {
        let model = model(None);
        let read = read(physical(&model, 0));
        let sriov = read.sriov.unwrap();
        assert_eq!(
            (
                sriov.total_vfs,
                sriov.num_vfs,
                sriov.vf_enable,
                sriov.ari_hierarchy
            ),
            (8, 0, false, true)
        );
        assert_eq!(sriov.vf(PF, 1), model.vf(PF, 1));
        assert_eq!(
            sriov
                .vf_bars
                .iter()
                .map(|bar| bar.index)
                .collect::<Vec<_>>(),
            [0, 3]
        );
        assert!(
            sriov
                .vf_bars
                .iter()
                .all(|bar| bar.address() != 0 && bar.is_64bit)
        );
        assert_eq!(read.msix.unwrap().vectors, 10);
        assert!(read.express.unwrap().function_level_reset);
        assert!(read.aer.is_some() && read.ari.is_some() && read.serial.is_some());
    }

    #[test]
    fn enabling_shows_in_the_capability_and_keeps_its_other_bits() {
        let mut bytes = physical(&model(None), 0);
        enable_vfs(&mut bytes, 3);
        let sriov = read(bytes.clone()).sriov.unwrap();
        assert_eq!(
            (
                sriov.num_vfs,
                sriov.vf_enable,
                sriov.vf_memory_enable,
                sriov.ari_hierarchy
            ),
            (3, true, true, true)
        );
        enable_vfs(&mut bytes, 0);
        assert_eq!(bytes, physical(&model(None), 0));
    }

    #[test]
    fn the_port_isolates_unless_it_is_to_blame() {
        let acs = read(of_port(&model(None), [1, 1])).acs.unwrap();
        assert!(
            [
                AcsControl::Sv,
                AcsControl::Rr,
                AcsControl::Cr,
                AcsControl::Uf
            ]
            .iter()
            .all(|control| acs.enabled.contains(control))
        );
        assert_eq!(
            read(of_port(&model(Some(Fault::AcsMissing)), [1, 1])).acs,
            None
        );
        let express = read(of_port(&model(None), [1, 1])).express.unwrap();
        assert!(express.ari_forwarding_enabled);
        assert!(
            !read(of_port(&model(Some(Fault::BusWindowSmall)), [1, 1]))
                .express
                .unwrap()
                .ari_forwarding_supported
        );
    }

    #[test]
    fn a_vf_has_its_vectors_and_no_ids() {
        let space = ConfigSpace::new(of_vf(&model(None)));
        assert_eq!(space.u32(0), Some(u32::MAX));
        assert!(!space.is_gone());
        assert_eq!(read(space.bytes().to_vec()).msix.unwrap().vectors, 3);
    }

    #[test]
    fn a_degraded_link_shows_in_the_status_only() {
        let express = read(physical(&model(Some(Fault::PcieDegraded)), 0))
            .express
            .unwrap();
        let [status, most] = [
            express.link_status.unwrap(),
            express.link_capability.unwrap(),
        ];
        assert_eq!((status.width, most.width), (1, 4));
    }
}
