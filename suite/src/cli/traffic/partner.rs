//! `traffic echo --partner` and `traffic ask`: a machine at the other end of the cable, which does what a bench asks it to.

use std::fs;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, Parser};
use harness::traffic::{Ask, Begun, Interface, Job, MacAddr, Partner, Said, Waiting};

use super::super::output;
use super::{By, TrafficCommand, broke, find, open, peer};

/// For how long a partner may be silent: frames at full rate may take all of the way for some time.
const PATIENCE: Duration = Duration::from_secs(30);
/// For how long a partner does something: what a bench waits for, and some more.
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
    let interface = find(&args.by.interface)?;
    let mut wire = open(&interface, Waiting::Asleep)?;
    let ask = Ask {
        from: interface.mac,
        to: args.to,
        number: fastrand::u64(..),
        words: args.words.clone(),
        patience: PATIENCE,
        until: args.by.until(),
    };
    let Some(said) = broke(&interface, ask.run(&mut wire))? else {
        let (name, to) = (&interface.name, args.to);
        output::complain(&format!(
            "the partner at {to} is silent at {name}; start `traffic echo --partner` there, and see whether frames reach it"
        ));
        return Ok(1);
    };
    output::print(&serde_json::to_string(&said)?)?;
    Ok(0)
}

/// Does what benches ask, until the time is over.
pub(super) fn serve(interface: &Interface, until: Instant) -> anyhow::Result<u8> {
    let mut wire = open(interface, Waiting::Asleep)?;
    let mut partner = Partner {
        mac: interface.mac,
        goes_on: &|| Instant::now() < until,
        start: &mut |words| start(interface, words),
    };
    let count = broke(interface, partner.run(&mut wire))?;
    output::print(&format!("was asked {count} things"))?;
    Ok(0)
}

fn start(interface: &Interface, words: &[String]) -> Begun {
    if *words == ["about"] {
        return Err(about(interface));
    }
    let refused = || Said::refused(format!("a partner does not do `{}`", words.join(" ")));
    let asked = Words::try_parse_from(words).map_err(|_| refused())?;
    if !is_allowed(&asked.command, &interface.name) {
        return Err(refused());
    }
    let mut command = Command::new("/proc/self/exe");
    command.arg("traffic").args(words).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let child = child.map_err(|error| Said::refused(error.to_string()))?;
    Ok(Box::new(Running(child)))
}

/// By its own interface alone, and not for long. A partner has no partners.
fn is_allowed(command: &TrafficCommand, interface: &str) -> bool {
    let by = match command {
        TrafficCommand::Echo(args) if !args.partner => &args.by,
        TrafficCommand::Ping(args) => &args.by,
        TrafficCommand::Send(args) => args.by(),
        TrafficCommand::Receive(args) => args.by(),
        TrafficCommand::Echo(_) | TrafficCommand::Ask(_) => return false,
    };
    by.interface == interface && by.seconds <= LONGEST
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
