//! `resume`: goes on with what a restart of this machine has interrupted.

use super::admission::needs_root;
use super::{guest_system, output, real, usage};
use crate::session::{self, Charge, Found, Held, Session, Sessions};

pub(super) fn run() -> anyhow::Result<u8> {
    needs_root("going on with a run changes the device")?;
    let sessions = Sessions::of_this_machine();
    let alone = sessions.alone()?;
    let Found { dead, living } = sessions.find()?;
    drop(alone);
    if dead.is_empty() {
        output::say(&nothing_to_do(&living));
        return Ok(0);
    }
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    for held in &dead {
        is_same_program(&held.session)?;
        has_restarted(&held.session, boot.trim())?;
    }
    let mut codes = Vec::new();
    for held in dead {
        codes.push(resume(held)?);
    }
    Ok(output::worst(&codes))
}

fn nothing_to_do(living: &[(Session, String)]) -> String {
    match living.first() {
        None => "nothing to go on with: every run on this machine has come to its end".into(),
        Some((session, process)) => format!(
            "nothing to go on with: the run of {} is still going on (process {process})",
            session.started
        ),
    }
}

fn resume(held: Held) -> anyhow::Result<u8> {
    has_its_guest(&held.session)?;
    let _locks = held.session.lock()?;
    real::work(held)
}

/// Two versions need not mean the same by a check, so that one must not finish what the other began.
fn is_same_program(session: &Session) -> anyhow::Result<()> {
    let (now, then) = (session::program()?, &session.program);
    if now == *then {
        return Ok(());
    }
    Err(usage(format!(
        "the run of {} was begun by sriov-certify {then}, this is {now}: put that one back and `resume`, or give the run up with `restore`",
        session.started
    )))
}

/// Devices that have not begun yet need the image as it was when the run was.
fn has_its_guest(session: &Session) -> anyhow::Result<()> {
    let is_to_come = |charge: &Charge| charge.folder.is_none();
    match &session.choice.guest {
        Some(system) if session.devices.iter().any(is_to_come) => guest_system::is_pinned(system),
        _ => Ok(()),
    }
}

/// What still waits for a restart would come to nothing.
fn has_restarted(session: &Session, boot: &str) -> anyhow::Result<()> {
    for charge in &session.devices {
        let run = charge.run()?.filter(|run| run.waits);
        let asked = run.and_then(|run| run.restarts.last().cloned());
        if asked.is_some_and(|restart| restart.from.id == boot) {
            return Err(usage(format!(
                "{} waits for a restart of this machine, which has not come: restart it, or give the run up with `sriov-certify restore`",
                charge.bdf
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use harness::plan::Choice;
    use reports::{Boot, Durability, Environment, Event, Identity, Journal};

    use super::{Charge, Session, has_restarted, is_same_program, session};
    use crate::checks;

    fn session_of(devices: Vec<Charge>) -> Session {
        Session {
            started: "2026-01-01T00:00:00".into(),
            program: "1.0".into(),
            out: "/srv/results".into(),
            choice: Choice::default(),
            devices,
            companions: Vec::new(),
        }
    }

    #[test]
    fn another_program_does_not_go_on() {
        let mut session = session_of(Vec::new());
        let refusal = is_same_program(&session).unwrap_err().to_string();
        let refusal = refusal.replace(&session::program().unwrap(), "1.1 (f00d)");
        insta::assert_snapshot!(refusal, @"the run of 2026-01-01T00:00:00 was begun by sriov-certify 1.0, this is 1.1 (f00d): put that one back and `resume`, or give the run up with `restore`");
        session.program = session::program().unwrap();
        assert!(is_same_program(&session).is_ok());
    }

    /// A device whose run has asked for a restart in boot `a`.
    fn waiting(folder: &std::path::Path) -> Charge {
        let mut journal = Journal::create(folder, Durability::Process, "a").unwrap();
        let identity = Identity {
            profile: "mock".into(),
            bdf: "0000:01:00.0".into(),
            environment: Environment::Simulator,
            run_id: "r".into(),
            started: "2026-01-01T00:00:00+00:00".into(),
            properties: Vec::new(),
            debian: true,
        };
        let plan = Vec::new();
        let (id, kernel) = ("a".into(), "6.12".into());
        let from = Boot { id, kernel };
        for event in [
            Event::RunStarted { identity, plan },
            Event::Restarting { from },
        ] {
            journal.append(&event).unwrap();
        }
        Charge {
            bdf: "0000:01:00.0".parse().unwrap(),
            profile_id: "mock".into(),
            profile: harness::profile::shipped(&checks::ids()).remove(0),
            folder: Some(folder.to_owned()),
        }
    }

    #[test]
    fn a_restart_that_has_not_come_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let session = session_of(vec![waiting(folder.path())]);
        let refusal = has_restarted(&session, "a").unwrap_err().to_string();
        insta::assert_snapshot!(refusal, @"0000:01:00.0 waits for a restart of this machine, which has not come: restart it, or give the run up with `sriov-certify restore`");
        assert!(has_restarted(&session, "b").is_ok());
    }
}
