//! `lab`: builds and boots the virtual lab, and lets this very program certify its devices there.

mod certify;
mod machine;
mod nvme_vfs;
mod power_cut;
mod print;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use harness::nvme::Scratch;
use harness::settings::Settings;
use vm_images::{LabFault, Session};

use super::{USAGE, guest_system, output, select, signals, usage};
use machine::Machine;

/// What the bench file is called in the lab.
const BENCH_FILE: &str = "bench.toml";

#[derive(Args)]
pub(super) struct LabArgs {
    /// `shell` gives a person a root shell in the lab instead.
    #[arg(value_enum)]
    session: Option<Person>,
    /// The folder for the results.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Boot a faulty host.
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
    /// How many virtual functions the NVMe controller has, 1 to 32; with another number than the default only it is certified.
    #[arg(long, value_name = "N", default_value_t = vm_images::NVME_VFS, value_parser = clap::value_parser!(u8).range(1..=32))]
    nvme_vfs: u8,
    /// Only checks whose id matches (the verdict is then inconclusive).
    #[arg(long, value_name = "GLOB")]
    check: Vec<String>,
    /// Only devices of this shipped profile.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Only the physical function at this address in the lab; may be given several times.
    #[arg(long, value_name = "BDF", conflicts_with_all = ["power_cut", "session"])]
    device: Vec<String>,
    /// The bench file for the run in the lab; where it names no `cables`, the lab's own is added.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["power_cut", "session"])]
    bench: Option<PathBuf>,
    /// Instead cut the lab's power at so many moments of a run each, restore, and compare.
    #[arg(long, value_name = "N", conflicts_with_all = ["check", "nvme_vfs", "profile", "session"])]
    power_cut: Option<u32>,
    /// Which moments those are; another seed each time where none is given.
    #[arg(long, value_name = "NUMBER", requires = "power_cut")]
    seed: Option<u64>,
    /// Print the exact commands instead of running them: image, then QEMU.
    #[arg(long)]
    print: bool,
    /// Boot with this QEMU instead of the image's own.
    #[arg(long, value_name = "PATH")]
    qemu: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Person {
    Shell,
}

pub(super) fn run(args: &LabArgs) -> anyhow::Result<u8> {
    let fault = args.fault.as_deref().map(fault).transpose()?;
    let settings = settings(args)?;
    let copy = nvme_vfs::copy(args.nvme_vfs, args.profile.as_deref())?;
    let words = words(args, copy.as_ref())?;
    if args.print {
        return print::run(args, fault);
    }
    let out = output::folder(args.out.as_deref())?.canonicalize()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = boot(args, fault, &settings, copy.as_ref(), &words, &out) => ended,
            signal = signals::listen()? => Err(anyhow::anyhow!("stopped by {signal}; the lab was switched off")),
        }
    });
    match ended? {
        After::Exit(status) => Ok(status),
        After::Present => certify::present(&out, fault),
    }
}

/// What is left to be done once the lab is off.
enum After {
    Exit(u8),
    /// Show what became of each device. Its simulator has a clock, and so a runtime, of its own.
    Present,
}

fn fault(name: &str) -> anyhow::Result<LabFault> {
    let names: Vec<&str> = LabFault::ALL.iter().map(|fault| fault.name()).collect();
    let found = LabFault::ALL.into_iter().find(|fault| fault.name() == name);
    found.ok_or_else(|| {
        usage(format!(
            "the lab has no fault `{name}`; there are {}",
            names.join(", ")
        ))
    })
}

/// What follows `run` inside the lab.
fn words(args: &LabArgs, copy: Option<&nvme_vfs::Copy>) -> anyhow::Result<Vec<String>> {
    select::known_globs(&args.check)?;
    let mut words = ["--reboot", "--out", "/results"]
        .map(str::to_owned)
        .to_vec();
    for glob in &args.check {
        words.extend(["--check".to_owned(), glob.clone()]);
    }
    if let Some(profile) = &args.profile {
        select::shipped(profile)?;
    }
    let own = copy.map(|copy| format!("/payload/{}", copy.name));
    if let Some(profile) = own.or_else(|| args.profile.clone()) {
        words.extend(["--profile".to_owned(), profile]);
    }
    for bdf in select::devices(&args.device)? {
        words.extend(["--device".to_owned(), bdf.to_string()]);
    }
    words.extend(["--bench".to_owned(), format!("/payload/{BENCH_FILE}")]);
    Ok(words)
}

/// What stands in the bench file of the run in the lab: what the user says, and the lab's own cable. Under emulation
/// nothing is judged by how much is carried, so that without the user's word few samples do.
fn settings(args: &LabArgs) -> anyhow::Result<Settings> {
    let mut settings = match &args.bench {
        Some(path) => select::bench_file(path)?,
        None => Settings {
            stream_seconds: 1,
            stream_pairs: 2,
            soak_minutes: 0,
            ..Settings::default()
        },
    };
    guest_system::named(&settings)?;
    if settings.cables.is_empty() && settings.partners.is_empty() {
        let ends = vm_images::CABLE.map(str::parse);
        let [near, far] = ends.map(|end| end.expect("the lab's ports have addresses"));
        settings.cables.push([near, far]);
    }
    if settings.scratch_namespaces.is_empty() {
        let scratch = |nsid| Scratch {
            serial: vm_images::NVME_SERIAL.to_owned(),
            nsid,
        };
        settings.scratch_namespaces = vm_images::scratch_namespaces(args.nvme_vfs)
            .map(scratch)
            .collect();
    }
    Ok(settings)
}

async fn boot(
    args: &LabArgs,
    fault: Option<LabFault>,
    settings: &Settings,
    copy: Option<&nvme_vfs::Copy>,
    words: &[String],
    out: &Path,
) -> anyhow::Result<After> {
    let machine = Machine::ready(args, fault, out).await?;
    machine.give_text(&settings.text()?, BENCH_FILE)?;
    if let Some(copy) = copy {
        machine.give_text(&copy.text, &copy.name)?;
    }
    if let Some(system) = guest_system::named(settings)? {
        machine.give_guest(&system)?;
    }
    let status = match (args.session, args.power_cut) {
        (Some(Person::Shell), _) => shell(&machine).await,
        (None, Some(cuts)) => {
            let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
            power_cut::run(&machine, cuts, seed).await
        }
        (None, None) => match certify::run(&machine, words).await? {
            USAGE => Ok(USAGE),
            _ => return Ok(After::Present),
        },
    };
    status.map(After::Exit)
}

async fn shell(machine: &Machine) -> anyhow::Result<u8> {
    output::say(
        "a root shell follows; `poweroff` or Ctrl-a x ends the lab, the program is /payload/sriov-certify",
    );
    machine.fill("exit 0\n")?;
    let status = vm_images::shell(&machine.command(Session::Person)).await?;
    Ok(if status.success() { 0 } else { 2 })
}
