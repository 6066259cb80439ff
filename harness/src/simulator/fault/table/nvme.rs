//! The faults of the area `nvme`.

use super::super::Fault;
use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        Fault::NvmeIdentifyRefused,
        "nvme-identify-refused",
        "the controller does not say what it has to give to secondary ones",
    ),
    (
        Fault::NvmeNoVirtualization,
        "nvme-no-virtualization",
        "the controller says that it has no Virtualization Management command",
    ),
    (
        Fault::NvmeSecondaryMissing,
        "nvme-secondary-missing",
        "the last secondary controller is not listed",
    ),
    (
        Fault::NvmeLimitsContradict,
        "nvme-limits-contradict",
        "a secondary controller may have more vectors than there are",
    ),
    (
        Fault::NvmeTooFewQueues,
        "nvme-too-few-queues",
        "there is one queue pair too few for all secondary controllers",
    ),
    (
        Fault::NvmeSecondariesSwapped,
        "nvme-secondaries-swapped",
        "the last two secondary controllers have each other's VF number",
    ),
    (
        Fault::NvmeSecondaryNotBare,
        "nvme-secondary-not-bare",
        "the first secondary controller has a vector that nobody has given it",
    ),
    (
        Fault::NvmePrimaryRefuses,
        "nvme-primary-refuses",
        "the primary controller refuses to give up the queues and vectors that it holds",
    ),
    (
        Fault::NvmePrimaryKeeps,
        "nvme-primary-keeps",
        "the primary controller holds its queues and vectors still after a reset",
    ),
    (
        Fault::NvmeAssignRefused,
        "nvme-assign-refused",
        "the last secondary controller gets nothing although enough is free",
    ),
    (
        Fault::NvmeAssignShort,
        "nvme-assign-short",
        "a secondary controller gets one less than it is given, and no refusal",
    ),
    (
        Fault::NvmeOfflineKeeps,
        "nvme-offline-keeps",
        "a secondary controller that goes offline keeps what it has",
    ),
    (
        Fault::NvmeResourcesLeak,
        "nvme-resources-leak",
        "of what a secondary controller gives back, a queue pair is lost",
    ),
    (
        Fault::NvmeOverAssigns,
        "nvme-over-assigns",
        "more resources than a secondary controller may have are accepted",
    ),
    (
        Fault::NvmeAssignsOnline,
        "nvme-assigns-online",
        "a secondary controller gets resources while it is online",
    ),
    (
        Fault::NvmeOnlineTooEarly,
        "nvme-online-too-early",
        "a secondary controller goes online without resources and without a VF",
    ),
    (
        Fault::NvmeActionIgnored,
        "nvme-action-ignored",
        "an action that there is none of is a success",
    ),
    (
        Fault::NvmeVfManages,
        "nvme-vf-manages",
        "the controller of a VF manages secondary controllers",
    ),
    (
        Fault::NvmeStatusOther,
        "nvme-status-other",
        "more resources than a secondary controller may have are an Invalid Field",
    ),
    (
        Fault::NvmeRefusalTakes,
        "nvme-refusal-takes",
        "a refused assignment takes what the secondary controller has",
    ),
    (
        Fault::NvmeOnlineRefused,
        "nvme-online-refused",
        "no secondary controller may go online",
    ),
    (
        Fault::NvmeOnlineIdle,
        "nvme-online-idle",
        "a secondary controller stays offline, without a refusal",
    ),
    (
        Fault::NvmeVfNotReady,
        "nvme-vf-not-ready",
        "the controller of a VF that is online does not become ready",
    ),
    (
        Fault::NvmeControllerOther,
        "nvme-controller-other",
        "the controller of a VF has another identifier than is listed",
    ),
    (
        Fault::NvmeQueuesOther,
        "nvme-queues-other",
        "a VF has a queue pair less than its controller was given",
    ),
    (
        Fault::NvmeVectorsOther,
        "nvme-vectors-other",
        "a VF has a vector more than its controller was given",
    ),
    (
        Fault::NvmeAttachRefused,
        "nvme-attach-refused",
        "a namespace cannot be attached to the controller of a VF",
    ),
    (
        Fault::NvmeNamespaceHidden,
        "nvme-namespace-hidden",
        "the driver of a VF does not find a namespace that its controller is attached to",
    ),
    (
        Fault::NvmeNamespaceLeaks,
        "nvme-namespace-leaks",
        "the namespace of one VF is seen by the others",
    ),
    (
        Fault::NvmeIoFails,
        "nvme-io-fails",
        "writing by a VF ends with an I/O error",
    ),
    (
        Fault::NvmeDataDamaged,
        "nvme-data-damaged",
        "what a VF writes is damaged",
    ),
    (
        Fault::NvmeDataMisplaced,
        "nvme-data-misplaced",
        "what a VF writes comes to lie a block further",
    ),
    (
        Fault::NvmeDataLostAtReset,
        "nvme-data-lost-at-reset",
        "the reset of a VF loses what was written",
    ),
    (
        Fault::NvmeDataLostOffline,
        "nvme-data-lost-offline",
        "a secondary controller that goes offline loses what was written",
    ),
    (
        Fault::NvmeDataLostAtReboot,
        "nvme-data-lost-at-reboot",
        "a restart of the machine loses what was written",
    ),
    (
        Fault::NvmeResetTakes,
        "nvme-reset-takes",
        "the reset of a VF takes its controller offline, and all that it has",
    ),
    (
        Fault::NvmeNeighbourHarmed,
        "nvme-neighbour-harmed",
        "the reset of a VF damages what another reads next",
    ),
    (
        Fault::NvmeRemovalKeeps,
        "nvme-removal-keeps",
        "controllers stay online with what they have when their VFs are removed",
    ),
    (
        Fault::NvmeNamespacesOverlap,
        "nvme-namespaces-overlap",
        "what is written to any other scratch namespace comes to lie in the first too",
    ),
    (
        Fault::NvmeCreateRefused,
        "nvme-create-refused",
        "the controller creates no namespaces, and the user has named none",
    ),
    (
        Fault::NvmeScratchPrivate,
        "nvme-scratch-private",
        "the scratch namespaces can have one controller only",
    ),
    (
        Fault::NvmeGuestFindsNothing,
        "nvme-guest-finds-nothing",
        "the driver of a VF in a guest finds no namespace",
    ),
    (
        Fault::NvmeDataLostWithGuest,
        "nvme-data-lost-with-guest",
        "what was written by a VF is lost when a guest gives the VF back",
    ),
    (
        Fault::NvmeKillTakes,
        "nvme-kill-takes",
        "the controller of a VF is offline, and has nothing, once its guest was killed",
    ),
    (
        Fault::NvmeVfSlow,
        "nvme-vf-slow",
        "a VF is as slow as an emulated disk",
    ),
];
