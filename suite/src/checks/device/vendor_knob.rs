//! Where each family of cards is told, outside the kernel, to have virtual functions.

use harness::check::Finding;

/// What it means for one family that the card offers no virtual functions.
pub(super) struct Knob {
    /// The function has no SR-IOV capability.
    pub(super) hidden: &'static Finding,
    /// It has one that counts no virtual functions.
    pub(super) empty: &'static Finding,
}

/// The knob of the cards that a PF driver is for.
pub(super) fn of(driver: &str) -> &'static Knob {
    match driver {
        "mlx5_core" => &MELLANOX,
        "sfc" => &SOLARFLARE,
        "bnx2x" | "qede" => &MARVELL,
        "i40e" | "ice" => &INTEL,
        _ => &NONE,
    }
}

/// `mstconfig` is in the package mstflint of both families; docs.nvidia.com, mstconfig and SR-IOV configuration pages.
pub(super) const MELLANOX: Knob = Knob {
    hidden: &Finding::device(
        "mlx5-sriov-off",
        "The card shows no SR-IOV capability. Cards of this family have VFs only as far as their firmware is told to (SRIOV_EN, NUM_OF_VFS).",
        "mstconfig -d BDF query | grep -e SRIOV_EN -e NUM_OF_VFS; mstconfig -d BDF set SRIOV_EN=1 NUM_OF_VFS=n (mlxconfig does the same), then \
         power the machine off and on.",
    ),
    empty: &Finding::device(
        "mlx5-vf-count-zero",
        "The card has the SR-IOV capability with TotalVFs 0: its firmware is told to have none (NUM_OF_VFS).",
        "mstconfig -d BDF set SRIOV_EN=1 NUM_OF_VFS=n (mlxconfig does the same), then power the machine off and on.",
    ),
};

/// Solarflare Server Adapter User Guide SF-103837, `sfboot`: by default switch-mode has no VFs.
pub(super) const SOLARFLARE: Knob = Knob {
    hidden: &Finding::device(
        "sfc-sriov-off",
        "The card shows no SR-IOV capability. In the default switch-mode of its firmware it has no VFs.",
        "sfboot --adapter=IFACE switch-mode=sriov vf-count=n firmware-variant=full-feature (package sfutils), then power the machine off and on; \
         a warm reboot does not do.",
    ),
    empty: &Finding::device(
        "sfc-vf-count-zero",
        "The card has the SR-IOV capability with TotalVFs 0: its vf-count is 0.",
        "sfboot --adapter=IFACE switch-mode=sriov vf-count=n (package sfutils), then power the machine off and on; a warm reboot does not do.",
    ),
};

/// The menus differ by server and firmware, so only their names are given.
pub(super) const MARVELL: Knob = Knob {
    hidden: &Finding::device(
        "marvell-sriov-off",
        "The card shows no SR-IOV capability. On cards of this family it is an option of the card's firmware, often off by default.",
        "Switch `SR-IOV` on in the card's own menu: CCM while the machine starts, or `Device Settings` (HII) in the UEFI setup; switch it on in the \
         machine's firmware setup too, then power off and on.",
    ),
    empty: &Finding::device(
        "marvell-vf-count-zero",
        "The card has the SR-IOV capability with TotalVFs 0: its firmware is told to have none.",
        "Raise the number of VFs of this port in the card's own menu: CCM while the machine starts, or `Device Settings` (HII) in the UEFI setup.",
    ),
};

/// Menus as seen on servers with cards of the 700 series.
pub(super) const INTEL: Knob = Knob {
    hidden: &Finding::device(
        "intel-sriov-off",
        "The card shows no SR-IOV capability. On some servers the card's `Virtualization Mode` decides whether it has one.",
        "Set `Virtualization Mode` to `SR-IOV` in `Device Settings` (HII) of the UEFI setup, and `SR-IOV` on in the machine's; else update the card's \
         NVM.",
    ),
    empty: &Finding::device(
        "intel-vf-count-zero",
        "The card has the SR-IOV capability with TotalVFs 0: its NVM gives this port no VFs, as it does to all but one function of a partitioned port.",
        "Set `Virtualization Mode` to `SR-IOV` without `NPAR` in `Device Settings` (HII) of the UEFI setup; else update the card's NVM.",
    ),
};

/// No setting of the card is known that would hide it.
pub(super) const NONE: Knob = Knob {
    hidden: &Finding::device(
        "no-sriov-capability",
        "The function has no SR-IOV capability: this model, or this version of its firmware, cannot have virtual functions.",
        "Compare the part number with the vendor's list of SR-IOV models; update the card's firmware; switch `SR-IOV` on in the machine's firmware \
         setup.",
    ),
    empty: &Finding::device(
        "firmware-vf-count-zero",
        "The device has the SR-IOV capability with TotalVFs 0: its firmware is told to have none.",
        "Restore the factory settings of the device's firmware or update it; look for a number of VFs in the vendor's tool.",
    ),
};

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn each_driver_leads_to_its_vendors_tool() {
        assert!(of("mlx5_core").hidden.rhel.contains("mstconfig"));
        assert!(of("sfc").empty.rhel.contains("sfboot"));
        assert!(of("qede").hidden.rhel.contains("CCM") && of("bnx2x").hidden.rhel.contains("CCM"));
        assert!(of("ice").hidden.rhel.contains("Virtualization Mode"));
        assert_eq!(of("igb").hidden.code, "no-sriov-capability");
        assert_eq!(of("nvme").empty.code, "firmware-vf-count-zero");
    }
}
