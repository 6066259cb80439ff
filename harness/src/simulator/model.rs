//! The hardware in the slot: what the profile claims, over what is known of its driver's hardware.

use crate::pci::Bdf;
use crate::profile::{Kind, PciMatch, Profile};

use super::commands::{KERNEL, OTHER_KERNEL};
use super::driver::{Layout, PfDriver};
use super::drivers;
use super::fault::Fault;

/// The root port.
pub(super) const PORT: Bdf = Bdf {
    domain: 0,
    bus: 0,
    device: 3,
    function: 0,
};
/// The physical function.
pub(super) const PF: Bdf = Bdf {
    domain: 0,
    bus: 1,
    device: 0,
    function: 0,
};
/// The root port of the second device.
pub(super) const SECOND_PORT: Bdf = Bdf {
    domain: 0,
    bus: 0,
    device: 4,
    function: 0,
};
/// The second device's physical function; no VF of the first comes to lie there.
pub(super) const SECOND: Bdf = Bdf {
    domain: 0,
    bus: 2,
    device: 0,
    function: 0,
};
/// The function that shares the PF's group under [`Fault::PfGroupShared`]; no VF comes to lie there.
pub(super) const SIBLING: Bdf = Bdf {
    domain: 0,
    bus: 1,
    device: 31,
    function: 7,
};

/// The root port that a function sits behind, or that it is.
pub(super) fn port_of(bdf: Bdf) -> Bdf {
    if bdf == SECOND_PORT || bdf.bus >= SECOND.bus {
        SECOND_PORT
    } else {
        PORT
    }
}

/// A device id that no driver has in its table.
const NO_VF_DEVICE: u16 = 0xbad0;

/// What does not change while the machine runs.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Network adapter or drive.
    pub kind: Kind,
    /// The name in the profile.
    pub name: String,
    /// The PF's ids.
    pub ids: PciMatch,
    /// The VFs' device id.
    pub vf_device: u16,
    /// The drivers of the two sides.
    pub drivers: [String; 2],
    /// What is known of the PF's driver.
    pub row: &'static PfDriver,
    /// Whether the PF has the SR-IOV and ARI capabilities.
    pub sriov: bool,
    /// `TotalVFs` in the capability.
    pub hardware_vfs: u16,
    /// What the driver sets `sriov_totalvfs` to.
    pub lowers_to: Option<u16>,
    /// Whether the root port forwards ARI.
    pub ari: bool,
    /// First VF offset and VF stride.
    pub layout: Layout,
    /// How many bus numbers there are behind the root port beside the PF's own.
    pub more_buses: u8,
    /// MSI-X vectors of the PF.
    pub pf_msix: u16,
    /// MSI-X vectors of a VF.
    pub vf_msix: u16,
    /// Reset methods of a VF.
    pub vf_reset: Vec<String>,
    /// The largest MTU.
    pub max_mtu: u32,
    /// What is wrong.
    pub fault: Option<Fault>,
    /// How often the machine has restarted.
    pub restarts: u32,
}

impl Model {
    /// The hardware that a profile describes, with a fault built in.
    pub(super) fn new(profile: &Profile, fault: Option<Fault>) -> Self {
        let row = drivers::of(&profile.driver.pf, profile.kind);
        let claims = &profile.claims;
        let wrong = |wanted| fault == Some(wanted);
        let ari = !wrong(Fault::BusWindowSmall);
        let layout = if ari {
            row.layout
        } else {
            row.layout_without_ari
        };
        let hardware_vfs = hardware_vfs(claims.total_vfs, row, fault);
        let vf_msix = claims.vf_msix.unwrap_or(row.vf_msix);
        Self {
            kind: profile.kind,
            name: profile.name.clone(),
            ids: profile.matches.first().cloned().unwrap_or(NO_IDS),
            vf_device: vf_device(profile, row, fault),
            drivers: [profile.driver.pf.clone(), profile.driver.vf.clone()],
            row,
            sriov: !wrong(Fault::NoSriovCapability),
            hardware_vfs,
            lowers_to: if wrong(Fault::VendorKnobOff) {
                Some(0)
            } else {
                lowers_to(claims.total_vfs, row)
            },
            ari,
            layout,
            more_buses: if ari {
                more_buses(layout, hardware_vfs)
            } else {
                0
            },
            pf_msix: if wrong(Fault::MsixTableSmall) {
                1
            } else {
                row.pf_msix
            },
            vf_msix: if wrong(Fault::VfMsixShort) {
                vf_msix.saturating_sub(1).max(1)
            } else {
                vf_msix
            },
            vf_reset: vf_reset(&claims.vf_reset, row, fault),
            max_mtu: claims.max_mtu.unwrap_or(*row.mtu.end()),
            fault,
            restarts: 0,
        }
    }

    /// The same in the next boot.
    pub(super) fn restarted(&self) -> Self {
        Self {
            restarts: self.restarts + 1,
            ..self.clone()
        }
    }

    /// Whether the device did not come back from a restart.
    pub(super) fn is_gone(&self) -> bool {
        let lost = self.has(Fault::DeviceGoneAfterReboot) || self.has(Fault::DeviceMovedByReboot);
        lost && self.restarts > 0
    }

    /// `uname -r`.
    pub(super) fn kernel(&self) -> &'static str {
        if self.has(Fault::KernelChangesAtReboot) && self.restarts > 0 {
            OTHER_KERNEL
        } else {
            KERNEL
        }
    }

    /// The four ids of a function with this device id: vendor, device and the subsystem's two.
    pub(super) fn header_ids(&self, device: u16) -> [u16; 4] {
        let ids = &self.ids;
        [
            ids.vendor,
            device,
            ids.subsystem_vendor.unwrap_or(ids.vendor),
            ids.subsystem_device.unwrap_or(1),
        ]
    }

    /// Which number the second device has among those of its kind, where there is one: 0 is the first, which has moved.
    pub(super) fn second(&self) -> Option<u8> {
        if self.has(Fault::DeviceMovedByReboot) {
            (self.restarts > 0).then_some(0)
        } else {
            (self.kind == Kind::Nic).then_some(1)
        }
    }

    /// What udev calls the interface of a PF or of one of its VFs.
    pub(super) fn interface(&self, pf: Bdf, vf: Option<u16>) -> String {
        let bus = pf.bus;
        match vf {
            None => format!("enp{bus}s0"),
            Some(index) if self.has(Fault::NameChanged) && self.restarts > 0 => {
                format!("eth{}", index + 1)
            }
            Some(index) => format!("enp{bus}s0v{index}"),
        }
    }

    /// The first and the last bus number behind the root port of a PF.
    pub(super) fn buses(&self, pf: Bdf) -> [u8; 2] {
        [pf.bus, pf.bus + self.more_buses]
    }

    /// Whether this is what is wrong.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Whether the kernel sees a PF: with `TotalVFs` 0 it does not
    /// (Linux 6.12 drivers/pci/iov.c, `sriov_init`).
    pub(super) fn is_physfn(&self) -> bool {
        self.sriov && self.hardware_vfs > 0
    }

    /// Where a VF answers; `None` beyond the last bus number there is.
    pub(super) fn vf(&self, pf: Bdf, index: u16) -> Option<Bdf> {
        let beside = u16::from(self.has(Fault::VfAtWrongAddress));
        pf.vf(self.layout.offset + beside, self.layout.stride, index)
    }

    /// Base class, sub-class and programming interface (Linux 6.12 include/linux/pci_ids.h,
    /// `PCI_CLASS_NETWORK_ETHERNET` and `PCI_CLASS_STORAGE_EXPRESS`).
    pub(super) fn class(&self) -> u32 {
        match self.kind {
            Kind::Nic => 0x02_0000,
            Kind::Nvme => 0x01_0802,
        }
    }
}

/// What a profile without a match would get; the loader refuses such a profile.
const NO_IDS: PciMatch = PciMatch {
    vendor: 0,
    device: 0,
    subsystem_vendor: None,
    subsystem_device: None,
    revision: None,
};

/// A driver that lowers the limit leaves the rest of the hardware unused, as igb does with its eighth VF.
fn hardware_vfs(claimed: Option<u16>, row: &PfDriver, fault: Option<Fault>) -> u16 {
    let claimed_or_known = match (claimed, row.lowers_to) {
        (Some(claimed), None) => claimed,
        (Some(claimed), Some(_)) => claimed.max(row.hardware_vfs),
        (None, _) => row.hardware_vfs,
    };
    match fault {
        Some(Fault::FirmwareCountZero) => 0,
        Some(Fault::TotalvfsWrong) => claimed.unwrap_or(claimed_or_known).saturating_sub(1),
        _ => claimed_or_known,
    }
}

fn lowers_to(claimed: Option<u16>, row: &PfDriver) -> Option<u16> {
    row.lowers_to.map(|limit| claimed.unwrap_or(limit))
}

fn vf_device(profile: &Profile, row: &PfDriver, fault: Option<Fault>) -> u16 {
    let pf_device = profile
        .matches
        .first()
        .map_or(row.vf_device, |ids| ids.device);
    match (fault, profile.vf_devices.first(), profile.kind) {
        (Some(Fault::VfIdsWrong), ..) => NO_VF_DEVICE,
        (_, Some(listed), _) => *listed,
        // Assumed: as with the drives that were seen, the PF's own.
        (_, None, Kind::Nvme) => pf_device,
        (_, None, Kind::Nic) => row.vf_device,
    }
}

/// A function whose Device Capabilities lack FLR is left with what power management offers
/// (Linux 6.12 drivers/pci/pci.c, `pcie_reset_flr` and `pci_pm_reset`).
fn vf_reset(claimed: &[String], row: &PfDriver, fault: Option<Fault>) -> Vec<String> {
    if fault == Some(Fault::VfResetMethodMissing) {
        return vec!["pm".into()];
    }
    if claimed.is_empty() {
        row.vf_reset.iter().map(|&method| method.into()).collect()
    } else {
        claimed.to_vec()
    }
}

/// The bus numbers that a good firmware or kernel sets aside: enough for the last VF.
fn more_buses(layout: Layout, vfs: u16) -> u8 {
    let last = vfs
        .checked_sub(1)
        .and_then(|index| PF.vf(layout.offset, layout.stride, index));
    last.map_or(0, |vf| vf.bus - PF.bus)
}

#[cfg(test)]
mod tests {
    use super::{Model, PF};
    use crate::simulator::Fault;
    use crate::simulator::tests::profile;

    #[test]
    fn claims_are_what_the_hardware_is() {
        let model = Model::new(
            &profile(
                "igb",
                "igbvf",
                "total_vfs = 7\nvf_msix = 9\nmax_mtu = 4000\nvf_reset = ['bus']",
            ),
            None,
        );
        assert_eq!((model.hardware_vfs, model.lowers_to), (8, Some(7)));
        assert_eq!(
            (model.vf_msix, model.max_mtu, model.vf_reset.as_slice()),
            (9, 4000, ["bus".to_owned()].as_slice())
        );
    }

    #[test]
    fn what_is_not_claimed_comes_from_the_drivers_row() {
        let model = Model::new(&profile("ixgbe", "ixgbevf", ""), None);
        assert_eq!(
            (model.hardware_vfs, model.lowers_to, model.vf_msix),
            (64, Some(63), 3)
        );
        assert_eq!(model.vf(PF, 0).unwrap().to_string(), "0000:01:10.0");
    }

    #[test]
    fn without_ari_the_vfs_need_a_second_bus() {
        let model = Model::new(&profile("igb", "igbvf", ""), Some(Fault::BusWindowSmall));
        assert_eq!(model.vf(PF, 0).unwrap().bus, 2);
        assert_eq!(model.buses(PF), [PF.bus; 2]);
    }

    #[test]
    fn a_wrong_count_is_below_the_claim_also_where_the_driver_lowers_it() {
        let model = Model::new(
            &profile("igb", "igbvf", "total_vfs = 7"),
            Some(Fault::TotalvfsWrong),
        );
        assert_eq!(model.hardware_vfs, 6);
    }
}
