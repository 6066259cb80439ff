//! Which devices a run holds: nobody else changes them until this process ends.

use harness::facts::{self, DeviceFacts};
use harness::lock::{Lock, LockError};
use harness::machine::Host;
use harness::pci::Bdf;
use harness::settings::Settings;

use super::select::Candidate;
use super::{output, usage};

/// A device that is ours until this process ends.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) candidate: Candidate,
    pub(super) lock: Lock,
}

/// Leaves out whatever must not be touched, by name. It is an error where nothing else remains, or
/// where the user asked for just that device.
pub(super) fn hold(
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

/// Holds the ports at the other ends of the devices' cables too, where they are free: checks may change them.
pub(super) async fn companions(
    host: &dyn Host,
    held: &[Held],
    settings: &Settings,
    lock: impl Fn(Bdf) -> Result<Lock, LockError>,
) -> Vec<(Bdf, Lock)> {
    let own = |bdf: Bdf| held.iter().any(|one| one.candidate.facts.device.bdf == bdf);
    let ports = held.iter().filter_map(|one| {
        let port = settings.opposite(one.candidate.facts.device.bdf)?;
        (!own(port)).then_some(port)
    });
    let mut companions = Vec::new();
    for port in ports {
        match companion(host, port, &lock).await {
            Ok(lock) => companions.push((port, lock)),
            Err(why) => output::complain(&format!("the cable to {port} is not used: {why}")),
        }
    }
    companions
}

async fn companion(
    host: &dyn Host,
    port: Bdf,
    lock: impl Fn(Bdf) -> Result<Lock, LockError>,
) -> Result<Lock, String> {
    // The lock first, as for a device.
    let lock = lock(port).map_err(|error| error.to_string())?;
    let names = facts::names(host).await;
    let facts = facts::device(host, port, &names).await;
    free(&facts.map_err(|error| error.to_string())?)?;
    Ok(lock)
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

/// Whether nobody uses a device.
pub(super) fn free(device: &DeviceFacts) -> Result<(), String> {
    if device.in_use.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} is in use: {}; free it, or certify another device",
        device.bdf,
        device.in_use.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use harness::pci::Bdf;
    use harness::profile;

    use harness::simulator::Simulator;

    use super::super::select;
    use super::{Candidate, Held, Lock, LockError, Settings, companions, hold};
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

    /// What is held beside a device whose cable leads to a port.
    fn beside(port: &str) -> Vec<Bdf> {
        let folder = tempfile::tempdir().unwrap();
        let held = held(vec![candidate(&[])], true).unwrap();
        let port: Bdf = port.parse().unwrap();
        let settings = Settings {
            cables: vec![[held[0].candidate.facts.device.bdf, port]],
            ..Settings::default()
        };
        let profile = select::shipped("intel-82576").unwrap();
        let lock = |bdf: Bdf| Lock::take_in(folder.path(), &bdf.to_string());
        runtime().unwrap().block_on(async {
            let host = Simulator::new(&profile, None);
            let companions = companions(&host, &held, &settings, lock).await;
            companions.into_iter().map(|(bdf, _)| bdf).collect()
        })
    }

    #[test]
    fn the_port_at_the_other_end_of_a_cable_is_held_where_there_is_one() {
        assert_eq!(beside("0000:02:00.0"), ["0000:02:00.0".parse().unwrap()]);
        assert!(beside("0000:07:00.0").is_empty());
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
