//! Each secondary controller can be given queues and vectors, has what it was given, and gives it back when it goes offline; what
//! all have together is what the primary controller says that it has given away.
//!
//! Source: NVM Express Base Specification, Virtualization Management command (Secondary Assign, Secondary Offline).

use std::time::Duration;

use harness::bench::{Bench, IDENTIFY_FAILS};
use harness::check::{Answer, Check, Finding};
use harness::nvme::{Resource, Virtualization};
use harness::{creation_findings, require};

use super::NEEDS;
use super::capability::TOO_FEW;
use super::ready::{
    NO_RESET, PRIMARY_HOLDS, PRIMARY_NOT_READY, REFUSED, flexible, free, share, told,
};

const NOT_AS_ASKED: Finding = Finding::device(
    "nvme-assigned-otherwise",
    "A secondary controller does not have what it was given.",
    "Compare the report with `nvme list-secondary`, and update the controller's firmware.",
);
const NOT_CONSERVED: Finding = Finding::device(
    "nvme-resources-not-conserved",
    "What the secondary controllers have together is not what the primary controller says that they have: resources are lost or exist twice.",
    "Compare the report with `nvme primary-ctrl-caps` and `nvme list-secondary`, and update the controller's firmware.",
);
const NOT_RELEASED: Finding = Finding::device(
    "nvme-resources-not-released",
    "A secondary controller that went offline still has resources: the next one to be given any will lack them.",
    "Reset the controller to get them back, and update its firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::assign",
    proves: "each secondary controller has the queues and vectors that it was given, gives them back when it goes offline, and none are lost",
    source: "NVM Express Base Specification, Virtualization Management command",
    needs: NEEDS,
    limit: Duration::from_mins(10),
    provokes: &[],
    findings: creation_findings![
        IDENTIFY_FAILS,
        REFUSED,
        PRIMARY_HOLDS,
        PRIMARY_NOT_READY,
        NO_RESET,
        TOO_FEW,
        NOT_AS_ASKED,
        NOT_CONSERVED,
        NOT_RELEASED
    ],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    free(bench).await?;
    bench.create_bare_vfs(bench.limit()).await?;
    let all = bench.secondaries().await?;
    for resource in Resource::ALL {
        let share = share(bench, resource, all.len()).await?;
        for secondary in &all {
            let assign = Virtualization::assign(secondary.scid, resource, share);
            told(bench, assign).await?;
        }
        has(bench, resource, share, &NOT_AS_ASKED).await?;
        is_conserved(bench, resource).await?;
    }
    for secondary in &all {
        told(bench, Virtualization::offline(secondary.scid)).await?;
    }
    for resource in Resource::ALL {
        has(bench, resource, 0, &NOT_RELEASED).await?;
        is_conserved(bench, resource).await?;
    }
    Ok(())
}

/// Whether each has so many.
async fn has(
    bench: &mut Bench,
    resource: Resource,
    count: u16,
    finding: &'static Finding,
) -> Answer {
    for secondary in bench.secondaries().await? {
        let name = resource.name();
        let text = format!("expected {count} {name}: {secondary}");
        bench.assert(secondary.of(resource) == count, finding, text)?;
    }
    Ok(())
}

/// Whether what all have together is what the primary controller counts.
async fn is_conserved(bench: &mut Bench, resource: Resource) -> Answer {
    let all = bench.secondaries().await?;
    let sum: u32 = all.iter().map(|it| u32::from(it.of(resource))).sum();
    let flexible = flexible(bench, resource).await?;
    let holds = flexible.assigned == sum && flexible.free().is_some();
    require!(
        bench,
        holds,
        NOT_CONSERVED,
        "secondary controllers have {sum} {} together; {flexible}",
        resource.name()
    );
    Ok(())
}
