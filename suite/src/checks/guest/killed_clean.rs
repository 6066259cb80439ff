//! When a guest's emulator is killed in the midst of traffic, its neighbours lose no frame, and the virtual function is as
//! good as before: the host's driver has it again, and the next guest uses it.
//!
//! Source: Linux 6.12 drivers/vfio/pci/vfio_pci_core.c, `vfio_pci_core_close_device` (the function is reset when its last
//! user is gone); libvirt src/qemu/qemu_hostdev.c, `qemuHostdevReAttachDomainDevices`.

use std::time::Duration;

use harness::bench::{Bench, End, Killed, Running};
use harness::check::{Answer, Check, Finding, Problem};
use harness::pci::Bdf;
use harness::{handover_findings, require};

use super::echo::{HARMED, NO_WAY, passes};
use super::plugged::{
    NO_DRIVER, NO_LINK, START_REFUSED, card_in, hand_over, is_a_card, is_back, vfs,
};
use super::{LIMIT_TWO_STARTS, NEEDS_TWO};

/// How long a process may take to end, and libvirt to take note: its memory is unpinned and the VF is reset.
pub(in crate::checks) const ENDS: Duration = Duration::from_mins(1);

pub(in crate::checks) const LINGERS: Finding = Finding::device(
    "killed-guest-lingers",
    "The guest's emulator was killed, and a minute later libvirt does not say that the guest has ended. The process waits in the kernel, for the VF's reset or its driver.",
    "Read the kernel log of this check: hung tasks name the function that waits. Reboot the machine if the process stays in state D; see vf::reset.",
);
const NEIGHBOURS: Finding = Finding::device(
    "kill-harms-neighbours",
    "Another VF of the card and the PF exchanged frames while the guest was killed, and not all of them passed unharmed.",
    "Read the kernel log of this check: a reset of one VF that stops the card's switch or the whole port is an error of its firmware or of the PF's driver; update both.",
);
const NOT_BACK: Finding = Finding::device(
    "vf-not-back-after-kill",
    "The guest is gone, but the driver on the host does not have its VF again.",
    "Read the kernel log of this check and libvirt's log; bind the VF with `virsh nodedev-reattach`.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::killed_clean",
    proves: "when a guest's emulator is killed in the midst of traffic, its neighbours lose no frame, and the next guest uses the virtual function",
    source: "Linux drivers/vfio/pci/vfio_pci_core.c (reset when the last user is gone)",
    needs: NEEDS_TWO,
    limit: LIMIT_TWO_STARTS,
    provokes: &[],
    findings: handover_findings![
        NO_DRIVER,
        NO_LINK,
        NO_WAY,
        HARMED,
        START_REFUSED,
        LINGERS,
        NEIGHBOURS,
        NOT_BACK
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vfs = vfs(bench, 2).await?;
    let driver = bench.driver_of(vfs[0]).await?;
    let guest = bench.guest('a').await?;
    hand_over(bench, &guest, vfs[0]).await?;
    kill(bench, &guest, vfs[1]).await?;
    is_back(bench, vfs[0], driver.as_deref(), &NOT_BACK).await?;
    works_anew(bench).await
}

/// Kills the guest while it and another VF exchange frames with the PF, the latter until it has ended.
async fn kill(bench: &mut Bench, guest: &Running, neighbour: Bdf) -> Answer {
    let there = in_guest(bench, guest).await?;
    let pf = bench.end_here(bench.pf()).await?;
    let neighbour = bench.end_here(neighbour).await?;
    // What they lose without it is not the kill's fault.
    passes(bench, &neighbour, &pf, "the PF, before").await?;
    let doomed = [&pf, &there];
    let killed = bench.kill_amid(guest, doomed, [&neighbour, &pf], ENDS);
    let Killed { state, neighbours } = killed.await?;
    let ended = state == "shut off";
    require!(bench, ended, LINGERS, "the killed guest is {state:?}");
    let unharmed = neighbours.is_unharmed();
    require!(
        bench,
        unharmed,
        NEIGHBOURS,
        "another VF to the PF and back: {neighbours}"
    );
    Ok(())
}

/// The guest is started with the VF that it is to have.
async fn works_anew(bench: &mut Bench) -> Answer {
    let guest = bench.start_guest('a', &START_REFUSED).await?;
    let there = in_guest(bench, &guest).await?;
    let pf = bench.end_here(bench.pf()).await?;
    passes(bench, &there, &pf, "the PF").await
}

/// The VF's interface in the guest, which must be a network card there.
async fn in_guest(bench: &mut Bench, guest: &Running) -> Result<End, Problem> {
    let card = card_in(bench, guest).await?;
    is_a_card(bench, guest, card).await?;
    bench.end_in(guest, card).await
}
