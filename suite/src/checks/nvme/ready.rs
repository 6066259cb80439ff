//! Virtual functions whose controllers have what they need, and are online.

use anyhow::{Context, anyhow};
use harness::bench::{Bench, Vf};
use harness::check::{Answer, Finding, Problem};
use harness::nvme::{Flexible, Resource, SecondaryController, Status, Virtualization};
use harness::require;

use super::capability::TOO_FEW;

pub(super) const REFUSED: Finding = Finding::device(
    "nvme-assign-refused",
    "The controller refuses to give a secondary controller resources that it says are free, or to take them back.",
    "Repeat the command of the transcript after a reset of the controller; update the controller's firmware.",
);
pub(super) const ONLINE_REFUSED: Finding = Finding::device(
    "nvme-online-refused",
    "A secondary controller of an enabled VF that has queues and vectors is refused to go online, or is not online afterwards.",
    "Compare the report with `nvme list-secondary`, and update the controller's firmware.",
);
pub(super) const NOT_READY: Finding = Finding::device(
    "nvme-vf-not-ready",
    "The controller of a VF is online, but its driver gives up on it: it does not become ready within the time that CAP.TO allows.",
    "Read the kernel log of this check (\"Device not ready\" is a time-out), and update the controller's firmware.",
);

pub(super) const PRIMARY_HOLDS: Finding = Finding::device(
    "nvme-primary-holds-resources",
    "The primary controller itself holds the flexible queues or vectors, as many drives begin, and does not give them up at a reset of the PF, so that there are none for VFs.",
    "Repeat the commands of the transcript and reset the PF (`echo 1 > /sys/bus/pci/devices/…/reset`); update the controller's firmware.",
);
pub(super) const PRIMARY_NOT_READY: Finding = Finding::device(
    "nvme-pf-not-ready",
    "The PF was reset so that its controller gives up what it holds, and that controller is not ready again.",
    "Read the kernel log of this check, and update the controller's firmware. `echo 1 > /sys/bus/pci/devices/…/remove` and a rescan may bring the drive back.",
);

pub(super) const NO_RESET: Finding = Finding::bench(
    "pf-not-reset",
    "The PF holds queues and vectors that VFs need and gives them up at a reset only, and this machine does not reset it.",
    "The kernel log of this check says why. Where the PF has no file `reset`, take them from it by hand (`nvme virt-mgmt --act=1`) and restart the machine.",
);

/// The findings of a check that takes VFs online.
#[macro_export]
macro_rules! online_findings {
    ($($own:expr),* $(,)?) => {
        harness::creation_findings![
            harness::bench::IDENTIFY_FAILS,
            $crate::checks::nvme::ready::REFUSED,
            $crate::checks::nvme::ready::PRIMARY_HOLDS,
            $crate::checks::nvme::ready::PRIMARY_NOT_READY,
            $crate::checks::nvme::ready::NO_RESET,
            $crate::checks::nvme::capability::TOO_FEW,
            $crate::checks::nvme::ready::ONLINE_REFUSED,
            $crate::checks::nvme::ready::NOT_READY,
            $($own),*
        ]
    };
}

/// A VF and its controller.
pub(super) struct Drive {
    pub(super) vf: Vf,
    /// As it was listed last.
    pub(super) own: SecondaryController,
}

/// What the primary controller has beyond what itself cannot do without it gives up at a reset of the PF.
pub(super) async fn free(bench: &mut Bench) -> Answer {
    let capabilities = bench.primary_capabilities().await?;
    let keep = Resource::ALL.map(|resource| kept(resource, capabilities.of(resource)));
    let gives = capabilities
        .held()
        .iter()
        .zip(&keep)
        .any(|(held, keep)| held > keep);
    if !gives {
        return Ok(());
    }
    let refusal = bench.give_up(keep).await?;
    let text = format!(
        "giving up all but {keep:?} VQ and VI: {}",
        answered(refusal)
    );
    bench.assert(refusal.is_none(), &PRIMARY_HOLDS, text)?;
    let attempt = bench.reset_pf().await?;
    let text = format!("reset of the PF: {}", attempt.answer());
    bench.assert(attempt.error.is_none(), &NO_RESET, text)?;
    let live = bench.wait_until_live(bench.pf()).await?;
    let state = live.map_or("none".to_owned(), |(_, state)| state);
    let text = format!("the state of the PF's controller after its reset: {state}");
    bench.assert(state == "live", &PRIMARY_NOT_READY, text)
}

/// How many flexible ones the primary controller needs itself, beside its private ones.
fn kept(resource: Resource, flexible: Option<Flexible>) -> u16 {
    flexible.map_or(u16::MAX, |own| least(resource).saturating_sub(own.private))
}

/// So many VFs whose controllers have nothing yet.
pub(super) async fn bare(bench: &mut Bench, count: u16) -> Result<Vec<Drive>, Problem> {
    free(bench).await?;
    let vfs = bench.create_bare_vfs(count).await?;
    let all = bench.secondaries().await?;
    let drive = |vf: Vf| {
        let own = all.iter().find(|own| own.vfn == vf.index + 1);
        let own = *own.with_context(|| format!("no controller is listed for {}", vf.bdf))?;
        Ok(Drive { vf, own })
    };
    vfs.into_iter().map(drive).collect()
}

/// As many of a type as each may have if so many have the same: enough to go online with.
pub(super) async fn share(
    bench: &mut Bench,
    resource: Resource,
    among: usize,
) -> Result<u16, Problem> {
    let flexible = flexible(bench, resource).await?;
    let free = flexible
        .free()
        .context("more is given away than there is")?;
    let share = free / u32::try_from(among.max(1))?;
    let share = u16::try_from(share).map_or(flexible.secondary_max, |share| {
        share.min(flexible.secondary_max)
    });
    let text = format!(
        "{share} {} for each of {among}: {flexible}",
        resource.name()
    );
    let too_few = if flexible.primary > kept(resource, Some(flexible)) {
        &PRIMARY_HOLDS
    } else {
        &TOO_FEW
    };
    bench.assert(share >= least(resource), too_few, text)?;
    Ok(share)
}

/// What a controller cannot be online without: the admin queues and a pair for data, and a vector.
pub(super) fn least(resource: Resource) -> u16 {
    match resource {
        Resource::Queues => 2,
        Resource::Interrupts => 1,
    }
}

pub(super) async fn flexible(bench: &mut Bench, resource: Resource) -> Result<Flexible, Problem> {
    let capabilities = bench.primary_capabilities().await?;
    let flexible = capabilities.of(resource);
    Ok(flexible.with_context(|| format!("{} cannot be given away", resource.name()))?)
}

/// What must not be refused.
pub(super) async fn told(bench: &mut Bench, command: Virtualization) -> Answer {
    must(bench, command, &REFUSED).await
}

async fn must(bench: &mut Bench, command: Virtualization, finding: &'static Finding) -> Answer {
    let refusal = bench.virtualize(command).await?;
    let text = format!("{command}: {}", answered(refusal));
    bench.assert(refusal.is_none(), finding, text)
}

/// What the controller said, in words.
pub(super) fn answered(refusal: Option<Status>) -> String {
    refusal.map_or("success".to_owned(), |status| status.to_string())
}

/// Gives the controllers of all these VFs the same, as much as there is.
pub(super) async fn give(bench: &mut Bench, drives: &[Drive]) -> Answer {
    for resource in Resource::ALL {
        let share = share(bench, resource, drives.len()).await?;
        for drive in drives {
            let assign = Virtualization::assign(drive.own.scid, resource, share);
            told(bench, assign).await?;
        }
    }
    Ok(())
}

/// Takes the controllers of all these VFs online, and looks that they are.
pub(super) async fn online(bench: &mut Bench, drives: &mut [Drive]) -> Answer {
    for drive in drives.iter() {
        let online = Virtualization::online(drive.own.scid);
        must(bench, online, &ONLINE_REFUSED).await?;
    }
    let all = bench.secondaries().await?;
    for drive in drives {
        let own = all.iter().find(|own| own.scid == drive.own.scid);
        drive.own = *own.context("a controller is not listed any more")?;
        require!(bench, drive.own.online, ONLINE_REFUSED, "{}", drive.own);
    }
    Ok(())
}

/// After that the VF's controller must be online with what it had.
pub(super) async fn keeps(
    bench: &mut Bench,
    drive: &Drive,
    after: &str,
    finding: &'static Finding,
) -> Answer {
    let all = bench.secondaries().await?;
    let own = all.iter().find(|own| own.scid == drive.own.scid);
    let told = own.map_or("not listed".to_owned(), ToString::to_string);
    let text = format!("after {after}: {told}; before: {}", drive.own);
    bench.assert(own == Some(&drive.own), finding, text)
}

/// Binds the driver of the profile to a VF. Returns the name of the controller that it makes.
pub(super) async fn bind(bench: &mut Bench, drive: &Drive) -> Result<String, Problem> {
    let (vf, driver) = (drive.vf.bdf, bench.profile.driver.vf.clone());
    bench.override_driver(vf, &driver).await?;
    let attempt = bench.bind(vf, &driver).await?;
    let answer = attempt.answer();
    require!(
        bench,
        attempt.error.is_none(),
        NOT_READY,
        "binding {driver} to {vf}: {answer}"
    );
    bench
        .log
        .timed(format!("binding {driver} to {vf}"), attempt.took);
    let live = bench.wait_until_live(vf).await?;
    let state = live.as_ref().map_or("none", |(_, state)| state);
    require!(
        bench,
        state == "live",
        NOT_READY,
        "the state of {vf}'s controller: {state}"
    );
    Ok(live.context("a controller that is live")?.0)
}

/// Takes the driver from a VF.
pub(super) async fn unbind(bench: &mut Bench, drive: &Drive) -> Answer {
    let driver = bench.profile.driver.vf.clone();
    let attempt = bench.unbind(drive.vf.bdf, &driver).await?;
    match attempt.error {
        None => Ok(()),
        Some(errno) => Err(anyhow!("unbinding {driver} from {}: {errno}", drive.vf.bdf).into()),
    }
}
