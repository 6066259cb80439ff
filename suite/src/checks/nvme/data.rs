//! Data on scratch namespaces, which VFs and the PF write and read.

use anyhow::Context;
use harness::bench::{Bench, Disk, Stretch};
use harness::blocks::Passed;
use harness::check::{Answer, Finding, Problem};
use harness::pci::Bdf;
use harness::require;

use super::ready::Drive;

pub(super) const NOT_SEEN: Finding = Finding::device(
    "nvme-namespace-not-seen",
    "A namespace was attached to a controller, but that controller does not list it, or its driver does not find it.",
    "Read the kernel log of this check; compare `nvme list-ns` of the controller with the report, and update the controller's firmware.",
);
pub(super) const IO_FAILS: Finding = Finding::device(
    "nvme-io-fails",
    "The drive refused to write or to read blocks that it has.",
    "Read the kernel log of this check for the status of the command; look at the drive's health (`nvme smart-log`).",
);
pub(super) const WRONG_DATA: Finding = Finding::device(
    "nvme-wrong-data",
    "Blocks that were read are not those that were written: they are damaged, lost, or others.",
    "Take the drive out of use. The report names the first LBAs with what was expected and what was found; update the controller's firmware and repeat.",
);

pub(super) const LEAKS: Finding = Finding::device(
    "nvme-namespace-seen-by-others",
    "A namespace that is attached to one controller is seen by another: whoever has that VF can read and overwrite what is not his.",
    "Do not hand VFs of this controller to guests that do not trust each other; update the controller's firmware.",
);

/// The findings of a check that writes and reads.
#[macro_export]
macro_rules! data_findings {
    ($($own:expr),* $(,)?) => {
        $crate::online_findings![
            harness::bench::ATTACH_REFUSED,
            harness::bench::NOT_CREATED,
            $crate::checks::nvme::data::NOT_SEEN,
            $crate::checks::nvme::data::LEAKS,
            $crate::checks::nvme::data::IO_FAILS,
            $crate::checks::nvme::data::WRONG_DATA,
            $($own),*
        ]
    };
}

/// The first scratch namespace.
pub(super) async fn scratch(bench: &mut Bench) -> Result<u32, Problem> {
    let all = bench.scratch(1).await?;
    Ok(*all.first().context("no scratch namespace is named")?)
}

/// The PF's own controller.
pub(super) async fn primary(bench: &mut Bench) -> Result<u16, Problem> {
    Ok(bench.primary_capabilities().await?.cntlid)
}

/// The namespace by way of the PF, and by no other.
pub(super) async fn by_pf(bench: &mut Bench, nsid: u32) -> Result<Disk, Problem> {
    let primary = primary(bench).await?;
    by(bench, bench.pf(), primary, nsid).await
}

/// The namespace by way of a VF, and by no other.
pub(super) async fn by_vf(bench: &mut Bench, drive: &Drive, nsid: u32) -> Result<Disk, Problem> {
    by(bench, drive.vf.bdf, drive.own.scid, nsid).await
}

/// Under multipath all controllers of a subsystem share a namespace's block device; with one attached there is one way only.
async fn by(bench: &mut Bench, function: Bdf, cntlid: u16, nsid: u32) -> Result<Disk, Problem> {
    bench.attach_only(nsid, &[cntlid]).await?;
    let disk = bench.disk(function, nsid).await?;
    let disk = is_found(bench, disk, &format!("the driver of {function}"), nsid)?;
    let other = bench.other_way(function, nsid).await?;
    let who = other.map_or("no other function".to_owned(), |other| other.to_string());
    require!(
        bench,
        other.is_none(),
        LEAKS,
        "namespace {nsid} is attached to the controller of {function} alone, and {who} has it too"
    );
    Ok(disk)
}

/// A driver must find what its controller is attached to.
pub(super) fn is_found(
    bench: &mut Bench,
    disk: Option<Disk>,
    driver: &str,
    nsid: u32,
) -> Result<Disk, Problem> {
    let seen = if disk.is_some() {
        "finds"
    } else {
        "does not find"
    };
    require!(
        bench,
        disk.is_some(),
        NOT_SEEN,
        "{driver} {seen} namespace {nsid}"
    );
    Ok(disk.context("a disk that was found")?)
}

/// Writes all stretches.
pub(super) async fn write(bench: &mut Bench, what: &str, disk: &Disk, all: &[Stretch]) -> Answer {
    for stretch in all {
        let passed = bench.write_blocks(disk, stretch).await?;
        went_well(bench, &format!("written {what}"), &passed)?;
    }
    Ok(())
}

/// Reads all stretches, which must be as they were written.
pub(super) async fn verify(bench: &mut Bench, what: &str, disk: &Disk, all: &[Stretch]) -> Answer {
    for stretch in all {
        let passed = bench.verify_blocks(disk, stretch).await?;
        went_well(bench, &format!("read {what}"), &passed)?;
        require!(
            bench,
            passed.wrong == 0,
            WRONG_DATA,
            "read {what}: {passed}"
        );
    }
    Ok(())
}

fn went_well(bench: &mut Bench, what: &str, passed: &Passed) -> Answer {
    require!(bench, passed.failed.is_none(), IO_FAILS, "{what}: {passed}");
    Ok(())
}
