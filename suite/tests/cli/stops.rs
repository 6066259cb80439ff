//! What ends a run before its end, and what keeps it from beginning.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use crate::PROGRAM;
use crate::desk::{Desk, answer};

/// Both signals, with the second device still to come.
#[test]
fn a_signal_stops_the_run() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let desk = Desk::new();
        let mut command = desk.command(&["run", "--mock", "--fault", "no-kvm", "--out", "out"]);
        let mut program = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(program.stderr.take().unwrap());
        let mut told = String::new();
        stderr.read_line(&mut told).unwrap();
        kill(Pid::from_raw(program.id().try_into().unwrap()), signal).unwrap();
        stderr.read_to_string(&mut told).unwrap();
        let output = program.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(&format!("stopping after {signal}")), "{told}");
        let last = told.lines().last().unwrap();
        assert!(
            last.starts_with(&format!("sriov-certify: stopped by {signal} before ")),
            "{told}"
        );
        let report = desk.ask(&["report", "out"]);
        assert_eq!(report.stderr, "");
        assert_eq!(report.code, 2);
        let lines = String::from_utf8(output.stdout).unwrap().lines().count() / 2;
        let summary = fs::read_to_string(desk.path("out/summary.json")).unwrap();
        assert_eq!(summary.matches("\"bdf\"").count(), lines);
    }
}

#[test]
fn an_ordinary_user() {
    let desk = Desk::new();
    fs::set_permissions(desk.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = desk.path("sriov-certify");
    // By another process: a file that this one has open to be written, children of its other threads
    // have too, and it could not be started meanwhile (ETXTBSY).
    let copied = Command::new("cp")
        .args([Path::new(PROGRAM), &program])
        .status();
    assert!(copied.unwrap().success());
    let ask = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(args).current_dir(desk.folder());
        if geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        answer(&mut command)
    };
    let run = ask(&["run"]);
    assert_eq!((run.code, run.stdout.as_str()), (64, ""));
    assert!(
        run.stderr
            .contains("needs root: use sudo, or try `run --mock`"),
        "{run:?}"
    );
    for command in ["resume", "restore"] {
        let refusal = ask(&[command]);
        assert_eq!((refusal.code, refusal.stdout.as_str()), (64, ""));
        assert!(
            refusal.stderr.contains("needs root: use sudo"),
            "{refusal:?}"
        );
    }
    let probe = ask(&["probe"]);
    assert_eq!((probe.code, probe.stderr.as_str()), (0, ""));
    assert!(
        probe.stdout.contains("read as           an ordinary user"),
        "{}",
        probe.stdout
    );
    let json = ask(&["probe", "--json"]);
    let facts: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &facts["host"]["root"]), (0, &false.into()));
    if geteuid().is_root() {
        let out = ask(&["run", "--mock", "--out", "out"]);
        assert_eq!(out.code, 64);
        assert_eq!(
            out.stderr,
            "sriov-certify: cannot write to out: Permission denied (os error 13); choose another folder with --out\n"
        );
    }
    assert_eq!(desk.names(), ["sriov-certify"]);
}
