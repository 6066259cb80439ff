//! `run` on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context;
use harness::facts::{self, DeviceFacts, Facts};
use harness::lock::Lock;
use harness::machine::{Host, Local};
use harness::pci::{Bdf, Names};
use harness::profile::Profile;
use harness::run::Progress;
use reports::Run;

use super::admission::{makes_way, needs_root, outlasts_a_restart};
use super::hold::{Held, companions, free, hold};
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
    let held = hold(candidates, !args.selection.device.is_empty(), Lock::take)?;
    let beside = companions(host.as_ref(), &held, &choice.settings, Lock::take);
    let (companions, _their_locks): (Vec<Bdf>, Vec<Lock>) =
        runtime.block_on(beside).into_iter().unzip();
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
        companions,
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
                let came = go_on(host.clone(), &folder, &held.session.choice, company).await?;
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

/// The other devices of the session with the same profile, and the one at the other end of its cable. They are held as long as this one;
/// one that cannot be read is left to its own run.
async fn others(
    host: &dyn Host,
    charge: &Charge,
    session: &Session,
    names: &Names,
) -> Vec<DeviceFacts> {
    let same = session
        .devices
        .iter()
        .filter(|other| other.bdf != charge.bdf && other.profile_id == charge.profile_id);
    let cabled = session.choice.settings.opposite(charge.bdf);
    let companions = session.companions.iter().copied();
    let companion = companions.filter(|port| Some(*port) == cabled);
    let all = same.map(|other| other.bdf).chain(companion);
    let mut others = Vec::new();
    for bdf in all {
        others.extend(facts::device(host, bdf, names).await.ok());
    }
    others
}
