//! A virtual function with its controller in a guest, and the disk that it is there.

use harness::bench::{Bench, Disk, Running};
use harness::check::{Finding, Problem};
use harness::need::Need;
use harness::pci::Bdf;
use harness::require;

use super::data::{is_found, primary};
use super::ready::Drive;
use crate::checks::guest::plugged::{card_in, hand_over, is_driven};

pub(super) const PRIVATE: Finding = Finding::bench(
    "scratch-namespace-private",
    "The scratch namespace can have one controller only, and is to be used by a VF and by the PF at the same time.",
    "Create it anew with `nvme create-ns --nmic=1`: its data is lost.",
);

/// What hands a VF to a guest and writes by it.
pub(super) const NEEDS: &[Need] = &[
    Need::Nvme,
    Need::Sriov,
    Need::PfDriver,
    Need::NvmeCli,
    Need::ScratchNamespace,
    Need::Iommu,
    Need::InterruptRemapping,
    Need::Isolation,
    Need::Vfio,
    Need::Libvirt,
    Need::Kvm,
];

/// The findings of a check that writes in a guest.
#[macro_export]
macro_rules! drive_in_guest_findings {
    ($($own:expr),* $(,)?) => {
        harness::handover_findings![
            harness::bench::IDENTIFY_FAILS,
            harness::bench::ATTACH_REFUSED,
            harness::bench::NOT_CREATED,
            $crate::checks::nvme::ready::REFUSED,
            $crate::checks::nvme::ready::PRIMARY_HOLDS,
            $crate::checks::nvme::ready::PRIMARY_NOT_READY,
            $crate::checks::nvme::ready::NO_RESET,
            $crate::checks::nvme::capability::TOO_FEW,
            $crate::checks::nvme::ready::ONLINE_REFUSED,
            $crate::checks::nvme::ready::NOT_READY,
            $crate::checks::nvme::in_guest::PRIVATE,
            $crate::checks::nvme::data::NOT_SEEN,
            $crate::checks::nvme::data::LEAKS,
            $crate::checks::nvme::data::IO_FAILS,
            $crate::checks::nvme::data::WRONG_DATA,
            $crate::checks::guest::plugged::REFUSED,
            $crate::checks::guest::plugged::NO_DRIVER,
            $($own),*
        ]
    };
}

/// What a VF and a namespace are in a guest.
pub(super) struct There {
    pub(super) card: Bdf,
    pub(super) disk: Disk,
}

/// Hands the VF to the guest that runs. Returns what the namespace is there.
pub(super) async fn hand(
    bench: &mut Bench,
    guest: &Running,
    drive: &Drive,
    nsid: u32,
) -> Result<There, Problem> {
    hand_over(bench, guest, drive.vf.bdf).await?;
    disk_of(bench, guest, nsid).await
}

/// What a guest has of a namespace by its only VF, whose driver must bind there.
pub(super) async fn disk_of(
    bench: &mut Bench,
    guest: &Running,
    nsid: u32,
) -> Result<There, Problem> {
    let card = card_in(bench, guest).await?;
    is_driven(bench, guest, card).await?;
    let disk = bench.disk_in(guest, card, nsid).await?;
    let disk = is_found(bench, disk, "the VF's driver in the guest", nsid)?;
    Ok(There { card, disk })
}

/// The namespace by way of the PF too, while a guest has the VF.
pub(super) async fn shared_with_pf(
    bench: &mut Bench,
    drive: &Drive,
    nsid: u32,
) -> Result<Disk, Problem> {
    let namespace = bench.identify_namespace(nsid).await?;
    let shared = namespace.shared;
    require!(bench, shared, PRIVATE, "namespace {nsid}: {namespace}");
    let both = [primary(bench).await?, drive.own.scid];
    bench.attach_only(nsid, &both).await?;
    let disk = bench.disk(bench.pf(), nsid).await?;
    is_found(bench, disk, "the driver of the PF", nsid)
}
