//! A virtual function whose controller has queues and vectors goes online: its driver binds, and finds as many queues and vectors
//! as were assigned.
//!
//! That it becomes ready within CAP.TO is the driver's own condition for binding (Linux 6.12 drivers/nvme/host/core.c,
//! `nvme_wait_ready`).
//!
//! Source: NVM Express Base Specification, Virtualization Management command (Secondary Online).

use std::time::Duration;

use anyhow::Context;
use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::require;

use super::NEEDS;
use super::ready::{Drive, bare, bind, give, online};
use crate::online_findings;

const WRONG_CONTROLLER: Finding = Finding::device(
    "nvme-vf-is-another-controller",
    "The controller that answers through a VF says that it has another identifier than the list has for that VF.",
    "Compare the report with `nvme list-secondary` and `nvme id-ctrl` of the VF's controller, and update the controller's firmware.",
);
const OTHER_QUEUES: Finding = Finding::device(
    "nvme-queues-not-as-assigned",
    "A VF has not as many queues as were assigned to its controller.",
    "Compare the report with `nvme get-feature --feature-id=7` of the VF's controller, and update the controller's firmware.",
);
const OTHER_VECTORS: Finding = Finding::device(
    "nvme-vectors-not-as-assigned",
    "A VF's MSI-X table has not as many entries as vectors were assigned to its controller.",
    "Compare the report with `lspci -vv` of the VF, and update the controller's firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::online",
    proves: "a VF whose controller has queues and vectors goes online, its driver binds and finds what was assigned",
    source: "NVM Express Base Specification, Virtualization Management command",
    needs: NEEDS,
    limit: Duration::from_mins(5),
    provokes: &[],
    findings: online_findings![WRONG_CONTROLLER, OTHER_QUEUES, OTHER_VECTORS],
    parts: &[|bench| Box::pin(run(bench))],
};

/// What the kernel allows to be plugged in (Linux Documentation/admin-guide/cputopology.rst).
const PROCESSORS: &str = "/sys/devices/system/cpu/possible";

async fn run(bench: &mut Bench) -> Answer {
    let mut drives = bare(bench, 1).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    let drive = drives.first().context("a VF was created")?;
    has_vectors(bench, drive).await?;
    let name = bind(bench, drive).await?;
    is_itself(bench, drive, &name).await?;
    has_queues(bench, drive, &name).await
}

async fn has_vectors(bench: &mut Bench, drive: &Drive) -> Answer {
    let capabilities = bench.capabilities_of(drive.vf.bdf).await?;
    let vectors = capabilities.msix.map_or(0, |msix| msix.vectors);
    require!(
        bench,
        vectors == drive.own.nvi,
        OTHER_VECTORS,
        "the MSI-X table has {vectors} entries; {}",
        drive.own
    );
    Ok(())
}

async fn is_itself(bench: &mut Bench, drive: &Drive, name: &str) -> Answer {
    let cntlid = bench
        .read(&format!("/sys/class/nvme/{name}/cntlid"))
        .await?;
    require!(
        bench,
        cntlid == drive.own.scid.to_string(),
        WRONG_CONTROLLER,
        "cntlid of {name} is {cntlid}; {}",
        drive.own
    );
    Ok(())
}

/// The driver asks for a pair of queues for each processor, and gets no more than there are queues or vectors beside the admin
/// queues and their vector (Linux 6.12
/// drivers/nvme/host/pci.c, `nvme_setup_io_queues`).
async fn has_queues(bench: &mut Bench, drive: &Drive, name: &str) -> Answer {
    let possible = bench.read(PROCESSORS).await?;
    let processors = count(&possible).with_context(|| format!("{PROCESSORS} is {possible}"))?;
    let file = format!("/sys/class/nvme/{name}/queue_count");
    let found: u16 = bench.read(&file).await?.parse()?;
    let for_processors = processors.saturating_add(1);
    let expected = drive.own.nvq.min(for_processors).min(drive.own.nvi.max(2));
    require!(
        bench,
        found == expected,
        OTHER_QUEUES,
        "{name} has {found} pairs of queues, expected {expected} with {processors} processors; {}",
        drive.own
    );
    Ok(())
}

/// How many a text such as `0-3,8` holds.
fn count(text: &str) -> Option<u16> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let [first, last] = [first, last].map(str::parse::<u16>);
        last.ok()?.checked_sub(first.ok()?)?.checked_add(1)
    };
    text.split(',').map(range).sum()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn processors_are_counted() {
        let counts = ["0", "0-1", "0-3,8", "4-2", "", "a-b"].map(count);
        assert_eq!(counts, [Some(1), Some(2), Some(5), None, None, None]);
    }
}
