//! When all VFs are removed while a guest has one, the kernel comes to an end in good time: either the
//! guest lets go and runs on without it, or the removal is refused and the guest keeps it.
//!
//! Source: RHEL 9, 14.7.1, first drawback; Linux 6.12 drivers/vfio/pci/vfio_pci_core.c, `vfio_pci_core_request` (the guest is
//! asked to let go, and the writer waits).

use harness::bench::{Bench, listed};
use harness::check::{Answer, Check, Finding};
use harness::{handover_findings, require};
use nix::errno::Errno;

use super::plugged::{NO_DRIVER, NO_LINK, Plugged, ids, plug_card, still_has};
use super::{LIMIT, NEEDS, PATIENCE};

/// How drivers answer that a guest has a VF, each in its own words (Linux 6.12 drivers/net/ethernet: intel/igb/igb_main.c,
/// `igb_disable_sriov`; intel/i40e/i40e_virtchnl_pf.c, `i40e_pci_sriov_configure`; sfc/ef10_sriov.c, `efx_ef10_pci_sriov_disable`).
const IN_USE: [Errno; 3] = [Errno::EPERM, Errno::EINVAL, Errno::EBUSY];

const UNKNOWN: Finding = Finding::device(
    "removal-refused-otherwise",
    "The removal was refused while a guest had a VF, but with an answer by which no driver says that VFs are in use.",
    "Read the kernel log of this check; the PF's driver must answer EBUSY, EPERM or EINVAL, or wait for the guest.",
);
const REMAINS: Finding = Finding::device(
    "vfs-remain-after-removal",
    "All VFs were removed while a guest had one, and the kernel still shows some.",
    "Read the kernel log of this check; take VFs from their guests before they are removed.",
);
const SEEN: Finding = Finding::device(
    "guest-not-told",
    "The VF is gone, but the guest still believes that it has it.",
    "Read the guest's console in the transcript; update QEMU, which must unplug what the kernel asks for.",
);
const DISTURBED: Finding = Finding::device(
    "guest-disturbed-by-refusal",
    "The removal was refused, but the guest lost its VF.",
    "Read the guest's console in the transcript and the kernel log of this check.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::numvfs_zero_while_attached",
    proves: "when all virtual functions are removed while a guest has one, the kernel does not hang, and the guest either lets go and runs on, or keeps it",
    source: "RHEL 9, 14.7.1, drawbacks; Linux drivers/vfio/pci/vfio_pci_core.c",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![UNKNOWN, REMAINS, SEEN, DISTURBED, NO_DRIVER, NO_LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug_card(bench).await?;
    let ids = ids(bench).await?;
    // That it comes to an end at all is asked here: one that hangs is a finding of its own.
    let attempt = bench.attempt_numvfs("0").await?;
    let took = attempt.took.as_secs_f64();
    bench.log.note(format!(
        "removing VFs while a guest has one: {}, after {took:.1} s",
        attempt.answer()
    ))?;
    let Some(error) = attempt.error else {
        return is_gone(bench, &plugged, ids).await;
    };
    let known = IN_USE.contains(&error);
    require!(bench, known, UNKNOWN, "removing VFs: {error}");
    still_has(bench, &plugged, &DISTURBED).await
}

async fn is_gone(bench: &mut Bench, Plugged { guest, .. }: &Plugged, ids: [u16; 2]) -> Answer {
    let left: Vec<_> = bench.vfs().await?.into_iter().map(|vf| vf.bdf).collect();
    require!(
        bench,
        left.is_empty(),
        REMAINS,
        "VFs on the host: {}",
        listed(&left)
    );
    let left = bench.gone_from(guest, ids, PATIENCE).await?;
    require!(
        bench,
        left.is_empty(),
        SEEN,
        "VFs that the guest still sees: {}",
        listed(&left)
    );
    Ok(())
}
