//! A guest that restarts finds its virtual function again, with its driver and a link.
//!
//! Source: RHEL 9, 14.7.2, step 5 (`--live`); QEMU hw/vfio/pci.c, `vfio_pci_reset` (the VF is reset with the machine around it).

use harness::bench::Bench;
use harness::check::{Answer, Check};
use harness::handover_findings;

use super::plugged::{NO_DRIVER, NO_LINK, card_in, is_a_card, plug};
use super::{LIMIT, NEEDS};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::guest_reboot",
    proves: "a guest that restarts finds its virtual function again, with its driver and a link",
    source: "RHEL 9, 14.7.2, step 5; QEMU hw/vfio/pci.c",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    is_a_card(bench, &plugged.guest, plugged.card).await?;
    bench.restart_guest(&plugged.guest).await?;
    let card = card_in(bench, &plugged.guest).await?;
    is_a_card(bench, &plugged.guest, card).await
}
