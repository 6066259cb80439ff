//! What makes no sense is refused with the status that the specification has for it, and changes nothing: more resources than a
//! secondary controller may have, resources while it is online, online without resources or without a VF, an unknown controller, an
//! unknown action, and a command by a VF.
//!
//! A secondary controller need not know the command at all; QEMU's knows it and finds nobody to manage.
//!
//! Source: NVM Express Base Specification, Virtualization Management command (Command Specific Status Values); a command that a
//! controller does not support is an Invalid Command Opcode.

use std::time::Duration;

use anyhow::Context;
use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::nvme::{Resource, SecondaryController, Status, Virtualization};
use harness::require;

use super::NEEDS;
use super::ready::{Drive, answered, bare, bind, flexible, free, give, least, online, share, told};
use crate::online_findings;

const NOT_REFUSED: Finding = Finding::device(
    "nvme-nonsense-accepted",
    "The controller accepts a command that it must refuse.",
    "Update the controller's firmware: whoever makes that mistake is not told, and a VF may get what belongs to another.",
);
const REFUSED_OTHERWISE: Finding = Finding::device(
    "nvme-refused-otherwise",
    "The controller refuses with another status than the specification has for that, so that nobody can tell from it what was wrong.",
    "Compare the report with the command's own status values in the specification; update the controller's firmware.",
);
const CHANGED: Finding = Finding::device(
    "nvme-refusal-changes-something",
    "A command that was refused has changed what a secondary controller has, or its state.",
    "Compare the report with `nvme list-secondary` before and after, and update the controller's firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::refusals",
    proves: "a Virtualization Management command that makes no sense is refused with the status for it, and changes nothing",
    source: "NVM Express Base Specification, Virtualization Management command",
    needs: NEEDS,
    limit: Duration::from_mins(5),
    provokes: &[],
    findings: online_findings![NOT_REFUSED, REFUSED_OTHERWISE, CHANGED],
    parts: &[|bench| Box::pin(run(bench))],
};

/// Reserved (ACT 2h to 6h).
const NO_ACTION: u8 = 5;
/// The highest identifier that there can be (CNTLID FFF0h to FFFFh are reserved), which no controller with fewer than 65000
/// others has.
const NOBODY: u16 = 0xffef;

async fn run(bench: &mut Bench) -> Answer {
    free(bench).await?;
    without_vf(bench).await?;
    let mut drives = bare(bench, 1).await?;
    without_resources(bench, &drives[0]).await?;
    unknown(bench).await?;
    give(bench, &drives).await?;
    online(bench, &mut drives).await?;
    while_online(bench, &drives[0]).await?;
    by_a_vf(bench, &drives[0]).await
}

/// The controller has all that it needs, but its VF is not enabled.
async fn without_vf(bench: &mut Bench) -> Answer {
    let all = bench.secondaries().await?;
    let first = all.first().context("no secondary controller is listed")?;
    for resource in Resource::ALL {
        share(bench, resource, 1).await?;
        let assign = Virtualization::assign(first.scid, resource, least(resource));
        told(bench, assign).await?;
    }
    let online = Virtualization::online(first.scid);
    refused(bench, "without a VF", online, &[Status::INVALID_STATE]).await?;
    told(bench, Virtualization::offline(first.scid)).await
}

async fn without_resources(bench: &mut Bench, drive: &Drive) -> Answer {
    let scid = drive.own.scid;
    let online = Virtualization::online(scid);
    refused(bench, "without resources", online, &[Status::INVALID_STATE]).await?;
    for resource in Resource::ALL {
        let most = flexible(bench, resource).await?.secondary_max;
        let Some(more) = most.checked_add(1) else {
            continue; // No number is beyond that; nvme::capability has something to say of it.
        };
        let assign = Virtualization::assign(scid, resource, more);
        let what = format!("beyond the {most} that it may have");
        refused(bench, &what, assign, &[Status::INVALID_NUMBER]).await?;
    }
    let nothing = Virtualization::act(scid, NO_ACTION);
    refused(
        bench,
        "a reserved action",
        nothing,
        &[Status::INVALID_FIELD],
    )
    .await
}

async fn unknown(bench: &mut Bench) -> Answer {
    let assign = Virtualization::assign(NOBODY, Resource::Queues, 1);
    let what = "a controller that there is none of";
    refused(bench, what, assign, &[Status::INVALID_CONTROLLER]).await
}

async fn while_online(bench: &mut Bench, drive: &Drive) -> Answer {
    let Drive { own, .. } = drive;
    for (resource, count) in [(Resource::Queues, own.nvq), (Resource::Interrupts, own.nvi)] {
        let assign = Virtualization::assign(own.scid, resource, count);
        refused(
            bench,
            "while it is online",
            assign,
            &[Status::INVALID_STATE],
        )
        .await?;
    }
    Ok(())
}

/// The VF tries to give its own controller what it has, which would do no harm.
async fn by_a_vf(bench: &mut Bench, drive: &Drive) -> Answer {
    bind(bench, drive).await?;
    let before = bench.secondaries().await?;
    let assign = Virtualization::assign(drive.own.scid, Resource::Queues, drive.own.nvq);
    let refusal = bench.virtualize_by(drive.vf.bdf, assign).await?;
    let expected = [Status::INVALID_CONTROLLER, Status::INVALID_OPCODE];
    is_refused(
        bench,
        &format!("by {}: {assign}", drive.vf.bdf),
        refusal,
        &expected,
    )?;
    is_unchanged(bench, &before).await
}

async fn refused(
    bench: &mut Bench,
    what: &str,
    command: Virtualization,
    expected: &[Status],
) -> Answer {
    let before = bench.secondaries().await?;
    let refusal = bench.virtualize(command).await?;
    is_refused(bench, &format!("{command}, {what}"), refusal, expected)?;
    is_unchanged(bench, &before).await
}

fn is_refused(
    bench: &mut Bench,
    what: &str,
    refusal: Option<Status>,
    expected: &[Status],
) -> Answer {
    let answer = answered(refusal);
    require!(bench, refusal.is_some(), NOT_REFUSED, "{what}: {answer}");
    let names: Vec<String> = expected.iter().map(ToString::to_string).collect();
    require!(
        bench,
        refusal.is_some_and(|status| expected.contains(&status)),
        REFUSED_OTHERWISE,
        "{what}: {answer}, expected {}",
        names.join(" or ")
    );
    Ok(())
}

async fn is_unchanged(bench: &mut Bench, before: &[SecondaryController]) -> Answer {
    let after = bench.secondaries().await?;
    let changed = before.iter().zip(&after).find(|(was, is)| was != is);
    let text = changed.map_or(
        "after the refusal all is as it was".to_owned(),
        |(was, is)| format!("after the refusal: {is}; before it: {was}"),
    );
    let same = before == after;
    require!(bench, same, CHANGED, "{text}");
    Ok(())
}
