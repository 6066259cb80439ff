//! `lab`: builds and boots the virtual lab, and lets this very program certify its devices there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use vm_images::{Acceleration, Deadlines, Image, LabFault, LabSpec, Qemu, Session};

use super::{output, select, signals, usage};
use crate::certify::render;
use crate::twin;

/// Under emulation on two cores that do other work too, a boot takes a minute and all checks six.
const DEADLINES: Deadlines = Deadlines {
    boot: Duration::from_mins(5),
    command: Duration::from_mins(30),
    power_off: Duration::from_mins(2),
};

const SUMMARY: &str = "summary.json";
const CPUS: u32 = 2;
const MEMORY_MIB: u32 = 2048;

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
    /// Only checks whose id matches (the verdict is then inconclusive).
    #[arg(long, value_name = "GLOB")]
    check: Vec<String>,
    /// Only devices of this shipped profile.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
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
    let words = words(args)?;
    if args.print {
        return print(args, fault);
    }
    let out = output::folder(args.out.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let status = runtime.block_on(async {
        tokio::select! {
            status = boot(args, fault, &words, &out) => status,
            signal = signals::listen()? => Err(anyhow::anyhow!("stopped by {signal}; the lab was switched off")),
        }
    })?;
    match args.session {
        Some(Person::Shell) => Ok(status),
        None => present(&out, fault).map(|agree| if agree { status } else { status.max(2) }),
    }
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
fn words(args: &LabArgs) -> anyhow::Result<Vec<String>> {
    select::known_globs(&args.check)?;
    let mut words = vec!["--out".to_owned(), "/results".to_owned()];
    for glob in &args.check {
        words.extend(["--check".to_owned(), glob.clone()]);
    }
    if let Some(profile) = &args.profile {
        select::shipped(profile)?;
        words.extend(["--profile".to_owned(), profile.clone()]);
    }
    Ok(words)
}

/// Returns the exit status of what ran in the lab.
async fn boot(
    args: &LabArgs,
    fault: Option<LabFault>,
    words: &[String],
    out: &Path,
) -> anyhow::Result<u8> {
    let image = Image::ensure(&cache(), output::say).await?;
    let qemu = qemu(args);
    let acceleration = vm_images::choose_acceleration(&image, &qemu).await?;
    output::say(&acceleration.to_string());
    let payload = tempfile::tempdir().context("cannot make a folder for the lab's payload")?;
    fill(payload.path(), words)?;
    let out = out.canonicalize()?;
    match args.session {
        Some(Person::Shell) => {
            output::say(
                "a root shell follows; `poweroff` or Ctrl-a x ends the lab, the program is /payload/sriov-certify",
            );
            let spec = spec(fault, acceleration, payload.path(), &out, Session::Person);
            let status = vm_images::shell(&vm_images::command_line(&spec, &image, &qemu)).await?;
            Ok(if status.success() { 0 } else { 2 })
        }
        None => {
            let serial_log = out.join("serial.log");
            let spec = spec(
                fault,
                acceleration,
                payload.path(),
                &out,
                Session::Payload {
                    serial_log: serial_log.clone(),
                },
            );
            let command = vm_images::command_line(&spec, &image, &qemu);
            certify(&command, &serial_log, &out).await
        }
    }
}

/// Where the lab broke, that is said in words a script can look for: nothing is known of the devices then.
async fn certify(command: &[String], serial_log: &Path, out: &Path) -> anyhow::Result<u8> {
    let summary = out.join(SUMMARY);
    if summary.exists() {
        fs::remove_file(&summary)
            .with_context(|| format!("cannot remove the old {}", summary.display()))?;
    }
    let ended = vm_images::run(command, serial_log, DEADLINES, output::say).await;
    let ended = ended.map_err(|error| anyhow::anyhow!("the lab broke: {error}"))?;
    output::say(&format!(
        "the lab booted in {:.0} s, ran for {:.0} s and powered off in {:.0} s",
        ended.boot.as_secs_f64(),
        ended.command.as_secs_f64(),
        ended.power_off.as_secs_f64()
    ));
    u8::try_from(ended.status).context("the program in the lab was killed")
}

/// Prints what each device came to, and whether its simulator would have said the same.
fn present(out: &Path, fault: Option<LabFault>) -> anyhow::Result<bool> {
    let mut agree = true;
    for folder in folders(&out.join(SUMMARY))? {
        let folder = out.join(folder);
        let run = render(&folder)?;
        output::print(&format!(
            "{}\n    {}",
            reports::table_line(&run),
            folder.join("summary.txt").display()
        ))?;
        let differences = twin::differences(&run, fault)?;
        if differences.is_empty() {
            output::say(&format!(
                "    its simulator agrees on all {} checks",
                twin::compared(&run)
            ));
        }
        for difference in &differences {
            output::complain(&format!(
                "the simulator is wrong about {}: {difference}",
                run.identity.bdf
            ));
        }
        agree &= differences.is_empty();
    }
    Ok(agree)
}

/// The result folders that the program in the lab has listed.
fn folders(summary: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let missing = || {
        format!(
            "the program in the lab left no {}: see the lines above",
            summary.display()
        )
    };
    let text = fs::read_to_string(summary).with_context(missing)?;
    let json: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", summary.display()))?;
    let devices = json["devices"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ok(devices
        .iter()
        .filter_map(|device| device["path"].as_str())
        .map(PathBuf::from)
        .collect())
}

/// This program, and the script that the lab host runs.
fn fill(payload: &Path, words: &[String]) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("cannot find this program")?;
    fs::copy(&program, payload.join("sriov-certify"))
        .with_context(|| format!("cannot copy {}", program.display()))?;
    let run = payload.join("run");
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    fs::write(
        &run,
        format!(
            "{}exec /payload/sriov-certify run {}\n",
            include_str!("lab-payload.sh"),
            quoted.join(" ")
        ),
    )?;
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn spec(
    fault: Option<LabFault>,
    acceleration: Acceleration,
    payload: &Path,
    results: &Path,
    session: Session,
) -> LabSpec {
    LabSpec {
        faults: fault.into_iter().collect(),
        acceleration,
        memory_mib: MEMORY_MIB,
        cpus: CPUS,
        payload: payload.to_owned(),
        results: results.to_owned(),
        session,
    }
}

fn qemu(args: &LabArgs) -> Qemu {
    args.qemu.clone().map_or(Qemu::OfImage, Qemu::Program)
}

/// In the source tree the image goes where all that is built goes.
fn cache() -> PathBuf {
    PathBuf::from(if output::in_source_tree() {
        "target/lab"
    } else {
        "/var/cache/sriov-certify"
    })
}

/// Prints what would run, without running it: so whether KVM works is not tried out either.
fn print(args: &LabArgs, fault: Option<LabFault>) -> anyhow::Result<u8> {
    let image = Image::at(vm_images::image_dir(&cache()));
    let acceleration = Acceleration::Tcg {
        reason: "not tried for --print".into(),
    };
    let out = args.out.clone().unwrap_or_else(output::default_folder);
    let session = match args.session {
        Some(Person::Shell) => Session::Person,
        None => Session::Payload {
            serial_log: out.join("serial.log"),
        },
    };
    let spec = spec(fault, acceleration, Path::new("PAYLOAD"), &out, session);
    let mut commands = vm_images::build_steps(image.dir(), nix::unistd::geteuid().is_root());
    commands.push(vm_images::command_line(&spec, &image, &qemu(args)));
    for command in commands {
        output::print(
            &command
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<_>>()
                .join(" "),
        )?;
    }
    Ok(0)
}

/// As a shell wants it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=/.,:+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
