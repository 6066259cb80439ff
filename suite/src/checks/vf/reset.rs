//! A virtual function can be reset by every method the kernel has for it, and is alive afterwards.
//!
//! No driver is bound meanwhile: resetting a VF whose igbvf is bound and down blocks for ever in
//! `igbvf_down` (Linux 6.12 drivers/net/ethernet/intel/igbvf/netdev.c).
//!
//! Source: Linux 6.12 Documentation/ABI/testing/sysfs-bus-pci, `reset` and `reset_method`; drivers/pci/pci.c, `pci_reset_fn_methods`.

use std::time::Duration;

use anyhow::{Context, anyhow};
use harness::bench::Bench;
use harness::check::{Answer, Check, Finding, Problem};
use harness::need::Need;
use harness::pci::{Bdf, Capabilities};
use harness::profile::Kind;
use harness::{creation_findings, require};

const METHOD_MISSING: Finding = Finding::device(
    "vf-reset-method-missing",
    "The kernel does not have the claimed reset method for the VFs: they do not say that they support it.",
    "Update the card's firmware; a kernel with a quirk for the card may have the method as device_specific.",
);
pub(in crate::checks) const REFUSED: Finding = Finding::device(
    "vf-reset-fails",
    "A reset of a VF failed; VFIO resets a VF each time a guest opens it.",
    "Read the kernel log of this check (a time-out waits for the VF to answer), and update the card's firmware.",
);
const DEAD: Finding = Finding::device(
    "vf-dead-after-reset",
    "After a reset a VF does not answer, or answers with other capabilities than before.",
    "Update the card's firmware; remove and create the VFs to revive it.",
);
const NO_DRIVER: Finding = Finding::device(
    "vf-unusable-after-reset",
    "After a reset the VF driver does not bind to the VF any more.",
    "See vf::driver_binds; if that passes, the reset has broken the VF: read the kernel log of this check and update the card's firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::reset",
    proves: "a virtual function can be reset by every method the kernel has for it, and is alive afterwards",
    source: "Linux 6.12 Documentation/ABI/testing/sysfs-bus-pci, reset_method",
    needs: &[Need::Sriov, Need::PfDriver, Need::ClaimedReset],
    limit: Duration::from_mins(3),
    provokes: &[],
    findings: creation_findings![METHOD_MISSING, REFUSED, DEAD, NO_DRIVER],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vf = bare_vf(bench).await?;
    let listed = bench.reset_methods(vf).await?;
    for claimed in &bench.profile.clone().claims.vf_reset {
        require!(
            bench,
            listed.contains(claimed),
            METHOD_MISSING,
            "reset_method of {vf} is `{}`, {claimed} is claimed",
            listed.join(" ")
        );
    }
    let before = bench.capabilities_of(vf).await?;
    for method in &listed {
        reset(bench, vf, method, &before).await?;
    }
    if bench.profile.kind == Kind::Nic {
        binds(bench, vf).await
    } else {
        Ok(())
    }
}

/// A VF without a driver, even where autoprobe is not heeded.
async fn bare_vf(bench: &mut Bench) -> Result<Bdf, Problem> {
    let vfs = bench.create_bare_vfs(1).await?;
    let vf = vfs.first().context("no VF was created")?;
    if let Some(driver) = &vf.driver {
        bench.unbind(vf.bdf, driver).await?;
    }
    let left = bench.driver_of(vf.bdf).await?;
    if left.is_none() {
        Ok(vf.bdf)
    } else {
        Err(anyhow!(
            "{} cannot be reset in safety while a driver is bound",
            vf.bdf
        )
        .into())
    }
}

async fn reset(bench: &mut Bench, vf: Bdf, method: &str, before: &Capabilities) -> Answer {
    let attempt = bench.reset_vf(vf, method).await?;
    require!(
        bench,
        attempt.error.is_none(),
        REFUSED,
        "reset of {vf} by {method}: {}",
        attempt.answer()
    );
    bench.log.timed(format!("reset by {method}"), attempt.took);
    let config = bench.config_of(vf).await?;
    require!(
        bench,
        !config.is_gone(),
        DEAD,
        "the config space of {vf} after a reset by {method} {}",
        if config.is_gone() {
            "reads all ones"
        } else {
            "can be read"
        }
    );
    let after = Capabilities::read(&config);
    let vectors =
        |capabilities: &Capabilities| capabilities.msix.as_ref().map_or(0, |msix| msix.vectors);
    let same = after.found == before.found && vectors(&after) == vectors(before);
    let sizes = [before, &after]
        .map(|it| format!("{} capabilities, {} vectors", it.found.len(), vectors(it)));
    require!(
        bench,
        same,
        DEAD,
        "{vf} before a reset by {method}: {}; after: {}",
        sizes[0],
        sizes[1]
    );
    Ok(())
}

async fn binds(bench: &mut Bench, vf: Bdf) -> Answer {
    let driver = bench.profile.driver.vf.clone();
    bench.override_driver(vf, &driver).await?;
    let answer = bench.bind(vf, &driver).await?.answer();
    let bound = bench.driver_of(vf).await?;
    require!(
        bench,
        bound.as_ref() == Some(&driver),
        NO_DRIVER,
        "binding {driver} to {vf} after its resets: {answer}, bound: {}",
        bound.as_deref().unwrap_or("none")
    );
    Ok(())
}
