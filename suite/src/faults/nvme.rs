//! The faults of drives.

use harness::simulator::Fault;

use super::groups::{IN_GUESTS, TAKES_ONLINE, WRITES_BY_VF};
use super::row::{Row, and, nvme};

pub(super) const ROWS: &[Row] = &[
    and(
        nvme(
            Fault::NvmeIdentifyRefused,
            &["nvme::capability", "nvme::assign"],
        ),
        TAKES_ONLINE,
    ),
    and(
        nvme(Fault::NvmePrimaryRefuses, &["nvme::assign"]),
        TAKES_ONLINE,
    ),
    and(
        nvme(Fault::NvmePrimaryKeeps, &["nvme::assign"]),
        TAKES_ONLINE,
    ),
    nvme(Fault::NvmeNoVirtualization, &["nvme::capability"]),
    nvme(
        Fault::NvmeSecondaryMissing,
        &["nvme::capability", "nvme::all_vfs"],
    ),
    nvme(
        Fault::NvmeLimitsContradict,
        &["nvme::capability", "nvme::online"],
    ),
    nvme(
        Fault::NvmeTooFewQueues,
        &["nvme::capability", "nvme::assign", "nvme::all_vfs"],
    ),
    nvme(
        Fault::NvmeSecondariesSwapped,
        &["nvme::secondary_list", "nvme::all_vfs"],
    ),
    nvme(
        Fault::NvmeSecondaryNotBare,
        &["nvme::secondary_list", "nvme::teardown_order"],
    ),
    nvme(Fault::NvmeAssignRefused, &["nvme::assign", "nvme::all_vfs"]),
    nvme(Fault::NvmeAssignShort, &["nvme::assign", "nvme::online"]),
    nvme(
        Fault::NvmeOfflineKeeps,
        &["nvme::assign", "nvme::refusals", "nvme::teardown_order"],
    ),
    // What leaked cannot be given back to the primary controller, which had it.
    and(
        nvme(Fault::NvmeResourcesLeak, &["nvme::assign"]),
        TAKES_ONLINE,
    ),
    nvme(Fault::NvmeOverAssigns, &["nvme::refusals"]),
    nvme(Fault::NvmeAssignsOnline, &["nvme::refusals"]),
    nvme(Fault::NvmeOnlineTooEarly, &["nvme::refusals"]),
    nvme(Fault::NvmeActionIgnored, &["nvme::refusals"]),
    nvme(Fault::NvmeVfManages, &["nvme::refusals"]),
    nvme(Fault::NvmeStatusOther, &["nvme::refusals"]),
    nvme(Fault::NvmeRefusalTakes, &["nvme::refusals"]),
    nvme(Fault::NvmeOnlineRefused, TAKES_ONLINE),
    nvme(Fault::NvmeOnlineIdle, TAKES_ONLINE),
    nvme(Fault::NvmeVfNotReady, TAKES_ONLINE),
    nvme(Fault::NvmeControllerOther, &["nvme::online"]),
    nvme(Fault::NvmeQueuesOther, &["nvme::online"]),
    nvme(
        Fault::NvmeVectorsOther,
        &["vf::msix_vectors", "nvme::online"],
    ),
    and(
        nvme(Fault::NvmeAttachRefused, &["nvme::namespace_visibility"]),
        WRITES_BY_VF,
    ),
    and(
        nvme(Fault::NvmeNamespaceHidden, &["nvme::namespace_visibility"]),
        WRITES_BY_VF,
    ),
    nvme(
        Fault::NvmeNamespaceLeaks,
        &[
            "nvme::namespace_visibility",
            "nvme::isolation",
            "nvme::all_vfs",
        ],
    ),
    nvme(Fault::NvmeIoFails, WRITES_BY_VF),
    nvme(Fault::NvmeDataDamaged, WRITES_BY_VF),
    nvme(Fault::NvmeDataMisplaced, WRITES_BY_VF),
    nvme(
        Fault::NvmeDataLostAtReset,
        &["nvme::data_integrity", "nvme::vf_reset"],
    ),
    nvme(Fault::NvmeDataLostOffline, &["nvme::data_integrity"]),
    nvme(Fault::NvmeDataLostAtReboot, &["nvme::data_integrity"]),
    nvme(
        Fault::NvmeResetTakes,
        &["nvme::vf_reset", "nvme::data_integrity", "nvme::isolation"],
    ),
    nvme(Fault::NvmeNeighbourHarmed, &["nvme::isolation"]),
    nvme(Fault::NvmeRemovalKeeps, &["nvme::teardown_order"]),
    nvme(Fault::NvmeNamespacesOverlap, &["nvme::all_vfs"]),
    and(
        nvme(Fault::NvmeCreateRefused, &["nvme::namespace_visibility"]),
        WRITES_BY_VF,
    ),
    nvme(Fault::NvmeScratchPrivate, IN_GUESTS),
    nvme(Fault::NvmeGuestFindsNothing, IN_GUESTS),
    nvme(Fault::NvmeDataLostWithGuest, &["nvme::guest_attach"]),
    nvme(Fault::NvmeKillTakes, &["nvme::guest_attach"]),
    nvme(Fault::NvmeVfSlow, &["nvme::throughput"]),
    // What network cards are asked with guests too.
    nvme(Fault::NoGuestStarts, IN_GUESTS),
    nvme(Fault::AttachRefused, IN_GUESTS),
    nvme(Fault::GuestSeesNoVf, IN_GUESTS),
    nvme(Fault::GuestDriverRefuses, IN_GUESTS),
    nvme(Fault::HostKeepsVf, &["nvme::guest_attach"]),
    nvme(Fault::AttachmentNotKept, &["nvme::guest_attach"]),
    nvme(Fault::SecondGuestLetIn, &["nvme::guest_attach"]),
    nvme(Fault::SecondAttachmentAccepted, &["nvme::guest_attach"]),
    nvme(Fault::ExclusionUnexplained, &["nvme::guest_attach"]),
    nvme(Fault::RefusalDisturbsGuest, &["nvme::guest_attach"]),
    nvme(Fault::DetachRefused, &["nvme::guest_attach"]),
    nvme(Fault::GuestKeepsVf, &["nvme::guest_attach"]),
    nvme(Fault::DetachmentNotKept, &["nvme::guest_attach"]),
    nvme(Fault::VfStaysOnVfio, &["nvme::guest_attach"]),
    nvme(Fault::KilledGuestLingers, &["nvme::guest_attach"]),
    nvme(Fault::KillHarmsNeighbours, &["nvme::guest_attach"]),
    nvme(Fault::StartWithVfRefused, &["nvme::guest_attach"]),
    nvme(Fault::EmulatedRefused, &["nvme::throughput"]),
    nvme(Fault::EmulatedMute, &["nvme::throughput"]),
    nvme(Fault::EmulatedStalls, &["nvme::throughput"]),
    nvme(Fault::BenchNoisy, &["nvme::throughput"]),
];
