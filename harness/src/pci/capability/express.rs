//! PCI Express: what kind of port it is, its link, function level reset, ARI forwarding.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::pci::registers::Registers;

/// The PCI Express capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Express {
    /// Where it stands in config space.
    pub at: u16,
    /// `PCI_EXP_FLAGS_VERS` of `PCI_EXP_FLAGS` (0x02).
    pub version: u8,
    /// `PCI_EXP_FLAGS_TYPE` of `PCI_EXP_FLAGS`.
    pub port: PortType,
    /// Function level reset: `PCI_EXP_DEVCAP_FLR` of `PCI_EXP_DEVCAP` (0x04).
    pub function_level_reset: bool,
    /// What the link could do, `PCI_EXP_LNKCAP` (0x0c); absent inside the root complex, where there is no link.
    pub link_capability: Option<Link>,
    /// What the link runs at, `PCI_EXP_LNKSTA` (0x12).
    pub link_status: Option<Link>,
    /// Whether a port can pass on ARI addresses: `PCI_EXP_DEVCAP2_ARI` of `PCI_EXP_DEVCAP2` (0x24).
    pub ari_forwarding_supported: bool,
    /// Whether it does: `PCI_EXP_DEVCTL2_ARI` of `PCI_EXP_DEVCTL2` (0x28).
    pub ari_forwarding_enabled: bool,
}

impl Express {
    pub(super) fn read(registers: Registers<'_>) -> Option<Self> {
        let flags = registers.u16(0x02)?;
        let port = PortType::from_code((flags >> 4 & 0xf) as u8);
        let version = (flags & 0xf) as u8;
        // Version 1 ends before the second device registers (Linux drivers/pci/access.c, `pcie_capability_reg_implemented`).
        let second = version > 1;
        Some(Self {
            at: registers.at(),
            version,
            port,
            function_level_reset: registers.u32(0x04)? & 0x1000_0000 != 0,
            link_capability: if port.has_link() {
                Some(Link::from_register(registers.u32(0x0c)?))
            } else {
                None
            },
            link_status: if port.has_link() {
                Some(Link::from_register(registers.u16(0x12)?.into()))
            } else {
                None
            },
            ari_forwarding_supported: second && registers.u32(0x24)? & 0x20 != 0,
            ari_forwarding_enabled: second && registers.u16(0x28)? & 0x20 != 0,
        })
    }
}

/// What kind of function it is: `PCI_EXP_TYPE_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortType {
    /// `PCI_EXP_TYPE_ENDPOINT`.
    Endpoint,
    /// `PCI_EXP_TYPE_LEG_END`.
    LegacyEndpoint,
    /// `PCI_EXP_TYPE_ROOT_PORT`.
    RootPort,
    /// `PCI_EXP_TYPE_UPSTREAM`: the upstream port of a switch.
    UpstreamPort,
    /// `PCI_EXP_TYPE_DOWNSTREAM`: a downstream port of a switch.
    DownstreamPort,
    /// `PCI_EXP_TYPE_PCI_BRIDGE`: from PCI Express to PCI.
    PciBridge,
    /// `PCI_EXP_TYPE_PCIE_BRIDGE`: from PCI to PCI Express.
    PcieBridge,
    /// `PCI_EXP_TYPE_RC_END`: an endpoint inside the root complex, without a link.
    RootComplexEndpoint,
    /// `PCI_EXP_TYPE_RC_EC`: an event collector of the root complex.
    RootComplexEventCollector,
    /// A code that `pci_regs.h` does not know.
    Unknown(u8),
}

impl PortType {
    fn from_code(code: u8) -> Self {
        match code {
            0x0 => Self::Endpoint,
            0x1 => Self::LegacyEndpoint,
            0x4 => Self::RootPort,
            0x5 => Self::UpstreamPort,
            0x6 => Self::DownstreamPort,
            0x7 => Self::PciBridge,
            0x8 => Self::PcieBridge,
            0x9 => Self::RootComplexEndpoint,
            0xa => Self::RootComplexEventCollector,
            code => Self::Unknown(code),
        }
    }

    /// Whether the link registers mean anything (Linux drivers/pci/access.c, `pcie_cap_has_lnkctl`).
    fn has_link(self) -> bool {
        !matches!(
            self,
            Self::RootComplexEndpoint | Self::RootComplexEventCollector | Self::Unknown(_)
        )
    }
}

/// A link's speed and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// `PCI_EXP_LNKCAP_SLS` or `PCI_EXP_LNKSTA_CLS`; absent when the code is not a known speed.
    pub speed: Option<LinkSpeed>,
    /// Lanes, `PCI_EXP_LNKCAP_MLW` or `PCI_EXP_LNKSTA_NLW`.
    pub width: u8,
}

impl Link {
    /// Both registers have the speed in bits 3:0 and the width in bits 9:4.
    fn from_register(register: u32) -> Self {
        Self {
            speed: LinkSpeed::from_code(register & 0xf),
            width: (register >> 4 & 0x3f) as u8,
        }
    }
}

/// The speed of a link's lane, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(missing_docs, reason = "the names are the speeds")]
pub enum LinkSpeed {
    Gt2_5,
    Gt5,
    Gt8,
    Gt16,
    Gt32,
    Gt64,
}

impl LinkSpeed {
    const ALL: [Self; 6] = [
        Self::Gt2_5,
        Self::Gt5,
        Self::Gt8,
        Self::Gt16,
        Self::Gt32,
        Self::Gt64,
    ];

    /// The codes count from 1 (`PCI_EXP_LNKCAP_SLS_2_5GB` and following).
    fn from_code(code: u32) -> Option<Self> {
        Self::ALL
            .get(usize::try_from(code.checked_sub(1)?).ok()?)
            .copied()
    }
}

impl fmt::Display for LinkSpeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The words of sysfs' `current_link_speed` (Linux drivers/pci/probe.c, `pci_speed_string`), without its ` PCIe`.
        f.write_str(match self {
            Self::Gt2_5 => "2.5 GT/s",
            Self::Gt5 => "5.0 GT/s",
            Self::Gt8 => "8.0 GT/s",
            Self::Gt16 => "16.0 GT/s",
            Self::Gt32 => "32.0 GT/s",
            Self::Gt64 => "64.0 GT/s",
        })
    }
}

impl From<LinkSpeed> for String {
    fn from(speed: LinkSpeed) -> Self {
        speed.to_string()
    }
}

impl TryFrom<String> for LinkSpeed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|speed| speed.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no PCI Express link speed"))
    }
}
