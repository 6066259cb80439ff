//! `run` on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context;
use harness::facts::{self, DeviceFacts, Facts};
use harness::lock::{Lock, LockError};
use harness::machine::{Host, Local};
use harness::pci::{Bdf, Names};
use harness::profile::Profile;
use harness::run::Progress;
use reports::Run;

use super::admission::{makes_way, needs_root, outlasts_a_restart};
use super::select::Candidate;
use super::{RunArgs, output, second, select, signals, usage};
use crate::certify::{Came, Company, Stop, Subject, begin, go_on, open};
use crate::session::{self, Charge, Session, Sessions};
use crate::{evidence, unit};

pub(super) fn run(args: &RunArgs) -> anyhow::Result<u8> {
    needs_root("certifying changes the device")?;
    let choice = select::choice(&args.selection)?;
    let sessions = Sessions::of_this_machine();
    let alone = sessions.alone()?;
    makes_way(&sessions.find()?, choice.reboot)?;
    let runtime = runtime()?;
    let host = this_host()?;
    let candidates = runtime.block_on(select::candidates(host.as_ref(), &args.selection))?;
    let held = hold(candidates, args.selection.device.is_some(), Lock::take)?;
    let out = output::folder(args.out.as_deref())?.canonicalize()?;
    if choice.reboot {
        outlasts_a_restart(&out, "choose another folder with --out")?;
        outlasts_a_restart(&this_program()?, "install the program on a disk")?;
    }
    let (devices, _locks): (Vec<Charge>, Vec<Lock>) = held.into_iter().map(charge).unzip();
    let held = sessions.begin(Session {
        started: jiff::Zoned::now()
            .strftime("%Y-%m-%dT%H:%M:%S%.3f")
            .to_string(),
        program: session::program()?,
        out,
        choice,
        devices,
    })?;
    drop(alone);
    work(held)
}

fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this program")
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}

/// Carries out a session, or what is left of it.
pub(super) fn work(mut held: session::Held) -> anyhow::Result<u8> {
    let out = held.session.out.clone();
    let mut runs = Vec::new();
    let came = runtime()?.block_on(certify_all(&mut held, &mut runs));
    if let Ok(Came::ToARestart) = came {
        output::say("this machine restarts; the run goes on by itself");
        return Ok(2);
    }
    let settled = held.end();
    let code = output::conclude(&out, runs, came.map(drop))?;
    settled?;
    Ok(code)
}

/// This machine, with this program as its worker.
pub(super) fn this_host() -> anyhow::Result<Rc<dyn Host>> {
    Ok(Rc::new(Local::new(vec![
        this_program()?.into(),
        OsString::from("worker"),
    ])))
}

/// A device that is ours until this process ends.
#[derive(Debug)]
struct Held {
    candidate: Candidate,
    lock: Lock,
}

/// Leaves out whatever must not be touched, by name. It is an error where nothing else remains, or
/// where the user asked for just that device.
fn hold(
    candidates: Vec<Candidate>,
    named: bool,
    lock: impl Fn(Bdf) -> Result<Lock, LockError>,
) -> anyhow::Result<Vec<Held>> {
    if candidates.is_empty() {
        return Err(usage(
            "no device of this machine matches a profile; see `sriov-certify probe`",
        ));
    }
    let (mut held, mut refusals) = (Vec::new(), Vec::new());
    for candidate in candidates {
        match hold_one(candidate, &lock) {
            Ok(one) => held.push(one),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() && (named || held.is_empty()) {
        return Err(usage(refusals.join("; ")));
    }
    for refusal in refusals {
        output::complain(&format!("left alone: {refusal}"));
    }
    Ok(held)
}

fn hold_one(
    candidate: Candidate,
    lock: impl Fn(Bdf) -> Result<Lock, LockError>,
) -> Result<Held, String> {
    // The lock first: the VFs of a run that has it would else be taken for somebody's.
    let lock = lock(candidate.facts.device.bdf).map_err(|error| error.to_string())?;
    free(&candidate.facts.device)?;
    Ok(Held { candidate, lock })
}

fn free(device: &DeviceFacts) -> Result<(), String> {
    if device.in_use.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} is in use: {}; free it, or certify another device",
        device.bdf,
        device.in_use.join("; ")
    ))
}

fn charge(held: Held) -> (Charge, Lock) {
    let Candidate { profile, facts } = held.candidate;
    let charge = Charge {
        bdf: facts.device.bdf,
        profile_id: profile.id.clone(),
        profile: profile.as_ref().clone(),
        folder: None,
    };
    (charge, held.lock)
}

/// One device after the other. Those that are finished already are only shown.
async fn certify_all(
    held: &mut session::Held,
    runs: &mut Vec<(Run, PathBuf)>,
) -> anyhow::Result<Came> {
    let (host, stop) = (this_host()?, signals::listen()?);
    for index in 0..held.session.devices.len() {
        let bdf = held.session.devices[index].bdf.to_string();
        let (folder, came) = match unfinished(&held.session.devices[index])? {
            Left::Nothing(folder) => (folder, Came::ToItsEnd),
            Left::Whole => {
                signals::go_on(&stop, &bdf)?;
                certify(&host, held, index, &stop).await?
            }
            Left::Rest(folder) => {
                let mut tell = |progress: Progress<'_>| output::tell(&bdf, &progress);
                let company = company(&held.session, &stop, &mut tell)?;
                let came = go_on(host.clone(), &folder, company).await?;
                is_whole(&folder, &bdf, index + 1 < held.session.devices.len())?;
                (folder, came)
            }
        };
        if came == Came::ToARestart {
            return Ok(came);
        }
        runs.push((evidence::journal(&folder)?, folder));
    }
    Ok(Came::ToItsEnd)
}

/// After an end that nobody planned, nothing more is begun by itself.
fn is_whole(folder: &Path, bdf: &str, more: bool) -> anyhow::Result<()> {
    match evidence::journal(folder)?.interrupted {
        Some(why) if more => {
            anyhow::bail!("{bdf} was interrupted by {why}: run it again, and the devices after it")
        }
        _ => Ok(()),
    }
}

/// What is left to be done of a device.
enum Left {
    Whole,
    Rest(PathBuf),
    Nothing(PathBuf),
}

fn unfinished(charge: &Charge) -> anyhow::Result<Left> {
    Ok(match (charge.run()?, charge.folder.clone()) {
        (Some(run), Some(folder)) if run.complete => Left::Nothing(folder),
        (Some(_), Some(folder)) => Left::Rest(folder),
        _ => Left::Whole,
    })
}

async fn certify(
    host: &Rc<dyn Host>,
    held: &mut session::Held,
    index: usize,
    stop: &Stop,
) -> anyhow::Result<(PathBuf, Came)> {
    let charge = &held.session.devices[index];
    let bdf = charge.bdf.to_string();
    let subject = subject(host, charge, &held.session).await?;
    let (folder, identity) = open(&subject, &held.session.out)?;
    held.session.devices[index].folder = Some(folder.clone());
    held.save()?;
    let mut tell = |progress: Progress<'_>| output::tell(&bdf, &progress);
    let company = company(&held.session, stop, &mut tell)?;
    let came = begin(&subject, &folder, identity, company).await?;
    Ok((folder, came))
}

fn company<'a>(
    session: &Session,
    stop: &Stop,
    progress: &'a mut dyn FnMut(Progress<'_>),
) -> anyhow::Result<Company<'a>> {
    let program = this_program()?;
    if session.choice.reboot
        && session::program_at(&program).ok().as_ref() != Some(&session.program)
    {
        anyhow::bail!(
            "{} is not the program any more that began this run: install no update while it goes on, and run it again",
            program.display()
        );
    }
    Ok(Company {
        resume_unit: unit::text(&program, &session.out),
        stop: stop.clone(),
        progress,
    })
}

/// Looks at the device again: until it was ours, others may have changed it.
async fn subject(
    host: &Rc<dyn Host>,
    charge: &Charge,
    session: &Session,
) -> anyhow::Result<Subject> {
    let names = facts::names(host.as_ref()).await;
    let machine = facts::host(host.as_ref()).await?;
    let device = facts::device(host.as_ref(), charge.bdf, &names).await?;
    free(&device).map_err(usage)?;
    let others = others(host.as_ref(), charge, session, &names).await;
    let cabled = session.choice.settings.opposite(charge.bdf);
    Ok(Subject {
        host: host.clone(),
        profile: Rc::new(Profile {
            id: charge.profile_id.clone(),
            ..charge.profile.clone()
        }),
        environment: facts::environment(&machine, &device),
        facts: Rc::new(Facts {
            second: second::of(&device, &others, cabled),
            host: machine,
            device,
        }),
        choice: session.choice.clone(),
    })
}

/// The other devices of the session with the same profile. They are held as long as this one; one that cannot be read is
/// left to its own run.
async fn others(
    host: &dyn Host,
    charge: &Charge,
    session: &Session,
    names: &Names,
) -> Vec<DeviceFacts> {
    let mut others = Vec::new();
    for other in &session.devices {
        if other.bdf != charge.bdf && other.profile_id == charge.profile_id {
            others.extend(facts::device(host, other.bdf, names).await.ok());
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use harness::pci::Bdf;
    use harness::profile;

    use super::{Candidate, Held, Lock, LockError, hold};
    use crate::checks;
    use crate::simulated::{runtime, subject};

    fn candidate(in_use: &[&str]) -> Candidate {
        let profile = profile::shipped(&checks::ids()).remove(0);
        let reading = subject(profile, None, Vec::new());
        let subject = runtime().unwrap().block_on(reading).unwrap();
        let mut facts = subject.facts.as_ref().clone();
        facts.device.in_use = in_use.iter().map(|&reason| reason.to_owned()).collect();
        Candidate {
            profile: subject.profile,
            facts: facts.into(),
        }
    }

    /// Holds candidates by locks of this test's own.
    fn held(candidates: Vec<Candidate>, named: bool) -> Result<Vec<Held>, String> {
        let folder = tempfile::tempdir().unwrap();
        let lock = |bdf: Bdf| Lock::take_in(folder.path(), &bdf.to_string());
        hold(candidates, named, lock).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_in_use_is_left_alone_by_name() {
        let busy = || candidate(&["eth0 carries the IPv4 default route"]);
        assert_eq!(
            held(vec![busy()], true).unwrap_err(),
            "0000:01:00.0 is in use: eth0 carries the IPv4 default route; free it, or certify another device"
        );
        assert!(held(vec![busy()], false).is_err(), "nothing else remains");
        let held = held(vec![busy(), candidate(&[])], false).unwrap();
        assert_eq!(held.len(), 1);
        assert!(held[0].candidate.facts.device.in_use.is_empty());
    }

    #[test]
    fn a_device_that_another_run_has_is_refused() {
        let lock = |bdf: Bdf| {
            let (what, holder) = (bdf.to_string(), "4711".to_owned());
            Err(LockError::Held { what, holder })
        };
        let refusal = hold(vec![candidate(&["VFs are enabled"])], false, lock).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "0000:01:00.0 is being certified by process 4711: wait for it, or end it with `kill 4711`"
        );
    }

    #[test]
    fn the_lock_lasts_as_long_as_the_device_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let take = || {
            hold(vec![candidate(&[])], true, |bdf| {
                Lock::take_in(folder.path(), &bdf.to_string())
            })
        };
        let first = take().unwrap();
        assert!(take().is_err());
        drop(first);
        assert!(take().is_ok());
    }

    #[test]
    fn no_device_at_all_is_said() {
        assert!(
            held(Vec::new(), false)
                .unwrap_err()
                .contains("no device of this machine matches")
        );
    }
}
