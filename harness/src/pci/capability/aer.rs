//! Advanced Error Reporting: the errors a function has logged since they were last cleared.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::bits::named;
use crate::pci::registers::Registers;

/// The Advanced Error Reporting capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aer {
    /// Where it stands in config space.
    pub at: u16,
    /// Errors logged: `PCI_ERR_UNCOR_STATUS` (0x04).
    pub uncorrectable: BTreeSet<UncorrectableError>,
    /// Errors that are not reported: `PCI_ERR_UNCOR_MASK` (0x08).
    pub uncorrectable_mask: BTreeSet<UncorrectableError>,
    /// Errors that are fatal: `PCI_ERR_UNCOR_SEVER` (0x0c).
    pub fatal: BTreeSet<UncorrectableError>,
    /// Errors logged: `PCI_ERR_COR_STATUS` (0x10).
    pub correctable: BTreeSet<CorrectableError>,
    /// Errors that are not reported: `PCI_ERR_COR_MASK` (0x14).
    pub correctable_mask: BTreeSet<CorrectableError>,
}

impl Aer {
    pub(super) fn read(registers: Registers<'_>) -> Option<Self> {
        let uncorrectable = |register| Some(named(registers.u32(register)?, &UNCORRECTABLE));
        let correctable = |register| Some(named(registers.u32(register)?, &CORRECTABLE));
        Some(Self {
            at: registers.at(),
            uncorrectable: uncorrectable(0x04)?,
            uncorrectable_mask: uncorrectable(0x08)?,
            fatal: uncorrectable(0x0c)?,
            correctable: correctable(0x10)?,
            correctable_mask: correctable(0x14)?,
        })
    }
}

/// An error that loses data: a bit of `PCI_ERR_UNCOR_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the names are those of the bits PCI_ERR_UNC_… in pci_regs.h, written out"
)]
pub enum UncorrectableError {
    Undefined,
    DataLinkProtocol,
    SurpriseDown,
    PoisonedTlp,
    FlowControlProtocol,
    CompletionTimeout,
    CompleterAbort,
    UnexpectedCompletion,
    ReceiverOverflow,
    MalformedTlp,
    Ecrc,
    UnsupportedRequest,
    AcsViolation,
    Internal,
    MulticastBlocked,
    AtomicEgressBlocked,
    TlpPrefixBlocked,
    PoisonedTlpEgressBlocked,
    DmwrEgressBlocked,
    IdeCheckFailed,
    MisroutedIdeTlp,
    PcrcCheckFailed,
    TranslationEgressBlocked,
}

const UNCORRECTABLE: [(u32, UncorrectableError); 23] = [
    (1, UncorrectableError::Undefined),
    (1 << 4, UncorrectableError::DataLinkProtocol),
    (1 << 5, UncorrectableError::SurpriseDown),
    (1 << 12, UncorrectableError::PoisonedTlp),
    (1 << 13, UncorrectableError::FlowControlProtocol),
    (1 << 14, UncorrectableError::CompletionTimeout),
    (1 << 15, UncorrectableError::CompleterAbort),
    (1 << 16, UncorrectableError::UnexpectedCompletion),
    (1 << 17, UncorrectableError::ReceiverOverflow),
    (1 << 18, UncorrectableError::MalformedTlp),
    (1 << 19, UncorrectableError::Ecrc),
    (1 << 20, UncorrectableError::UnsupportedRequest),
    (1 << 21, UncorrectableError::AcsViolation),
    (1 << 22, UncorrectableError::Internal),
    (1 << 23, UncorrectableError::MulticastBlocked),
    (1 << 24, UncorrectableError::AtomicEgressBlocked),
    (1 << 25, UncorrectableError::TlpPrefixBlocked),
    (1 << 26, UncorrectableError::PoisonedTlpEgressBlocked),
    (1 << 27, UncorrectableError::DmwrEgressBlocked),
    (1 << 28, UncorrectableError::IdeCheckFailed),
    (1 << 29, UncorrectableError::MisroutedIdeTlp),
    (1 << 30, UncorrectableError::PcrcCheckFailed),
    (1 << 31, UncorrectableError::TranslationEgressBlocked),
];

/// An error the link repaired: a bit of `PCI_ERR_COR_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the names are those of the bits PCI_ERR_COR_… in pci_regs.h, written out"
)]
pub enum CorrectableError {
    Receiver,
    BadTlp,
    BadDllp,
    ReplayRollover,
    ReplayTimeout,
    AdvisoryNonFatal,
    Internal,
    HeaderLogOverflow,
}

const CORRECTABLE: [(u32, CorrectableError); 8] = [
    (1, CorrectableError::Receiver),
    (1 << 6, CorrectableError::BadTlp),
    (1 << 7, CorrectableError::BadDllp),
    (1 << 8, CorrectableError::ReplayRollover),
    (1 << 12, CorrectableError::ReplayTimeout),
    (1 << 13, CorrectableError::AdvisoryNonFatal),
    (1 << 14, CorrectableError::Internal),
    (1 << 15, CorrectableError::HeaderLogOverflow),
];
