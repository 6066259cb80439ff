//! The command line: typed words in, an exit code out.

mod admission;
mod blocks;
mod catalogue;
mod guest_system;
mod hold;
mod lab;
mod mock;
mod output;
mod plan;
mod probe;
mod profile;
mod real;
mod report;
mod restore;
mod resume;
mod second;
mod select;
mod signals;
mod traffic;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use harness::machine::{agent, worker};
use harness::nvme::Scratch;

/// The exit code of a usage error (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// Certifies SR-IOV network adapters and NVMe controllers.
#[derive(Parser)]
#[command(name = "sriov-certify", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Certify every adapter of this machine that a profile matches.
    Run(RunArgs),
    /// Show what would run and, for each check that would not, every reason.
    Plan(Selection),
    /// Show the facts of this machine and its SR-IOV devices.
    Probe(probe::ProbeArgs),
    /// List all checks: id, what it proves, its needs, limit, findings and source.
    Checks,
    /// List all faults that a simulator can have, and which checks catch each.
    Faults,
    /// Check profiles, or print the schema of their format.
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// Render the reports of a result folder again.
    Report(report::ReportArgs),
    /// Go on with the runs that a restart of this machine has interrupted.
    Resume,
    /// Undo what runs have left that did not come to their end.
    Restore,
    /// Build (once) and boot the virtual lab, and certify its devices.
    Lab(lab::LabArgs),
    /// Send frames to a peer without IP, or answer them.
    #[command(subcommand)]
    Traffic(traffic::TrafficCommand),
    /// Write blocks to a drive that say where they belong, or read them.
    #[command(subcommand)]
    Blocks(blocks::BlocksCommand),
    /// Serve single reads and writes (used by `run`).
    #[command(hide = true)]
    Worker,
    /// Be the first process of a probe guest (used by the guests of `run`).
    #[command(hide = true)]
    Guest,
    /// Answer the machine outside in a guest system (used by the guests of `run`).
    #[command(hide = true)]
    Agent,
}

/// Which devices and which checks.
#[derive(Args, Clone)]
struct Selection {
    /// Only the physical function at this PCI address, such as 0000:01:00.0; may be given several times.
    #[arg(long, value_name = "BDF")]
    device: Vec<String>,
    /// Only devices of this profile: a shipped name, or the path of a TOML file.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Only checks whose id matches, such as `vf::*` (the verdict is then inconclusive).
    #[arg(long, value_name = "GLOB")]
    check: Vec<String>,
    /// Allow checks to restart this machine; the run goes on by itself afterwards (implied by --mock).
    #[arg(long)]
    reboot: bool,
    /// The bench file (TOML): how often checks repeat what wears out, and the guest system [default:
    /// /etc/sriov-certify/bench.toml, where there is one].
    #[arg(long, value_name = "FILE", conflicts_with = "mock")]
    bench: Option<PathBuf>,
    /// A namespace whose data may be lost, by its controller's serial number; may be given several times.
    #[arg(long, value_name = "SERIAL:NSID", conflicts_with = "mock")]
    scratch_namespace: Vec<Scratch>,
    /// Create namespaces to be overwritten, and delete them again, on drives of which none is named.
    #[arg(long, conflicts_with = "mock")]
    create_namespaces: bool,
    /// Use simulated devices: every shipped profile, or that of --profile.
    #[arg(long)]
    mock: bool,
    /// Give the simulated devices a fault (see `faults`).
    #[arg(long, value_name = "NAME", requires = "mock")]
    fault: Option<String>,
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    selection: Selection,
    /// The folder for the results.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A word on the command line, or a file it names, that cannot be used: one line, exit code 64.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Makes a usage error.
fn usage(text: impl Into<String>) -> anyhow::Error {
    Usage(text.into()).into()
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => exit_code(run(cli.command)),
        Err(error) => misused(&error),
    }
}

fn run(command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Run(args) if args.selection.mock => mock::run(&args),
        Command::Run(args) => real::run(&args),
        Command::Plan(selection) => plan::run(&selection),
        Command::Probe(args) => probe::run(&args),
        Command::Checks => catalogue::checks(),
        Command::Faults => catalogue::faults(),
        Command::Profile(command) => profile::run(&command),
        Command::Report(args) => report::run(&args),
        Command::Resume => resume::run(),
        Command::Restore => restore::run(),
        Command::Lab(args) => lab::run(&args),
        Command::Traffic(command) => traffic::run(&command),
        Command::Blocks(command) => blocks::run(command),
        Command::Worker => worker::outlive_signals()
            .and_then(|()| worker::serve(io::stdin().lock(), io::stdout().lock()))
            .map(|()| 0)
            .map_err(Into::into),
        Command::Guest => guest(),
        // Elsewhere it finds no port of ours, and ends.
        Command::Agent => agent::serve_port().map(|()| 0).map_err(Into::into),
    }
}

/// On any other machine it would mount over what is there.
fn guest() -> anyhow::Result<u8> {
    if std::process::id() != 1 {
        return Err(usage(
            "`guest` is what the first process of a probe guest runs; see `sriov-certify --help`",
        ));
    }
    agent::run()?;
    Ok(0)
}

/// What went wrong is told in one line.
fn exit_code(result: anyhow::Result<u8>) -> ExitCode {
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            output::complain(&format!("{error:#}"));
            if error.is::<Usage>() { USAGE } else { 2 }.into()
        }
    }
}

/// clap explains at length; here an error is one line that names the way out.
fn misused(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return exit_code(output::print(&error.to_string()).map(|()| 0));
    }
    let text = error.to_string();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let line = lines.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    let line = if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        "a command is missing"
    } else {
        line
    };
    output::complain(&format!("{line}; see `{} --help`", program()));
    USAGE.into()
}

fn program() -> String {
    std::env::args_os()
        .next()
        .map(OsString::into_string)
        .and_then(Result::ok)
        .map_or("sriov-certify".into(), |path| {
            PathBuf::from(&path)
                .file_name()
                .map_or(path.clone(), |name| name.to_string_lossy().into_owned())
        })
}
