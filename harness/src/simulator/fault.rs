//! The ways in which a simulated machine or device can be wrong.

mod table;

use std::fmt;

use crate::profile::suggest::nearest;
use table::TABLE;

/// A misbehaviour that the simulator models where a real machine would have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`what` says it of each")]
pub enum Fault {
    NoIommuTable,
    IommuOff,
    NoInterruptRemapping,
    AcsOverride,
    Noiommu,
    UnsafeInterrupts,
    NoVfio,
    NoKvm,
    NoLibvirt,
    WrongArchitecture,
    IdsDisagree,
    WrongDriver,
    NoSriovCapability,
    FirmwareCountZero,
    VendorKnobOff,
    VfBarsUnassigned,
    TotalvfsWrong,
    AcsMissing,
    PfGroupShared,
    LinkDown,
    PcieDegraded,
    BusWindowSmall,
    MsixTableSmall,
    CreationOutOfVectors,
    CreationOutOfMemory,
    DriverWithoutSriov,
    OneVfShort,
    MaximumRefused,
    RemovalKeepsVfs,
    RemovalHangs,
    TooManyAccepted,
    ChangeAccepted,
    SameCountRefused,
    GarbageAccepted,
    WritersBothWin,
    VfAtWrongAddress,
    VfIdsWrong,
    PhysfnMissing,
    VfGroupsShared,
    VfDriverRefuses,
    AutoprobeIgnored,
    VfMsixShort,
    VfResetFails,
    VfResetMethodMissing,
    VfResetLosesVf,
    CycleWearsOut,
    ReloadLosesDriver,
    ReloadKeepsVfs,
    CarrierStaysDown,
    DownUpLosesVfs,
    MtuIgnored,
    MtuBeyondAccepted,
    KernelWarns,
    RemovalWarns,
    AttachRefused,
    MemlockTooSmall,
    HandoverForbidden,
    DaemonGone,
    DiskFull,
    HostKeepsVf,
    AttachmentNotKept,
    GuestSeesNoVf,
    GuestDriverRefuses,
    GuestNoLink,
    GuestHangsWithVf,
    GuestRestartsWithVf,
    NoGuestStarts,
    GuestNeverUp,
    GuestModuleMissing,
    GuestModuleDoesNotLoad,
    NoQemuImg,
    GuestAgentSilent,
    GuestExecRefused,
    GuestRunsNothing,
    AddressIgnored,
    LargeFramesLost,
    SwitchClosed,
    GuestKeepsVf,
    DetachRefused,
    DetachHangs,
    VfStaysOnVfio,
    DetachmentNotKept,
    AttributesKept,
    StandbyRefused,
    StandbySilent,
    PairNotMade,
    PairLeavesVfIdle,
    SecondGuestLetIn,
    SecondAttachmentAccepted,
    ExclusionUnexplained,
    RefusalDisturbsGuest,
    RefusalDeadensCard,
    OneVfPerGuest,
    OnePfPerGuest,
    SecondPfUncabled,
    PauseRefused,
    PauseLosesVf,
    MemoryNotPinned,
    MemoryStaysPinned,
    BalloonNotInhibited,
    BalloonGivesNothing,
    InactivePfAccepted,
    RefusedAttachKeepsVf,
    DaemonEndsGuests,
    DaemonForgetsVfs,
    HotplugLeaks,
    HotplugLeaksMemory,
    HotplugLeaksNames,
    RemovalUnderGuestHangs,
    GuestNotTold,
    RefusedChangeLosesVf,
    RefusedRemovalLosesVf,
    RemovalUnderGuestIdle,
    RemovalEndsGuest,
    RemovalUnderGuestOdd,
    RestartLosesVf,
    KilledGuestLingers,
    KillHarmsNeighbours,
    KilledVfMute,
    MigrationLetThrough,
    GuestImmobile,
    MigrationUnexplained,
    MigrationStaysRefused,
    StartWithVfRefused,
    StartsWithoutVf,
    StaleStartUnexplained,
    EmulatedRefused,
    EmulatedMute,
    VfSlow,
    VfQueueStops,
    VfStreamStalls,
    VfStreamHarms,
    ClockQuick,
    BenchNoisy,
    EmulatedStalls,
    PfStreamStalls,
    VfHalfDuplex,
    VfCostly,
    VfTires,
    VfLate,
    RateRefused,
    RateIgnored,
    RateHarsh,
    VfsUnfair,
    VfStarved,
    VfsCrowded,
    EmulatedQuick,
    ReceiverSlow,
    PartnerSilent,
    NvmeIdentifyRefused,
    NvmeNoVirtualization,
    NvmeSecondaryMissing,
    NvmeLimitsContradict,
    NvmeTooFewQueues,
    NvmeSecondariesSwapped,
    NvmeSecondaryNotBare,
    NvmePrimaryRefuses,
    NvmePrimaryKeeps,
    NvmeAssignRefused,
    NvmeAssignShort,
    NvmeOfflineKeeps,
    NvmeResourcesLeak,
    NvmeOverAssigns,
    NvmeAssignsOnline,
    NvmeOnlineTooEarly,
    NvmeActionIgnored,
    NvmeVfManages,
    NvmeStatusOther,
    NvmeRefusalTakes,
    NvmeOnlineRefused,
    NvmeOnlineIdle,
    NvmeVfNotReady,
    NvmeControllerOther,
    NvmeQueuesOther,
    NvmeVectorsOther,
    NvmeAttachRefused,
    NvmeNamespaceHidden,
    NvmeNamespaceLeaks,
    NvmeIoFails,
    NvmeDataDamaged,
    NvmeDataMisplaced,
    NvmeDataLostAtReset,
    NvmeDataLostOffline,
    NvmeDataLostAtReboot,
    NvmeResetTakes,
    NvmeNeighbourHarmed,
    NvmeRemovalKeeps,
    NvmeNamespacesOverlap,
    NvmeCreateRefused,
    NvmeScratchPrivate,
    NvmeGuestFindsNothing,
    NvmeDataLostWithGuest,
    NvmeKillTakes,
    NvmeVfSlow,
    VfsLostAtReboot,
    VfsOnWrongPort,
    KernelWarnsAtBoot,
    GroupChanged,
    NameChanged,
    MacPolicyChanged,
    LateAfterLibvirt,
    RuleNotRemoved,
    DeviceGoneAfterReboot,
    DeviceMovedByReboot,
    KernelChangesAtReboot,
}

impl Fault {
    /// Every fault, in the order of the areas they belong to.
    pub const ALL: &[Self] = &all();

    /// How it is called on the command line.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// What is wrong, in one line.
    pub fn what(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// Whether it shows only where the guests run a guest system from an image.
    pub fn is_of_an_image(self) -> bool {
        matches!(
            self,
            Self::NoQemuImg
                | Self::GuestAgentSilent
                | Self::GuestExecRefused
                | Self::GuestRunsNothing
        )
    }

    /// Whether it shows only where the other end of the cable is at a partner's.
    pub fn is_of_a_partner(self) -> bool {
        self == Self::PartnerSilent
    }

    /// Whether it shows only where namespaces are created.
    pub fn is_of_creation(self) -> bool {
        self == Self::NvmeCreateRefused
    }

    /// The fault of that name.
    pub fn from_name(name: &str) -> Result<Self, UnknownFault> {
        let names: Vec<&'static str> = Self::ALL.iter().map(|fault| fault.name()).collect();
        let found = Self::ALL.iter().copied().find(|fault| fault.name() == name);
        found.ok_or_else(|| UnknownFault {
            name: name.to_owned(),
            nearest: nearest(name, &names),
        })
    }
}

const fn all() -> [Fault; TABLE.len()] {
    let mut faults = [Fault::NoIommuTable; TABLE.len()];
    let mut index = 0;
    while index < TABLE.len() {
        faults[index] = TABLE[index].0;
        index += 1;
    }
    faults
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no fault has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFault {
    name: String,
    nearest: Option<&'static str>,
}

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no fault", self.name.escape_debug())?;
        match self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => f.write_str("; `sriov-certify faults` lists them"),
        }
    }
}

impl std::error::Error for UnknownFault {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Fault;

    #[test]
    fn all_lists_each_fault_once_and_each_name_leads_back() {
        let sorted: BTreeSet<Fault> = Fault::ALL.iter().copied().collect();
        assert_eq!(sorted.len(), Fault::ALL.len());
        assert!(
            Fault::ALL
                .iter()
                .enumerate()
                .all(|(index, fault)| *fault as usize == index),
            "a row is out of place"
        );
        assert_eq!(
            sorted.last().map(|last| *last as usize),
            Some(Fault::ALL.len() - 1),
            "one is missing in ALL"
        );
        for fault in Fault::ALL {
            assert_eq!(Fault::from_name(fault.name()), Ok(*fault));
        }
    }

    #[test]
    fn names_are_the_variants_in_kebab_case() {
        for fault in Fault::ALL {
            let folded = fault.name().replace('-', "");
            assert_eq!(folded, format!("{fault:?}").to_lowercase());
        }
    }

    #[test]
    fn an_unknown_name_gets_the_way_out() {
        let message = |name| Fault::from_name(name).unwrap_err().to_string();
        assert_eq!(
            message("one-vf-shrot"),
            "`one-vf-shrot` is no fault; did you mean `one-vf-short`?"
        );
        assert_eq!(
            message("xyzzy"),
            "`xyzzy` is no fault; `sriov-certify faults` lists them"
        );
    }
}
