//! A profile on its simulator: what `run --mock` and the tests have in common.

use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use harness::facts::{self, Facts};
use harness::machine::Host;
use harness::pci::Bdf;
use harness::plan::Choice;
use harness::profile::Profile;
use harness::run::Progress;
use harness::settings::{Partner, Settings};
use harness::simulator::{Fault, Simulator};
use reports::{Environment, Run};
use tempfile::TempDir;

use crate::certify::{Company, Subject, begin, open};
use crate::{evidence, unit};

/// A simulated machine wears out at once or not at all. A cable joins its two ports.
pub fn bench_file() -> Settings {
    let port = |bus| Bdf {
        domain: 0,
        bus,
        device: 0,
        function: 0,
    };
    Settings {
        guest_cycles: 3,
        cables: vec![[port(1), port(2)]],
        scratch_namespaces: Simulator::scratch_namespaces(),
        stream_seconds: 2,
        soak_minutes: 1,
        ..Settings::default()
    }
}

/// The same where the cable leads to another machine.
fn bench_file_with_a_partner() -> Settings {
    let bench = bench_file();
    let ports = bench.cables.iter().map(|[port, _]| Partner {
        port: *port,
        address: "02:00:00:00:00:fe".to_owned(),
    });
    Settings {
        partners: ports.collect(),
        cables: Vec::new(),
        ..bench
    }
}

/// The same where no namespace is named, and some are created.
pub fn bench_file_that_creates() -> Settings {
    Settings {
        scratch_namespaces: Vec::new(),
        create_namespaces: true,
        ..bench_file()
    }
}

/// Certifies a simulated device, which needs a [`runtime`] of its own.
pub async fn simulate(
    profile: Profile,
    fault: Option<Fault>,
    selected: Vec<String>,
    out: &Path,
    stop: LocalBoxFuture<'static, String>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> anyhow::Result<(Run, PathBuf)> {
    let subject = subject(profile, fault, selected).await?;
    carry_out(&subject, out, stop, progress).await
}

async fn carry_out(
    subject: &Subject,
    out: &Path,
    stop: LocalBoxFuture<'static, String>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> anyhow::Result<(Run, PathBuf)> {
    let (folder, identity) = open(subject, out)?;
    let company = Company {
        resume_unit: unit::text(Path::new("/usr/bin/sriov-certify"), out),
        stop: stop.shared(),
        progress,
    };
    begin(subject, &folder, identity, company).await?;
    Ok((evidence::render(&folder)?, folder))
}

/// As [`simulate`], with all checks and without an end before the end.
pub fn simulate_all(profile: Profile, fault: Option<Fault>, out: &Path) -> anyhow::Result<Run> {
    simulate_whole(profile, fault, |_| (), out)
}

/// As [`simulate_all`], with a partner at the other end of the cable.
pub fn simulate_with_partner(
    profile: Profile,
    fault: Option<Fault>,
    out: &Path,
) -> anyhow::Result<Run> {
    let with = |choice: &mut Choice| choice.settings = bench_file_with_a_partner();
    simulate_whole(profile, fault, with, out)
}

/// As [`simulate_all`], with namespaces that are created.
pub fn simulate_that_creates(
    profile: Profile,
    fault: Option<Fault>,
    out: &Path,
) -> anyhow::Result<Run> {
    let with = |choice: &mut Choice| choice.settings = bench_file_that_creates();
    simulate_whole(profile, fault, with, out)
}

/// As [`simulate_all`], with guests from an image.
pub fn simulate_with_image(
    profile: Profile,
    fault: Option<Fault>,
    out: &Path,
) -> anyhow::Result<Run> {
    let with = |choice: &mut Choice| choice.guest = Some(Simulator::guest_system());
    simulate_whole(profile, fault, with, out)
}

fn simulate_whole(
    profile: Profile,
    fault: Option<Fault>,
    with: impl FnOnce(&mut Choice),
    out: &Path,
) -> anyhow::Result<Run> {
    runtime()?.block_on(async {
        let mut subject = subject(profile, fault, Vec::new()).await?;
        with(&mut subject.choice);
        let mut tell = |_: Progress<'_>| ();
        let (run, _) = carry_out(&subject, out, Box::pin(pending()), &mut tell).await?;
        Ok(run)
    })
}

/// A simulated device with its facts.
pub async fn subject(
    profile: Profile,
    fault: Option<Fault>,
    selected: Vec<String>,
) -> anyhow::Result<Subject> {
    let simulator = Simulator::new(&profile, fault);
    let image = fault.is_some_and(Fault::is_of_an_image);
    let settings = if fault.is_some_and(Fault::is_of_a_partner) {
        bench_file_with_a_partner()
    } else if fault.is_some_and(Fault::is_of_creation) {
        bench_file_that_creates()
    } else {
        bench_file()
    };
    let (bdf, other) = (simulator.bdf(), simulator.second());
    let host: Rc<dyn Host> = Rc::new(simulator);
    let names = facts::names(host.as_ref()).await;
    let machine = facts::host(host.as_ref())
        .await
        .context("cannot read the simulated machine")?;
    let device = facts::device(host.as_ref(), bdf, &names)
        .await
        .context("cannot read the simulated device")?;
    let second = match other {
        Some(bdf) => Some(Box::new(facts::device(host.as_ref(), bdf, &names).await?)),
        None => None,
    };
    Ok(Subject {
        host,
        profile: Rc::new(profile),
        facts: Rc::new(Facts {
            host: machine,
            device,
            second,
        }),
        environment: Environment::Simulator,
        choice: Choice {
            selected,
            reboot: true,
            settings,
            guest: image.then(Simulator::guest_system),
        },
    })
}

/// Has a clock of its own, which leaps over every wait.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
}

/// A folder for what simulated runs leave: in memory where that is to be had, since there are many, and nobody keeps it.
pub fn scratch() -> io::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}
