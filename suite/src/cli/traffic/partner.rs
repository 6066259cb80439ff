//! `traffic echo --partner` and `traffic ask`: a machine at the other end of the cable, which does what a bench asks it to.

use std::fs;
use std::io::{self, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use clap::{Args, Parser};
use harness::traffic::{Ask, Asked, Begun, Interface, Job, MacAddr, Partner, Said, Wire};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

use super::super::{output, usage};
use super::{By, TrafficCommand, broke, find, peer, refused};

/// For how long a partner may be silent: a stream may take all of the way, for a minute at most (`stream_seconds`).
const PATIENCE: Duration = Duration::from_secs(90);
/// The same before it has anything to do.
const SHORT_PATIENCE: Duration = Duration::from_secs(10);
/// After how long nobody waits any more who has not asked.
const LEASE: Duration = Duration::from_secs(100);
/// How long the words of a call are at most, which go in one frame.
const WORDS: usize = 1000;
/// Of more flows a partner would have more to tell than fits into a pipe.
const FLOWS: u16 = 256;
/// What tells a program that it is a partner's, and which process that is.
const PARENT: &str = "SRIOV_CERTIFY_PARTNER";
/// For how long a partner does something, in seconds: what a bench waits for, and some more.
const LONGEST: u64 = 120;

#[derive(Args)]
pub(in super::super) struct AskArgs {
    #[command(flatten)]
    by: By,
    /// The address of the partner's interface.
    #[arg(long, value_name = "MAC", value_parser = peer)]
    to: MacAddr,
    /// What it does, in the words of `traffic`. `about` asks which interface it has.
    #[arg(last = true, required = true)]
    words: Vec<String>,
}

/// The words of a call, as the program that is started reads them too.
#[derive(Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    disable_help_subcommand = true
)]
struct Words {
    #[command(subcommand)]
    command: TrafficCommand,
}

/// Has a partner do something, and prints what it came to as JSON.
pub(super) fn ask(args: &AskArgs) -> anyhow::Result<u8> {
    let length: usize = args.words.iter().map(String::len).sum();
    if length > WORDS {
        return Err(usage(format!(
            "the words of a call have {length} bytes, and at most {WORDS} go in a frame; say less"
        )));
    }
    let interface = find(&args.by.interface)?;
    let mut wire = notes(&interface)?;
    let is_about = args.words == ["about"];
    let ask = Ask {
        from: interface.mac,
        to: args.to,
        number: fastrand::u64(..),
        words: args.words.clone(),
        patience: if is_about { SHORT_PATIENCE } else { PATIENCE },
        until: args.by.until(),
    };
    let (name, to) = (&interface.name, args.to);
    match broke(&interface, ask.run(&mut wire))? {
        Asked::Said(said) => {
            output::print(&serde_json::to_string(&said)?)?;
            Ok(0)
        }
        Asked::Unfinished => {
            let seconds = args.by.seconds;
            bail!(
                "the partner at {to} was not done after {seconds} s; give it longer with --seconds"
            )
        }
        Asked::Silent => {
            output::complain(&format!(
                "the partner at {to} is silent at {name}; start `traffic echo --partner` there, and see whether frames reach it"
            ));
            Ok(1)
        }
    }
}

fn notes(interface: &Interface) -> anyhow::Result<Wire> {
    Wire::for_notes(interface).map_err(|error| refused(interface, &error))
}

/// Does what benches ask, until the time is over.
pub(super) fn serve(interface: &Interface, until: Instant) -> anyhow::Result<u8> {
    let _only = only_one(interface)?;
    let mut wire = notes(interface)?;
    let mut partner = Partner {
        mac: interface.mac,
        lease: LEASE,
        goes_on: &|| Instant::now() < until,
        start: &mut |words| start(interface, words),
    };
    broke(interface, partner.run(&mut wire))?;
    Ok(0)
}

/// Two partners at one interface would answer each frame twice. The name is free again once the process has ended, however it does.
fn only_one(interface: &Interface) -> anyhow::Result<UnixListener> {
    let name = &interface.name;
    let address = SocketAddr::from_abstract_name(format!("sriov-certify-partner-{name}"))?;
    UnixListener::bind_addr(&address).map_err(|error| {
        anyhow!("{name} has a partner already, or cannot have one: {error}; end the other")
    })
}

/// A program that a partner has started ends with it, however that ends.
pub(super) fn end_with_partner() -> anyhow::Result<()> {
    let Ok(parent) = std::env::var(PARENT) else {
        return Ok(());
    };
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid().to_string() != parent {
        bail!("the partner that has started this has ended");
    }
    Ok(())
}

fn start(interface: &Interface, words: &[String]) -> Begun {
    if *words == ["about"] {
        return Err(about(interface));
    }
    let no = || Said::refused(format!("a partner does not do `{}`", words.join(" ")));
    let asked = Words::try_parse_from(words).map_err(|_| no())?;
    if !is_allowed(&asked.command, &interface.name) {
        return Err(no());
    }
    let mut command = Command::new("/proc/self/exe");
    command.arg("traffic").args(words).stdin(Stdio::null());
    command.env(PARENT, std::process::id().to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let child = child.map_err(|error| Said::refused(error.to_string()))?;
    Ok(Box::new(Running(child)))
}

/// By its own interface alone, and not for long. A partner has no partners.
fn is_allowed(command: &TrafficCommand, interface: &str) -> bool {
    let (by, more) = match command {
        TrafficCommand::Echo(args) if !args.partner => (&args.by, 0),
        TrafficCommand::Ping(args) => (&args.by, 0),
        TrafficCommand::Send(args) => args.lasts(),
        TrafficCommand::Receive(args) if args.flows() <= FLOWS => args.lasts(),
        TrafficCommand::Echo(_) | TrafficCommand::Ask(_) | TrafficCommand::Receive(_) => {
            return false;
        }
    };
    by.interface == interface && by.seconds + more <= LONGEST
}

/// What tells this machine from others, and its interface.
fn about(Interface { name, mtu, .. }: &Interface) -> Said {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let about = serde_json::json!({"name": name, "mtu": mtu, "boot": boot.trim()});
    Said {
        status: 0,
        stdout: about.to_string(),
        stderr: String::new(),
    }
}

/// A program that runs. What it prints is short, and fits into its pipes.
struct Running(Child);

impl Job for Running {
    fn ended(&mut self) -> Option<Said> {
        let status = self.0.try_wait();
        let status = status.transpose()?;
        let said = status.and_then(|status| said(&mut self.0, status));
        Some(said.unwrap_or_else(|error| Said::refused(error.to_string())))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(child: &mut Child, status: ExitStatus) -> io::Result<Said> {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    if let Some(pipe) = &mut child.stdout {
        pipe.read_to_string(&mut stdout)?;
    }
    if let Some(pipe) = &mut child.stderr {
        pipe.read_to_string(&mut stderr)?;
    }
    Ok(Said {
        status: status.code().unwrap_or(128),
        stdout,
        stderr,
    })
}
