//! `restore`: undoes what runs have left that did not come to their end.

use std::rc::Rc;

use harness::machine::Host;
use reports::Pending;

use super::admission::needs_root;
use super::{output, real};
use crate::certify::give_up;
use crate::evidence;
use crate::session::{Charge, Held, Session, Sessions, is_settled};

/// Exits with 0 once everything is as it was found.
pub(super) fn run() -> anyhow::Result<u8> {
    needs_root("restoring changes the device")?;
    let sessions = Sessions::of_this_machine();
    let alone = sessions.alone()?;
    let found = sessions.find()?;
    drop(alone);
    for (session, process) in &found.living {
        output::complain(&format!(
            "the run of {} is still going on (process {process}) and undoes its changes by itself",
            session.started
        ));
    }
    if found.dead.is_empty() {
        let every = if found.living.is_empty() {
            "every"
        } else {
            "every other"
        };
        output::print(&format!(
            "nothing to restore: {every} run on this machine has come to its end"
        ))?;
        return Ok(0);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let host = real::this_host()?;
    let mut clean = true;
    for held in found.dead {
        clean &= runtime.block_on(restore(&host, held))?;
    }
    Ok(if clean { 0 } else { 2 })
}

/// Says of each device what was done. Returns whether all is as it was found.
async fn restore(host: &Rc<dyn Host>, held: Held) -> anyhow::Result<bool> {
    let mut clean = true;
    for charge in &held.session.devices {
        clean &= match restore_one(host, &held.session, charge).await {
            Ok(clean) => clean,
            Err(error) => {
                output::complain(&format!("{}: {error:#}", charge.bdf));
                false
            }
        };
    }
    // Where it cannot be told whether it has ended, that was said above; the other runs are not to wait for it.
    Ok(held.end().unwrap_or(false) && clean)
}

async fn restore_one(
    host: &Rc<dyn Host>,
    session: &Session,
    charge: &Charge,
) -> anyhow::Result<bool> {
    let (Some(before), Some(folder)) = (charge.run()?, &charge.folder) else {
        output::print(&format!("{}: nothing was touched", charge.bdf))?;
        return Ok(true);
    };
    if is_settled(&before) {
        output::print(&format!("{}: its run came to its end", charge.bdf))?;
        return Ok(before.left_behind.is_empty());
    }
    let _locks = session.lock()?;
    let given_up = give_up(host.clone(), folder).await;
    let after = evidence::render(folder)?;
    let left_behind = given_up?;
    for line in told(&before.pending, &after.pending, &left_behind) {
        output::print(&format!("{}: {line}", charge.bdf))?;
    }
    output::print(&format!("    {}", folder.join("summary.txt").display()))?;
    Ok(left_behind.is_empty())
}

/// What became of each change, the last first, and of the whole.
fn told(before: &[Pending], after: &[Pending], left_behind: &[String]) -> Vec<String> {
    let changes = before.iter().rev().map(|change| {
        let left = after.iter().find(|left| left.number == change.number);
        match left {
            None => format!("undone: {}", change.what),
            Some(left) => {
                let error = left.error.as_deref().unwrap_or("nobody tried");
                format!("NOT undone: {}: {error}", change.what)
            }
        }
    });
    let mut lines: Vec<String> = changes.collect();
    lines.extend(
        left_behind
            .iter()
            .map(|left| format!("not as it was: {left}")),
    );
    if left_behind.is_empty() {
        lines.push("as it was found".into());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Pending, told};

    fn change(number: u32, error: Option<&str>) -> Pending {
        Pending {
            number,
            what: format!("change {number}"),
            undo: number.into(),
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn it_says_what_it_did() {
        let before = [change(1, None), change(2, None)];
        let after = [change(1, Some("Device or resource busy"))];
        let left = ["sriov_numvfs was 0, is 4".to_owned()];
        insta::assert_snapshot!(told(&before, &after, &left).join("; "), @"undone: change 2; NOT undone: change 1: Device or resource busy; not as it was: sriov_numvfs was 0, is 4");
        insta::assert_snapshot!(told(&before, &[], &[]).join("; "), @"undone: change 2; undone: change 1; as it was found");
    }
}
