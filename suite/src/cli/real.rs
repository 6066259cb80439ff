//! `run` on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context;
use futures_util::FutureExt;
use harness::facts::{self, DeviceFacts, Facts};
use harness::lock::{Lock, LockError};
use harness::machine::{Host, Local};
use harness::pci::Bdf;
use harness::run::Progress;
use nix::unistd::geteuid;
use reports::Run;

use super::select::Candidate;
use super::{RunArgs, output, select, signals, usage};
use crate::certify::{Subject, certify};

pub(super) fn run(args: &RunArgs) -> anyhow::Result<u8> {
    if !geteuid().is_root() {
        return Err(usage(
            "certifying changes the device, which needs root: use sudo, or try `run --mock`",
        ));
    }
    let selected = select::checks(&args.selection)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let host = this_host()?;
        let candidates = select::candidates(host.as_ref(), &args.selection).await?;
        let named = args.selection.device.is_some();
        let held = hold(candidates, named, Lock::take)?;
        let out = output::folder(args.out.as_deref())?;
        let mut runs = Vec::new();
        let ended = certify_all(&host, held, &selected, &out, &mut runs).await;
        output::conclude(&out, runs, ended)
    })
}

/// This machine, with this program as its worker.
pub(super) fn this_host() -> anyhow::Result<Rc<dyn Host>> {
    let program = std::env::current_exe().context("cannot find this program")?;
    Ok(Rc::new(Local::new(vec![
        program.into(),
        OsString::from("worker"),
    ])))
}

/// A device that is ours until this process ends.
#[derive(Debug)]
struct Held {
    candidate: Candidate,
    _lock: Lock,
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
    Ok(Held {
        candidate,
        _lock: lock,
    })
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

async fn certify_all(
    host: &Rc<dyn Host>,
    held: Vec<Held>,
    selected: &[String],
    out: &Path,
    runs: &mut Vec<(Run, PathBuf)>,
) -> anyhow::Result<()> {
    let stop = signals::listen()?;
    for Held { candidate, _lock } in held {
        let bdf = candidate.facts.device.bdf.to_string();
        signals::go_on(&stop, &bdf)?;
        let subject = subject(host, candidate, selected).await?;
        let mut tell = |progress: Progress<'_>| output::tell(&bdf, &progress);
        runs.push(certify(subject, out, stop.clone().boxed_local(), &mut tell).await?);
    }
    Ok(())
}

/// Looks at the device again: until it was ours, others may have changed it.
async fn subject(
    host: &Rc<dyn Host>,
    candidate: Candidate,
    selected: &[String],
) -> anyhow::Result<Subject> {
    let Candidate { profile, facts } = candidate;
    let names = facts::names(host.as_ref()).await;
    let device = facts::device(host.as_ref(), facts.device.bdf, &names).await?;
    free(&device).map_err(usage)?;
    Ok(Subject {
        host: host.clone(),
        profile,
        environment: facts::environment(&facts.host, &device),
        facts: Rc::new(Facts {
            host: facts.host.clone(),
            device,
        }),
        selected: selected.to_vec(),
    })
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
        let lock = |bdf| Lock::take_in(folder.path(), bdf);
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
            let holder = "4711".to_owned();
            Err(LockError::Held { bdf, holder })
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
                Lock::take_in(folder.path(), bdf)
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
