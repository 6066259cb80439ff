//! From the words of a selection to profiles and devices.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use anyhow::Context;
use harness::facts::{self, DeviceFacts, Facts, HostFacts};
use harness::machine::Host;
use harness::pci::{Bdf, Names};
use harness::plan::{Choice, matches};
use harness::profile::{self, Profile};
use harness::settings::Settings;
use harness::simulator::Fault;

use super::{Selection, guest_system, usage};
use crate::checks;

/// The bench file of a machine.
const BENCH_FILE: &str = "/etc/sriov-certify/bench.toml";

/// The profiles that are to be looked for.
pub(super) fn profiles(selection: &Selection) -> anyhow::Result<Vec<Profile>> {
    let Some(wanted) = &selection.profile else {
        return Ok(profile::shipped(&checks::ids()));
    };
    let path = Path::new(wanted);
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        let loaded = profile::load(path, &checks::ids());
        return loaded
            .map(|profile| vec![profile])
            .map_err(|error| usage(error.to_string()));
    }
    shipped(wanted).map(|profile| vec![profile])
}

/// The shipped profile of that name.
pub(super) fn shipped(wanted: &str) -> anyhow::Result<Profile> {
    let shipped = profile::shipped(&checks::ids());
    let names: Vec<String> = shipped.iter().map(|profile| profile.id.clone()).collect();
    let found = shipped.into_iter().find(|profile| profile.id == wanted);
    found.ok_or_else(|| {
        usage(format!(
            "no profile `{wanted}`; there are {}",
            names.join(", ")
        ))
    })
}

/// The globs of `--check`.
pub(super) fn checks(selection: &Selection) -> anyhow::Result<Vec<String>> {
    known_globs(&selection.check)?;
    Ok(selection.check.clone())
}

/// What the user chose. On a simulator a restart costs nobody anything.
pub(super) fn choice(selection: &Selection) -> anyhow::Result<Choice> {
    let mut settings = settings(selection)?;
    settings
        .scratch_namespaces
        .extend(selection.scratch_namespace.iter().cloned());
    settings.create_namespaces |= selection.create_namespaces;
    Ok(Choice {
        selected: checks(selection)?,
        reboot: selection.reboot || selection.mock,
        guest: guest_system::named(&settings)?,
        settings,
    })
}

/// What stands in the bench file: the one that is named, or that of this machine.
fn settings(selection: &Selection) -> anyhow::Result<Settings> {
    match &selection.bench {
        Some(path) => bench_file(path),
        None if Path::new(BENCH_FILE).exists() && !selection.mock => {
            bench_file(Path::new(BENCH_FILE))
        }
        None => Ok(Settings::default()),
    }
}

/// Reads a bench file.
pub(super) fn bench_file(path: &Path) -> anyhow::Result<Settings> {
    let shown = path.display();
    let text = fs::read_to_string(path);
    let text =
        text.map_err(|error| usage(format!("cannot read the bench file {shown}: {error}")))?;
    Settings::parse(&text).map_err(|error| usage(format!("{shown}: {error}")))
}

/// Globs that select nothing would make a run that proves nothing.
pub(super) fn known_globs(globs: &[String]) -> anyhow::Result<()> {
    let idle = globs
        .iter()
        .find(|glob| !checks::ids().iter().any(|id| matches(glob, id)));
    idle.map_or(Ok(()), |glob| {
        Err(usage(format!(
            "--check `{glob}` matches no check; see `sriov-certify checks`"
        )))
    })
}

/// The profiles that are to be simulated, and the fault their simulators are to have.
pub(super) fn simulated(selection: &Selection) -> anyhow::Result<(Vec<Profile>, Option<Fault>)> {
    if !selection.device.is_empty() {
        return Err(usage(
            "--device names a real device; with --mock select one with --profile",
        ));
    }
    let fault = selection.fault.as_deref().map(Fault::from_name);
    let fault = fault
        .transpose()
        .map_err(|error| usage(error.to_string()))?;
    Ok((profiles(selection)?, fault))
}

/// The addresses of `--device`, each once.
pub(super) fn devices(words: &[String]) -> anyhow::Result<BTreeSet<Bdf>> {
    let address = |text: &String| {
        let bdf = text.parse();
        bdf.map_err(|error| usage(format!("--device {text}: {error}")))
    };
    words.iter().map(address).collect()
}

/// A device with the profile that it is to be certified by.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The claims.
    pub(super) profile: Rc<Profile>,
    /// What was read.
    pub(super) facts: Rc<Facts>,
}

/// The devices of a machine that the selection means.
pub(super) async fn candidates(
    host: &dyn Host,
    selection: &Selection,
) -> anyhow::Result<Vec<Candidate>> {
    let profiles = profiles(selection)?;
    let names = facts::names(host).await;
    let machine = facts::host(host)
        .await
        .context("cannot read the facts of this machine")?;
    let wanted = devices(&selection.device)?;
    if wanted.is_empty() {
        return all(host, &machine, &names, &profiles).await;
    }
    let mut found = Vec::new();
    for bdf in wanted {
        found.push(one(host, &machine, &names, &profiles, selection, bdf).await?);
    }
    Ok(found)
}

async fn one(
    host: &dyn Host,
    machine: &HostFacts,
    names: &Names,
    profiles: &[Profile],
    selection: &Selection,
    bdf: Bdf,
) -> anyhow::Result<Candidate> {
    let device = facts::device(host, bdf, names)
        .await
        .map_err(|error| usage(format!("--device {bdf}: {error}")))?;
    if let Some(pf) = device.physfn {
        return Err(usage(format!(
            "{bdf} is a virtual function: name its physical function, --device {pf}"
        )));
    }
    let ids = format!("{:04x}:{:04x}", device.ids.vendor, device.ids.device);
    let Some(profile) = profile::choose(profiles, &device.ids)? else {
        return Err(usage(match &selection.profile {
            Some(wanted) => format!(
                "profile {wanted} is not for {bdf} ({ids}): leave out --profile, or add these ids to its `match`"
            ),
            None => format!(
                "no profile matches {bdf} ({ids}); draft one with `sriov-certify probe --draft {bdf}` and pass it with --profile FILE"
            ),
        }));
    };
    Ok(candidate(machine, device, profile))
}

async fn all(
    host: &dyn Host,
    machine: &HostFacts,
    names: &Names,
    profiles: &[Profile],
) -> anyhow::Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for (bdf, ids) in facts::list(host).await.context("cannot list PCI devices")? {
        let Some(profile) = profile::choose(profiles, &ids)? else {
            continue;
        };
        let device = facts::device(host, bdf, names).await?;
        if device.physfn.is_none() {
            found.push(candidate(machine, device, profile));
        }
    }
    Ok(found)
}

fn candidate(machine: &HostFacts, device: DeviceFacts, profile: &Profile) -> Candidate {
    Candidate {
        profile: Rc::new(profile.clone()),
        facts: Rc::new(Facts {
            host: machine.clone(),
            device,
            second: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use harness::machine::Host;
    use harness::simulator::Simulator;

    use super::{Candidate, Selection, candidates};
    use crate::simulated::runtime;

    const PF: &str = "0000:01:00.0";
    const SECOND_PF: &str = "0000:02:00.0";
    const VF: &str = "0000:01:10.0";

    /// The devices of a machine with two 82576, the first with one VF.
    fn selected(device: &[&str], profile: Option<&str>) -> Result<Vec<Candidate>, String> {
        let selection = Selection {
            device: device.iter().map(|&bdf| bdf.to_owned()).collect(),
            profile: profile.map(str::to_owned),
            check: Vec::new(),
            reboot: false,
            mock: false,
            bench: None,
            scratch_namespace: Vec::new(),
            create_namespaces: false,
            fault: None,
        };
        runtime().unwrap().block_on(async {
            let host = Simulator::new(&super::shipped("intel-82576").unwrap(), None);
            let numvfs = format!("/sys/bus/pci/devices/{PF}/sriov_numvfs");
            host.write(&numvfs, b"1").await.unwrap();
            let selected = candidates(&host, &selection).await;
            selected.map_err(|error| {
                assert!(error.is::<super::super::Usage>(), "{error}");
                error.to_string()
            })
        })
    }

    #[test]
    fn only_physical_functions_are_selected() {
        let both = &[PF, SECOND_PF][..];
        for (device, pfs) in [
            (&[][..], both),
            (&[PF], &[PF]),
            (&[SECOND_PF, PF, PF], both),
        ] {
            let candidates = selected(device, None).unwrap();
            let bdfs = candidates.iter();
            let bdfs: Vec<_> = bdfs
                .map(|candidate| candidate.facts.device.bdf.to_string())
                .collect();
            assert_eq!(bdfs, pfs);
            assert_eq!(candidates[0].profile.id, "intel-82576");
        }
    }

    #[test]
    fn devices_that_cannot_be_certified_are_refused_with_the_way_out() {
        let refusal = |device, profile| selected(&[device], profile).unwrap_err();
        insta::assert_snapshot!(
            [
                refusal(VF, None),
                refusal("0000:01:00.7", None),
                refusal("0000:00:03.0", None),
                refusal(PF, Some("mock-nic")),
            ]
            .join("\n")
        );
    }
}
