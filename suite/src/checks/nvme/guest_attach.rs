//! A guest uses a drive by a virtual function: it reads what the host has written by it, and the host what the guest has written,
//! after the guest has given it back and after the guest was killed. Nobody else gets it meanwhile.
//!
//! The questions that network cards are asked too are asked by the same code (`checks/guest`).
//!
//! Source: RHEL 9, 14.7.1 and 14.7.2, step 5; libvirt docs/formatdomain.rst, `hostdev`; Linux 6.12 drivers/vfio/pci/vfio_pci_core.c,
//! `vfio_pci_core_close_device` (the function is reset when its last user is gone).

use anyhow::anyhow;
use harness::bench::{Bench, Running, Stretch, listed};
use harness::check::{Answer, Check, Finding, Problem};
use harness::pci::Bdf;
use harness::require;

use super::data::{IO_FAILS, by_vf, scratch, verify, write};
use super::in_guest::{NEEDS, There, disk_of, hand, shared_with_pf};
use super::ready::{Drive, bare, bind, give, keeps, online};
use crate::checks::guest::LIMIT_THREE_STARTS;
use crate::checks::guest::exclusive::{
    DISTURBED, LET_IN, OTHER_REASON, TWICE, refused_once_more, refused_to_another,
};
use crate::checks::guest::hotplug::{NOT_IN_XML, NOT_VFIO, in_libvirt, on_the_host};
use crate::checks::guest::killed_clean::{ENDS, LINGERS};
use crate::checks::guest::plugged::{
    DETACH_REFUSED, GUEST_KEEPS, START_REFUSED, still_seen, take_back,
};
use crate::checks::guest::unplug::{STILL_TOLD, out_of_libvirt};
use crate::drive_in_guest_findings;

const NOT_RELEASED: Finding = Finding::device(
    "nvme-vf-not-released",
    "The guest has the VF no longer, but on the host a driver has it that nobody asked for: libvirt's for guests, or another.",
    "Read the kernel log of this check and `journalctl -u libvirtd`; update libvirt.",
);
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
    limit: LIMIT_THREE_STARTS,
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
        NOT_RELEASED,
        LINGERS,
        NEIGHBOUR,
        TAKES,
        START_REFUSED,
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

/// What is written, each beside the others.
struct Stretches {
    by_host: [Stretch; 1],
    by_guest: [Stretch; 1],
    /// Beside the kill, by the PF.
    beside: [Stretch; 1],
    /// What the guest is killed at.
    doomed: [Stretch; 1],
}

async fn run(bench: &mut Bench) -> Answer {
    let nsid = scratch(bench).await?;
    let all = stretches(bench, nsid).await?;
    let mut drives = bare(bench, 1).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    let drive = &drives[0];
    bind(bench, drive).await?;
    let disk = by_vf(bench, drive, nsid).await?;
    write(bench, "by the host", &disk, &all.by_host).await?;
    let guest = bench.guest('a').await?;
    is_used(bench, &guest, drive, nsid, &all).await?;
    comes_back(bench, &guest, drive).await?;
    let disk = by_vf(bench, drive, nsid).await?;
    verify(bench, "by the host again", &disk, &all.by_guest).await?;
    survives_a_kill(bench, &guest, drive, nsid, &all).await
}

async fn stretches(bench: &mut Bench, nsid: u32) -> Result<Stretches, Problem> {
    const BLOCKS: u64 = 4096;
    let size = bench.identify_namespace(nsid).await?.nsze;
    let count = BLOCKS.min(size / 4).max(1);
    let stretch = |number: u64| {
        [Stretch {
            seed: fastrand::u32(..),
            first: number * count,
            count,
            transfers: vec![1, 8, 64, 256],
        }]
    };
    Ok(Stretches {
        by_host: stretch(0),
        by_guest: stretch(1),
        beside: stretch(2),
        doomed: stretch(3),
    })
}

/// The guest gets the VF, reads what the host has written and writes itself, and nobody else gets it.
async fn is_used(
    bench: &mut Bench,
    guest: &Running,
    drive: &Drive,
    nsid: u32,
    all: &Stretches,
) -> Answer {
    let vf = drive.vf.bdf;
    let there = hand(bench, guest, drive, nsid).await?;
    on_the_host(bench, vf).await?;
    in_libvirt(bench, guest, vf).await?;
    verify(bench, "by the guest", &there.disk, &all.by_host).await?;
    write(bench, "by the guest", &there.disk, &all.by_guest).await?;
    refused_to_another(bench, guest, vf).await?;
    refused_once_more(bench, guest, vf).await?;
    still_seen(bench, guest, vf, there.card, &DISTURBED).await?;
    verify(bench, "by the guest again", &there.disk, &all.by_guest).await
}

async fn comes_back(bench: &mut Bench, guest: &Running, drive: &Drive) -> Answer {
    let vf = drive.vf.bdf;
    take_back(bench, guest, &[vf]).await?;
    out_of_libvirt(bench, guest, vf).await?;
    is_nobodys(bench, vf).await?;
    bind(bench, drive).await?;
    Ok(())
}

/// No driver binds to the VF by itself, since it was created bare.
async fn is_nobodys(bench: &mut Bench, vf: Bdf) -> Answer {
    let driver = bench.driver_of(vf).await?;
    let nobody = driver.is_none();
    require!(
        bench,
        nobody,
        NOT_RELEASED,
        "on the host the VF's driver is {}, expected none",
        listed(driver)
    );
    Ok(())
}

async fn survives_a_kill(
    bench: &mut Bench,
    guest: &Running,
    drive: &Drive,
    nsid: u32,
    all: &Stretches,
) -> Answer {
    let there = hand(bench, guest, drive, nsid).await?;
    write(bench, "by the guest", &there.disk, &all.doomed).await?;
    let by_pf = shared_with_pf(bench, drive, nsid).await?;
    write(bench, "by the PF", &by_pf, &all.beside).await?;
    verify(bench, "by the PF", &by_pf, &all.beside).await?;
    let kill = async |bench: &mut Bench| kill(bench, guest, &there, &all.doomed[0]).await;
    let busy = bench.while_busy(&by_pf, &all.beside[0], kill).await?;
    let unharmed = busy.failed.is_none() && busy.wrong == 0 && busy.blocks > 0;
    require!(
        bench,
        unharmed,
        NEIGHBOUR,
        "by the PF, while the guest was killed: {busy}"
    );
    is_nobodys(bench, drive.vf.bdf).await?;
    keeps(bench, drive, "the kill", &TAKES).await?;
    for stretch in [&all.by_host, &all.by_guest, &all.doomed] {
        verify(bench, "by the PF, after the kill", &by_pf, stretch).await?;
    }
    works_anew(bench, nsid, &all.doomed).await
}

async fn kill(bench: &mut Bench, guest: &Running, there: &There, doomed: &Stretch) -> Answer {
    let there = (there.card, &there.disk);
    let killed = bench.kill_amid_writes(guest, there, doomed, ENDS).await?;
    if let Some(rate) = killed.refused {
        let text = format!("by the guest, which was to be killed at it: {rate}");
        bench.assert(rate.failed.is_none(), &IO_FAILS, text.clone())?;
        return Err(anyhow!("it came to its end before that: {text}").into());
    }
    let ended = killed.state == "shut off";
    require!(
        bench,
        ended,
        LINGERS,
        "the killed guest is {:?}",
        killed.state
    );
    Ok(())
}

/// The guest is started with the VF that it is to have.
async fn works_anew(bench: &mut Bench, nsid: u32, doomed: &[Stretch]) -> Answer {
    let guest = bench.start_guest('a', &START_REFUSED).await?;
    let there = disk_of(bench, &guest, nsid).await?;
    verify(bench, "by the next guest", &there.disk, doomed).await
}
