//! A guest uses a drive by a virtual function: it reads what the host has written by it, and the host what the guest has written,
//! after the guest has given it back and after the guest was killed. Nobody else gets it meanwhile.
//!
//! The questions that network cards are asked too are asked by the same code (`checks/guest`).
//!
//! Source: RHEL 9, 14.7.1 and 14.7.2, step 5; libvirt docs/formatdomain.rst, `hostdev`; Linux 6.12 drivers/vfio/pci/vfio_pci_core.c,
//! `vfio_pci_core_close_device` (the function is reset when its last user is gone).

use harness::bench::{Bench, Disk, Running, Stretch};
use harness::check::{Answer, Check, Finding};
use harness::require;

use super::data::{by_vf, scratch, verify, write};
use super::in_guest::{NEEDS, disk_of, hand, shared_with_pf};
use super::ready::{Drive, bare, bind, give, online};
use crate::checks::guest::LIMIT_TWO_STARTS;
use crate::checks::guest::exclusive::{
    DISTURBED, LET_IN, OTHER_REASON, TWICE, refused_once_more, refused_to_another,
};
use crate::checks::guest::hotplug::{NOT_IN_XML, NOT_VFIO, in_libvirt, on_the_host};
use crate::checks::guest::killed_clean::{self, ENDS, LINGERS};
use crate::checks::guest::plugged::{
    DETACH_REFUSED, GUEST_KEEPS, START_REFUSED, is_back, still_seen, take_back,
};
use crate::checks::guest::unplug::{self, STILL_TOLD, out_of_libvirt};
use crate::drive_in_guest_findings;

const NEIGHBOUR: Finding = Finding::device(
    "nvme-kill-harms-neighbour",
    "The PF's controller wrote and read blocks while a guest with a VF was killed: an access failed, or a block was wrong.",
    "Do not share this drive between guests; update the controller's firmware and repeat.",
);
const TAKES: Finding = Finding::device(
    "nvme-kill-takes-resources",
    "Once the guest was killed, the VF's controller is not what it was: it is offline, or has other queues or vectors.",
    "Compare the report with `nvme list-secondary`; the reset of a VF must leave its controller what it has, see nvme::vf_reset.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::guest_attach",
    proves: "a guest reads and writes by a VF what the host finds again, after the VF was taken back and after the guest was killed, and nobody else gets the VF meanwhile",
    source: "RHEL 9, 14.7.2, step 5; libvirt docs/formatdomain.rst, hostdev",
    needs: NEEDS,
    limit: LIMIT_TWO_STARTS,
    provokes: &[],
    findings: drive_in_guest_findings![
        NOT_VFIO,
        NOT_IN_XML,
        LET_IN,
        OTHER_REASON,
        TWICE,
        DISTURBED,
        DETACH_REFUSED,
        GUEST_KEEPS,
        STILL_TOLD,
        unplug::NOT_BACK,
        LINGERS,
        NEIGHBOUR,
        TAKES,
        killed_clean::NOT_BACK,
        START_REFUSED,
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let nsid = scratch(bench).await?;
    let mut drives = bare(bench, 1).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    let drive = &drives[0];
    bind(bench, drive).await?;
    let (ours, theirs) = ([stretch(0)], [stretch(1)]);
    let disk = by_vf(bench, drive, nsid).await?;
    write(bench, "by the host", &disk, &ours).await?;
    let guest = bench.guest('a').await?;
    let there = hand(bench, &guest, drive, nsid).await?;
    is_handed_over(bench, &guest, drive).await?;
    verify(bench, "by the guest", &there.disk, &ours).await?;
    write(bench, "by the guest", &there.disk, &theirs).await?;
    is_exclusive(bench, &guest, drive).await?;
    still_seen(bench, &guest, drive.vf.bdf, there.card, &DISTURBED).await?;
    verify(bench, "by the guest, undisturbed", &there.disk, &theirs).await?;
    comes_back(bench, &guest, drive).await?;
    let disk = by_vf(bench, drive, nsid).await?;
    verify(bench, "by the host again", &disk, &theirs).await?;
    survives_a_kill(bench, &guest, drive, nsid).await
}

/// Each beside the others.
fn stretch(number: u64) -> Stretch {
    const BLOCKS: u64 = 4096;
    Stretch {
        seed: fastrand::u32(..),
        first: number * BLOCKS,
        count: BLOCKS,
        transfers: vec![1, 8, 64, 256],
    }
}

async fn is_handed_over(bench: &mut Bench, guest: &Running, drive: &Drive) -> Answer {
    on_the_host(bench, drive.vf.bdf).await?;
    in_libvirt(bench, guest, drive.vf.bdf).await
}

async fn is_exclusive(bench: &mut Bench, guest: &Running, drive: &Drive) -> Answer {
    refused_to_another(bench, guest, drive.vf.bdf).await?;
    refused_once_more(bench, guest, drive.vf.bdf).await
}

/// The guest gives the VF back. No driver binds to it by itself, since it was created bare.
async fn comes_back(bench: &mut Bench, guest: &Running, drive: &Drive) -> Answer {
    let vf = drive.vf.bdf;
    take_back(bench, guest, &[vf]).await?;
    out_of_libvirt(bench, guest, vf).await?;
    is_back(bench, vf, None, &unplug::NOT_BACK).await?;
    bind(bench, drive).await?;
    Ok(())
}

async fn survives_a_kill(bench: &mut Bench, guest: &Running, drive: &Drive, nsid: u32) -> Answer {
    let (doomed, beside) = ([stretch(2)], stretch(3));
    let there = hand(bench, guest, drive, nsid).await?;
    let by_pf = shared_with_pf(bench, drive, nsid).await?;
    let kill = async |bench: &mut Bench| kill(bench, guest, &there.disk, &doomed[0]).await;
    let busy = bench.while_busy(&by_pf, &beside, kill).await?;
    let unharmed = busy.failed.is_none() && busy.wrong == 0 && busy.blocks > 0;
    require!(
        bench,
        unharmed,
        NEIGHBOUR,
        "by the PF, while the guest was killed: {busy}"
    );
    is_back(bench, drive.vf.bdf, None, &killed_clean::NOT_BACK).await?;
    keeps(bench, drive).await?;
    verify(bench, "by the PF, after the kill", &by_pf, &doomed).await?;
    works_anew(bench, nsid, &doomed).await
}

async fn kill(bench: &mut Bench, guest: &Running, there: &Disk, doomed: &Stretch) -> Answer {
    let state = bench.kill_amid_writes(guest, there, doomed, ENDS).await?;
    let ended = state == "shut off";
    require!(bench, ended, LINGERS, "the killed guest is {state:?}");
    Ok(())
}

/// The VF's controller must have what it had.
async fn keeps(bench: &mut Bench, drive: &Drive) -> Answer {
    let all = bench.secondaries().await?;
    let own = all.iter().find(|own| own.scid == drive.own.scid);
    let told = own.map_or("not listed".to_owned(), ToString::to_string);
    require!(
        bench,
        own == Some(&drive.own),
        TAKES,
        "after the kill: {told}; before: {}",
        drive.own
    );
    Ok(())
}

/// The guest is started with the VF that it is to have.
async fn works_anew(bench: &mut Bench, nsid: u32, doomed: &[Stretch]) -> Answer {
    let guest = bench.start_guest('a', &START_REFUSED).await?;
    let there = disk_of(bench, &guest, nsid).await?;
    verify(bench, "by the next guest", &there.disk, doomed).await
}
