//! The controller offers virtualization, and what it has to give fits the number of its virtual functions.
//!
//! Source: NVM Express Base Specification, Identify Controller (OACS, bit 7), Primary Controller Capabilities Structure and
//! Virtualization Enhancements; PCI-SIG SR-IOV 1.1, 3.3.5 (`TotalVFs`).

use std::time::Duration;

use harness::bench::{Bench, IDENTIFY_FAILS};
use harness::check::{Answer, Check, Finding};
use harness::nvme::{Flexible, Resource};
use harness::require;

use super::NEEDS;
use super::ready::least;

const NO_VIRTUALIZATION: Finding = Finding::device(
    "nvme-no-virtualization",
    "The controller has virtual functions, but does not offer what it takes to give them queues and vectors: they could never be used.",
    "Enable SR-IOV in the drive's own setup, where it has one, or update its firmware.",
);
const COUNT_DISAGREES: Finding = Finding::device(
    "nvme-secondary-count-disagrees",
    "The controller does not list as many secondary controllers as its PCI function promises virtual functions.",
    "Update the controller's firmware: a virtual function without a controller, or a controller without one, is of no use.",
);
const RESOURCES_DISAGREE: Finding = Finding::device(
    "nvme-resources-disagree",
    "What the controller says of its flexible resources contradicts itself.",
    "Compare the report with `nvme primary-ctrl-caps`, and update the controller's firmware.",
);
pub(in crate::checks) const TOO_FEW: Finding = Finding::device(
    "nvme-resources-too-few",
    "The flexible resources do not suffice for all virtual functions that the PCI function promises, at two queue pairs and a vector each.",
    "Enable fewer virtual functions in the drive's own setup, or update its firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::capability",
    proves: "the controller offers virtualization, and what it has to give fits the number of its virtual functions",
    source: "NVM Express Base Specification, Virtualization Enhancements",
    needs: NEEDS,
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: &[
        &IDENTIFY_FAILS,
        &NO_VIRTUALIZATION,
        &COUNT_DISAGREES,
        &RESOURCES_DISAGREE,
        &TOO_FEW,
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let controller = bench.identify_controller().await?;
    require!(
        bench,
        controller.manages_virtualization(),
        NO_VIRTUALIZATION,
        "OACS is {:#06x}; bit 7 is the Virtualization Management command",
        controller.oacs
    );
    let vfs = total_vfs(bench);
    let listed = bench.secondaries().await?.len();
    require!(
        bench,
        listed == usize::from(vfs),
        COUNT_DISAGREES,
        "TotalVFs is {vfs}, and {listed} secondary controllers are listed"
    );
    let capabilities = bench.primary_capabilities().await?;
    for resource in Resource::ALL {
        fits(bench, resource, capabilities.of(resource), vfs)?;
    }
    Ok(())
}

/// The hardware's number: `sriov_totalvfs` may be less.
fn total_vfs(bench: &Bench) -> u16 {
    let sriov = bench.facts.device.capabilities.sriov.as_ref();
    sriov.map_or(bench.limit(), |sriov| sriov.total_vfs)
}

/// What there is of one type.
fn fits(bench: &mut Bench, resource: Resource, flexible: Option<Flexible>, vfs: u16) -> Answer {
    let (name, least) = (resource.name(), least(resource));
    require!(
        bench,
        flexible.is_some(),
        NO_VIRTUALIZATION,
        "CRT says that {name} resources {} be given away",
        if flexible.is_some() { "can" } else { "cannot" }
    );
    let Some(flexible) = flexible else {
        return Ok(());
    };
    agrees(bench, name, &flexible)?;
    let most = flexible.secondary_max;
    require!(
        bench,
        most >= least,
        TOO_FEW,
        "a secondary controller may have {most} {name}, and needs {least}"
    );
    let (total, needed) = (flexible.total, u32::from(least) * u32::from(vfs));
    require!(
        bench,
        total >= needed,
        TOO_FEW,
        "there are {total} flexible {name}, and {vfs} secondary controllers need {needed}"
    );
    Ok(())
}

/// Nothing is given away twice, and no limit is beyond another.
fn agrees(bench: &mut Bench, name: &str, flexible: &Flexible) -> Answer {
    require!(
        bench,
        flexible.free().is_some(),
        RESOURCES_DISAGREE,
        "{name}: {flexible}"
    );
    let (most, granularity) = (flexible.secondary_max, flexible.granularity);
    let holds = u32::from(most) <= flexible.total && granularity <= most;
    require!(
        bench,
        holds,
        RESOURCES_DISAGREE,
        "{name}: of {} flexible ones a secondary controller may have {most}, in steps of {granularity}",
        flexible.total
    );
    Ok(())
}
