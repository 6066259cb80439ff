//! Faults that show where guests have virtual functions.

use super::Row;
use crate::simulator::Fault;

pub(super) const ROWS: &[Row] = &[
    (
        Fault::AttachRefused,
        "attach-refused",
        "QEMU refuses a VF that is handed to a guest",
    ),
    (
        Fault::MemlockTooSmall,
        "memlock-too-small",
        "the emulator may not lock as much memory as a guest has",
    ),
    (
        Fault::HandoverForbidden,
        "handover-forbidden",
        "the machine forbids the emulator what it must do to get a VF",
    ),
    (
        Fault::DaemonGone,
        "daemon-gone",
        "libvirt's daemon goes away while it hands a VF over",
    ),
    (
        Fault::DiskFull,
        "disk-full",
        "there is no room on disk for what a guest starts with",
    ),
    (
        Fault::HostKeepsVf,
        "host-keeps-vf",
        "a VF in a guest stays with its driver on the host",
    ),
    (
        Fault::AttachmentNotKept,
        "attachment-not-kept",
        "libvirt forgets an attachment for the next start of the guest",
    ),
    (
        Fault::GuestSeesNoVf,
        "guest-sees-no-vf",
        "a VF that was handed to a guest does not appear there",
    ),
    (
        Fault::GuestDriverRefuses,
        "guest-driver-refuses",
        "the VF driver does not bind in a guest",
    ),
    (
        Fault::GuestNoLink,
        "guest-no-link",
        "the interface of a VF in a guest never has a link",
    ),
    (
        Fault::GuestHangsWithVf,
        "guest-hangs-with-vf",
        "a guest answers no longer once it has a VF",
    ),
    (
        Fault::GuestRestartsWithVf,
        "guest-restarts-with-vf",
        "a guest's kernel restarts by itself when it gets a VF",
    ),
    (
        Fault::NoGuestStarts,
        "no-guest-starts",
        "libvirt starts no guest",
    ),
    (
        Fault::GuestNeverUp,
        "guest-never-up",
        "a guest's agent never answers",
    ),
    (
        Fault::GuestModuleMissing,
        "guest-module-missing",
        "the kernel has no module of the VF driver for a guest",
    ),
    (
        Fault::GuestModuleDoesNotLoad,
        "guest-module-does-not-load",
        "a guest's kernel does not load the module of the VF driver",
    ),
    (
        Fault::NoQemuImg,
        "no-qemu-img",
        "qemu-img is not installed (guests from an image)",
    ),
    (
        Fault::GuestAgentSilent,
        "guest-agent-silent",
        "no qemu-guest-agent answers (guests from an image)",
    ),
    (
        Fault::GuestExecRefused,
        "guest-exec-refused",
        "qemu-guest-agent does not start programs (guests from an image)",
    ),
    (
        Fault::GuestRunsNothing,
        "guest-runs-nothing",
        "qemu-guest-agent may not execute what it has copied (guests from an image)",
    ),
    (
        Fault::AddressIgnored,
        "address-ignored",
        "a VF in a guest has another address than the one that libvirt gave it",
    ),
    (
        Fault::LargeFramesLost,
        "large-frames-lost",
        "frames above 1000 bytes do not pass through a VF",
    ),
    (
        Fault::SwitchClosed,
        "switch-closed",
        "frames do not pass from one VF to another",
    ),
    (
        Fault::GuestKeepsVf,
        "guest-keeps-vf",
        "a guest does not let go of a VF",
    ),
    (
        Fault::DetachRefused,
        "detach-refused",
        "libvirt does not take a VF back from a guest",
    ),
    (
        Fault::DetachHangs,
        "detach-hangs",
        "libvirt never comes to an end with taking a VF from a guest",
    ),
    (
        Fault::VfStaysOnVfio,
        "vf-stays-on-vfio",
        "a VF does not get its driver back after a guest",
    ),
    (
        Fault::DetachmentNotKept,
        "detachment-not-kept",
        "libvirt still has a detached VF for the next start of the guest",
    ),
    (
        Fault::AttributesKept,
        "attributes-kept",
        "a VF keeps the address that it had in a guest",
    ),
    (
        Fault::StandbyRefused,
        "standby-refused",
        "the kernel has no macvtap for an emulated interface on the PF",
    ),
    (
        Fault::StandbySilent,
        "standby-silent",
        "no frames pass by an emulated interface on the PF",
    ),
    (
        Fault::PairNotMade,
        "pair-not-made",
        "a guest does not use a VF and an emulated interface of the same address as one",
    ),
    (
        Fault::PairLeavesVfIdle,
        "pair-leaves-vf-idle",
        "a guest that uses a VF and an emulated interface as one sends no frames by the VF",
    ),
    (
        Fault::SecondGuestLetIn,
        "second-guest-let-in",
        "libvirt hands a VF that a guest has to another guest too",
    ),
    (
        Fault::SecondAttachmentAccepted,
        "second-attachment-accepted",
        "libvirt hands a VF to a guest that has it already",
    ),
    (
        Fault::ExclusionUnexplained,
        "exclusion-unexplained",
        "a VF is refused to a second guest without a word of the first",
    ),
    (
        Fault::RefusalDisturbsGuest,
        "refusal-disturbs-guest",
        "a guest loses its VF when another one is refused it",
    ),
    (
        Fault::RefusalDeadensCard,
        "refusal-deadens-card",
        "the card of a guest has no link any more when another guest is refused its VF",
    ),
    (
        Fault::OneVfPerGuest,
        "one-vf-per-guest",
        "a guest sees only the first of its VFs",
    ),
    (
        Fault::OnePfPerGuest,
        "one-pf-per-guest",
        "a VF has no link in a guest that has a VF of another PF too",
    ),
    (
        Fault::SecondPfUncabled,
        "second-pf-uncabled",
        "the second PF's port has no link partner",
    ),
    (
        Fault::PauseRefused,
        "pause-refused",
        "QEMU does not pause a guest",
    ),
    (
        Fault::PauseLosesVf,
        "pause-loses-vf",
        "a guest that was paused does not see its VF any more",
    ),
    (
        Fault::MemoryNotPinned,
        "memory-not-pinned",
        "the memory of a guest that has a VF is not locked",
    ),
    (
        Fault::MemoryStaysPinned,
        "memory-stays-pinned",
        "the memory of a guest stays locked when its VF is gone",
    ),
    (
        Fault::BalloonNotInhibited,
        "balloon-not-inhibited",
        "a guest that has a VF gives memory back by its balloon",
    ),
    (
        Fault::BalloonGivesNothing,
        "balloon-gives-nothing",
        "a guest without a VF gives no memory back by its balloon",
    ),
    (
        Fault::InactivePfAccepted,
        "inactive-pf-accepted",
        "libvirt hands over a VF of a PF that is down",
    ),
    (
        Fault::RefusedAttachKeepsVf,
        "refused-attach-keeps-vf",
        "a VF that was refused to a guest with the PF down stays on vfio-pci",
    ),
    (
        Fault::DaemonEndsGuests,
        "daemon-ends-guests",
        "guests end when libvirt's daemon is restarted",
    ),
    (
        Fault::DaemonForgetsVfs,
        "daemon-forgets-vfs",
        "libvirt's daemon, once restarted, does not know the VFs of guests",
    ),
    (
        Fault::HotplugLeaks,
        "hotplug-leaks",
        "the emulator leaves a file open each time it gets a VF",
    ),
    (
        Fault::HotplugLeaksMemory,
        "hotplug-leaks-memory",
        "the emulator keeps some memory each time it gets a VF",
    ),
    (
        Fault::HotplugLeaksNames,
        "hotplug-leaks-names",
        "a VF that comes back from a guest leaves the name of another interface behind",
    ),
    (
        Fault::RemovalUnderGuestHangs,
        "removal-under-guest-hangs",
        "removing VFs does not return while a guest has one",
    ),
    (
        Fault::GuestNotTold,
        "guest-not-told",
        "a guest still sees a VF that the kernel has removed",
    ),
    (
        Fault::RefusedChangeLosesVf,
        "refused-change-loses-vf",
        "a change of the number of VFs is refused, and the guest loses its VF all the same",
    ),
    (
        Fault::RefusedRemovalLosesVf,
        "refused-removal-loses-vf",
        "the removal of VFs is refused, and the guest loses its VF all the same",
    ),
    (
        Fault::RemovalUnderGuestIdle,
        "removal-under-guest-idle",
        "the removal of a VF that a guest has is taken for done, and does nothing",
    ),
    (
        Fault::RemovalEndsGuest,
        "removal-ends-guest",
        "the emulator of a guest crashes when the VF that it has is removed",
    ),
    (
        Fault::RemovalUnderGuestOdd,
        "removal-under-guest-odd",
        "removing VFs while a guest has one is refused with an answer of no known driver",
    ),
    (
        Fault::RestartLosesVf,
        "restart-loses-vf",
        "a guest that restarts does not see its VF any more",
    ),
    (
        Fault::KilledGuestLingers,
        "killed-guest-lingers",
        "the emulator of a guest that is killed waits in the kernel for ever",
    ),
    (
        Fault::KillHarmsNeighbours,
        "kill-harms-neighbours",
        "frames between others are lost when a guest is killed",
    ),
    (
        Fault::KilledVfMute,
        "killed-vf-mute",
        "a VF whose guest was killed never has a link again",
    ),
    (
        Fault::MigrationLetThrough,
        "migration-let-through",
        "a guest that has a VF can be saved and migrated",
    ),
    (
        Fault::GuestImmobile,
        "guest-immobile",
        "libvirt migrates no guest at all",
    ),
    (
        Fault::MigrationUnexplained,
        "migration-unexplained",
        "a guest with a VF is not migrated, but nobody says why",
    ),
    (
        Fault::MigrationStaysRefused,
        "migration-stays-refused",
        "a guest that had a VF cannot be migrated when it is gone either",
    ),
    (
        Fault::StartWithVfRefused,
        "start-with-vf-refused",
        "QEMU refuses to start a guest that has a VF from its start on",
    ),
    (
        Fault::StartsWithoutVf,
        "starts-without-vf",
        "libvirt starts a guest although its VF is not there",
    ),
    (
        Fault::StaleStartUnexplained,
        "stale-start-unexplained",
        "a guest whose VF is gone does not start, but nobody says why",
    ),
];
