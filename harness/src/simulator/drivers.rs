//! What is known of each PF driver and of the hardware it drives: one row a driver.
//!
//! A number without a source of its own is marked `assumed`: nobody could verify it for a real
//! device, the simulator needs one, and no profile may claim it on the simulator's word.
//! "K" is Linux 6.12; "D" is a public `lspci` dump of one card.

use std::time::Duration;

use nix::errno::Errno;

use super::driver::{Bar, Express, Layout, PfDriver, VfMac};
use crate::profile::Kind;

/// The row of a driver; an ideal one of that kind for a driver that is not in the table.
pub(super) fn of(name: &str, kind: Kind) -> &'static PfDriver {
    let ideal = match kind {
        Kind::Nic => &MOCK_NIC,
        Kind::Nvme => &MOCK_NVME,
    };
    TABLE
        .iter()
        .copied()
        .find(|row| row.name == name)
        .unwrap_or(ideal)
}

const TABLE: &[&PfDriver] = &[&IGB, &IXGBE, &I40E, &ICE, &MLX5, &BNX2X, &SFC, &QEDE, &NVME];

const KIB: u64 = 1024;
/// Enabling and disabling where nobody measured it: assumed.
const USUAL: [Duration; 2] = [ms(400), ms(1000)];
/// The next bus, where nobody saw the card without ARI: assumed.
const NEXT_BUS: Layout = layout(256, 1);

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const fn layout(offset: u16, stride: u16) -> Layout {
    Layout { offset, stride }
}

const fn bar(index: u8, size: u64) -> Bar {
    Bar { index, size }
}

const fn express(generation: u8, width: u8) -> Express {
    Express { generation, width }
}

const IGB: PfDriver = PfDriver {
    name: "igb",
    vf_device: 0x10ca,                  // K igbvf/netdev.c, igbvf_pci_tbl
    hardware_vfs: 8,                    // D
    lowers_to: Some(7),                 // K igb_main.c, igb_probe_vfs
    layout: layout(128, 2),             // QEMU 10.0 hw/net/igb.c
    layout_without_ari: layout(384, 2), // D
    vf_bars: &[bar(0, 16 * KIB), bar(3, 16 * KIB)], // D, region 0 and 3
    vf_msix: 3,                         // QEMU 10.0 hw/net/igbvf.c
    pf_msix: 10,                        // QEMU 10.0 hw/net/igb.c
    refusal: Errno::EPERM,              // K igb_main.c, igb_enable_sriov
    needs_up: false,                    // K igb_main.c, igb_pci_sriov_configure
    resets: true, // K igb_main.c, igb_sriov_reinit and igb_change_mtu; seen with QEMU 11.1.3
    leaves_vfs: false, // K igb_main.c, igb_remove
    mtu: 68..=9216, // K igb_main.c, igb_probe
    vf_mac: VfMac::Random, // K igbvf/netdev.c, igbvf_probe
    vf_reset: &["flr"], // seen with QEMU 10.0.2
    express: express(1, 4), // assumed
    speed: 1000,  // seen with QEMU 10.0.2
    takes: [ms(450), ms(1100)], // seen with QEMU 10.0.2: 0.55 s and 2.1 s in all
};

const IXGBE: PfDriver = PfDriver {
    name: "ixgbe",
    vf_device: 0x10ed,                  // K ixgbevf_main.c, ixgbevf_pci_tbl
    hardware_vfs: 64,                   // D
    lowers_to: Some(63),                // K ixgbe_sriov.h, IXGBE_MAX_VFS_DRV_LIMIT
    layout: layout(128, 2),             // D
    layout_without_ari: layout(384, 2), // D
    vf_bars: &[bar(0, 16 * KIB), bar(3, 16 * KIB)], // D
    vf_msix: 3,                         // D
    pf_msix: 64,                        // assumed
    refusal: Errno::EPERM,              // K ixgbe_sriov.c, ixgbe_pci_sriov_enable
    needs_up: false,                    // K the same
    resets: true,                       // K ixgbe_main.c, ixgbe_sriov_reinit and ixgbe_change_mtu
    leaves_vfs: false,                  // K ixgbe_main.c, ixgbe_remove
    mtu: 68..=9710,                     // K ixgbe_main.c, ixgbe_probe
    vf_mac: VfMac::Random,              // K ixgbevf_main.c, ixgbevf_sw_init
    vf_reset: &["device_specific"],     // K drivers/pci/quirks.c, pci_dev_reset_methods
    express: express(2, 8),             // assumed
    speed: 10_000,                      // K ixgbe_main.c, SFP+
    takes: USUAL,
};

const I40E: PfDriver = PfDriver {
    name: "i40e",
    vf_device: 0x154c,     // K iavf_devids.h, IAVF_DEV_ID_VF
    hardware_vfs: 64,      // D, per PF of a dual-port card
    lowers_to: None,       // K: it does not call pci_sriov_set_totalvfs
    layout: layout(16, 1), // D, PF 0
    layout_without_ari: NEXT_BUS,
    vf_bars: &[bar(0, 64 * KIB), bar(3, 16 * KIB)], // D
    vf_msix: 5,                                     // D
    pf_msix: 129,                                   // assumed
    refusal: Errno::EPERM,                          // K i40e_virtchnl_pf.c, i40e_pci_sriov_enable
    needs_up: false,                                // K the same
    resets: false,                                  // assumed
    leaves_vfs: false,                              // K i40e_main.c, i40e_remove
    mtu: 68..=9702,                                 // K i40e_main.c, i40e_config_netdev
    vf_mac: VfMac::Random,                          // K iavf_main.c, iavf_init_config_adapter
    vf_reset: &["flr"],                             // assumed: the SR-IOV specification demands it
    express: express(3, 8),                         // assumed
    speed: 10_000,                                  // assumed: what X710, XL710 and XXV710 all can
    takes: USUAL,
};

const ICE: PfDriver = PfDriver {
    name: "ice",
    vf_device: 0x1889,    // K iavf_devids.h, IAVF_DEV_ID_ADAPTIVE_VF
    hardware_vfs: 64,     // D, per PF of a 4-port card
    lowers_to: None,      // K: it does not call pci_sriov_set_totalvfs
    layout: layout(8, 1), // D, PF 0
    layout_without_ari: NEXT_BUS,
    vf_bars: &[bar(0, 128 * KIB), bar(3, 16 * KIB)], // D
    vf_msix: 5,                                      // K ice_sriov.h, one of its four steps
    pf_msix: 512,                                    // assumed
    refusal: Errno::EOPNOTSUPP,                      // K ice_sriov.c, ice_pci_sriov_ena
    needs_up: false,                                 // K ice_sriov.c, ice_sriov_configure
    resets: false,                                   // assumed
    leaves_vfs: false,                               // K ice_main.c, ice_remove
    mtu: 68..=9702,                                  // K ice.h, ICE_MAX_MTU
    vf_mac: VfMac::Random,                           // K iavf_main.c, iavf_init_config_adapter
    vf_reset: &["flr"],                              // assumed: the SR-IOV specification demands it
    express: express(4, 16),                         // assumed
    speed: 100_000,                                  // assumed
    takes: USUAL,
};

const MLX5: PfDriver = PfDriver {
    name: "mlx5_core",
    vf_device: 0x101e,    // K mlx5/core/main.c, mlx5_core_pci_table
    hardware_vfs: 8,      // D; the firmware's NUM_OF_VFS
    lowers_to: None,      // K: it does not call pci_sriov_set_totalvfs
    layout: layout(2, 1), // D, PF 0 of a dual-port card
    layout_without_ari: NEXT_BUS,
    vf_bars: &[bar(0, 2048 * KIB)], // D, region 0; the size is assumed
    vf_msix: 12,                    // D
    pf_msix: 64,                    // assumed
    refusal: Errno::EINVAL,         // assumed: firmware's errno is passed through
    needs_up: false,                // K mlx5/core/sriov.c
    resets: false,                  // assumed
    leaves_vfs: false,              // K mlx5/core/main.c, remove_one
    mtu: 68..=9978,                 // K en_main.c: firmware's; the upper end is assumed
    vf_mac: VfMac::Random,          // K en_main.c, mlx5e_set_netdev_dev_addr
    vf_reset: &["flr"],             // assumed: the SR-IOV specification demands it
    express: express(3, 16),        // assumed
    speed: 100_000,                 // assumed
    takes: USUAL,
};

const BNX2X: PfDriver = PfDriver {
    name: "bnx2x",
    vf_device: 0x16af,    // K bnx2x.h, CHIP_NUM_57810_VF
    hardware_vfs: 16,     // D
    lowers_to: None,      // K: it does not call pci_sriov_set_totalvfs
    layout: layout(8, 1), // D; whether with ARI is assumed
    layout_without_ari: NEXT_BUS,
    vf_bars: &[bar(0, 32 * KIB), bar(4, 32 * KIB)], // D; the sizes are assumed
    vf_msix: 4,                                     // K bnx2x_sriov.c: 64 queues shared by 16 VFs
    pf_msix: 32,                                    // assumed
    refusal: Errno::EINVAL,                         // K bnx2x_sriov.c, bnx2x_sriov_configure
    needs_up: true,                                 // K the same
    resets: false,                                  // assumed
    leaves_vfs: false,                              // K bnx2x_main.c, __bnx2x_remove
    mtu: 46..=9600,                                 // K bnx2x_main.c, bnx2x_init_dev
    vf_mac: VfMac::Random,                          // assumed
    vf_reset: &["flr"],                             // assumed: the SR-IOV specification demands it
    express: express(2, 8),                         // assumed
    speed: 10_000,                                  // assumed
    takes: USUAL,
};

const SFC: PfDriver = PfDriver {
    name: "sfc",
    vf_device: 0x1a03,    // K sfc/efx.c, efx_pci_table
    hardware_vfs: 16,     // assumed; `sfboot vf-count` sets it
    lowers_to: None,      // K: it does not call pci_sriov_set_totalvfs
    layout: layout(8, 1), // assumed
    layout_without_ari: NEXT_BUS,
    vf_bars: &[bar(0, 1024 * KIB)], // assumed
    vf_msix: 8,                     // Solarflare SF-103837 issue 20, vf-msix-limit
    pf_msix: 32,                    // the same, msix-limit
    refusal: Errno::EINVAL,         // assumed: firmware's errno is passed through
    needs_up: false,                // K sfc/ef10_sriov.c
    resets: false,                  // assumed
    leaves_vfs: false,              // K sfc/efx.c, efx_pci_remove
    mtu: 68..=9216,                 // K sfc/net_driver.h, EFX_MAX_MTU
    vf_mac: VfMac::OfPf,            // K sfc/ef10_sriov.c, efx_ef10_sriov_alloc_vf_vswitching
    vf_reset: &["flr"],             // assumed: the SR-IOV specification demands it
    express: express(3, 8),         // assumed
    speed: 10_000,                  // assumed
    takes: USUAL,
};

const QEDE: PfDriver = PfDriver {
    name: "qede",
    vf_device: 0x8090,            // K qede_main.c, PCI_DEVICE_ID_AH_IOV
    hardware_vfs: 48,             // assumed; firmware splits the chip's 192
    lowers_to: None,              // K: it does not call pci_sriov_set_totalvfs
    layout: layout(16, 1),        // K qed_sriov.c, a comment in qed_iov_hw_info
    layout_without_ari: NEXT_BUS, // the same
    vf_bars: &[bar(0, 64 * KIB), bar(2, 64 * KIB)], // assumed
    vf_msix: 5,                   // assumed
    pf_msix: 64,                  // assumed
    refusal: Errno::EINVAL,       // K qed_sriov.c, qed_sriov_enable
    needs_up: false,              // K the same
    resets: false,                // assumed
    leaves_vfs: false,            // K qed_main.c, qed_slowpath_stop
    mtu: 46..=9600,               // K qede_main.c, qede_init_ndev
    vf_mac: VfMac::Random,        // assumed
    vf_reset: &["flr"],           // assumed: the SR-IOV specification demands it
    express: express(3, 8),       // assumed
    speed: 10_000,                // assumed
    takes: USUAL,
};

const NVME: PfDriver = PfDriver {
    name: "nvme",
    vf_device: 0x0010,    // seen with QEMU 10.0.2: the PF's own
    hardware_vfs: 32,     // D of a PM173X; assumed for others
    lowers_to: None,      // K nvme/host/pci.c: pci_sriov_configure_simple
    layout: layout(1, 1), // QEMU 10.0 hw/nvme/ctrl.c
    layout_without_ari: NEXT_BUS,
    vf_bars: &[bar(0, 16 * KIB)], // seen with QEMU 10.0.2
    vf_msix: 3,                   // assumed
    pf_msix: 65,                  // QEMU 10.0 hw/nvme/ctrl.c, msix_qsize
    refusal: Errno::EINVAL,       // K drivers/pci/iov.c, sriov_enable
    needs_up: false,              // K nvme/host/pci.c
    resets: false,
    leaves_vfs: true,         // seen with QEMU 10.0.2
    mtu: 0..=0,               // no network interface
    vf_mac: VfMac::Permanent, // no network interface
    vf_reset: &["flr"],       // seen with QEMU 10.0.2
    express: express(3, 4),   // assumed
    speed: 0,                 // no network interface
    takes: [ms(0), ms(50)],   // seen with QEMU 10.0.2: disabling takes 1.05 s in all
};

/// An ideal network adapter; every number is chosen.
const MOCK_NIC: PfDriver = PfDriver {
    name: "mock_nic",
    vf_device: 0x0002,
    hardware_vfs: 16,
    lowers_to: None,
    layout: layout(128, 1),
    layout_without_ari: layout(384, 1),
    vf_bars: &[bar(0, 16 * KIB), bar(2, 16 * KIB)],
    vf_msix: 5,
    pf_msix: 64,
    refusal: Errno::EPERM,
    needs_up: false,
    resets: false,
    leaves_vfs: false,
    mtu: 68..=9216,
    vf_mac: VfMac::Permanent,
    vf_reset: &["flr"],
    express: express(4, 8),
    speed: 25_000,
    takes: [ms(100), ms(100)],
};

/// An ideal `NVMe` controller; every number is chosen.
const MOCK_NVME: PfDriver = PfDriver {
    name: "mock_nvme",
    vf_device: 0x0003,
    hardware_vfs: 16,
    lowers_to: None,
    layout: layout(1, 1),
    layout_without_ari: NEXT_BUS,
    vf_bars: &[bar(0, 16 * KIB)],
    vf_msix: 3,
    pf_msix: 65,
    refusal: Errno::EINVAL,
    needs_up: false,
    resets: false,
    leaves_vfs: true,
    mtu: 0..=0,
    vf_mac: VfMac::Permanent,
    vf_reset: &["flr"],
    express: express(4, 4),
    speed: 0,
    takes: [ms(0), ms(50)],
};
