//! A run whose process is killed: nobody was there to write its report.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::desk::Desk;

#[test]
fn every_planned_check_has_one_record() {
    let desk = Desk::new();
    let mut command = desk.command(&["run", "--mock", "--out", "out"]);
    let mut program = command.stdout(Stdio::null()).spawn().unwrap();
    let folder = kill_within_a_run(&mut program, &desk.path("out"));
    let report = desk.ask(&["report", folder.to_str().unwrap()]);
    assert_eq!((report.code, report.stderr.as_str()), (2, ""));
    let told = &report.stdout;
    assert!(told.contains("not started so far"), "{told}");
    let junit = fs::read_to_string(folder.join("junit.xml")).unwrap();
    let planned = suite::checks::ids();
    assert_eq!(junit.matches("<testcase ").count(), planned.len());
    for check in planned {
        let record = format!("<testcase name=\"{check}\"");
        assert_eq!(junit.matches(&record).count(), 1, "{check}: {junit}");
    }
}

/// Returns the folder of the run that was under way.
fn kill_within_a_run(program: &mut Child, out: &Path) -> PathBuf {
    let pid = Pid::from_raw(program.id().try_into().expect("a pid"));
    loop {
        assert!(
            program.try_wait().expect("a child").is_none(),
            "no run was caught"
        );
        let mut folders = Vec::new();
        find(out, &mut folders);
        let Some(folder) = folders.into_iter().find(|folder| is_under_way(folder)) else {
            continue;
        };
        kill(pid, Signal::SIGSTOP).expect("a child");
        waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("a child that stops");
        // It may have come to its end before it was stopped.
        if is_under_way(&folder) {
            program.kill().expect("a child");
            program.wait().expect("a child");
            return folder;
        }
        kill(pid, Signal::SIGCONT).expect("a child");
    }
}

/// Some checks are over, but not all.
fn is_under_way(folder: &Path) -> bool {
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap_or_default();
    journal.contains("check_ended") && !journal.contains("run_ended")
}

/// The result folders below a folder, where there are any yet.
fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    if folder.join("journal.jsonl").exists() {
        found.push(folder.to_owned());
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        find(&entry.path(), found);
    }
}
