//! Runs the lab host with a payload: every way that can end has its own name.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::BufReader;
use tokio::process::{Child, Command};

use crate::course::{Deadlines, Ended, Reaction};
use crate::error::{BenchFault, LabError};
use crate::follow::follow;
use crate::monitor::Monitor;
use crate::output::Output;
use crate::serial;

/// Runs `command` (see [`crate::command_line`]), whose console goes to `serial_log`, and gives the payload's lines to
/// `on_line` as they come. What QEMU itself says is kept beside the log, in `qemu.log`.
///
/// The lab host may restart in place when it announces it, and the answer of `on_line` may cut its power; its disks keep
/// what was written. After either the payload starts anew and finds out by itself how far it was. A restart that is
/// neither is a fault.
///
/// Dropping the future ends QEMU.
pub async fn run(
    command: &[String],
    serial_log: &Path,
    deadlines: Deadlines,
    on_line: impl FnMut(&str) -> Reaction,
) -> Result<Ended, LabError> {
    let qemu_log = serial_log.with_file_name("qemu.log");
    let ended = match start(command, serial_log, &qemu_log) {
        Ok((mut qemu, monitor)) => {
            supervise(&mut qemu, monitor, serial_log, deadlines, on_line).await
        }
        Err(error) => Err(BenchFault::Qemu(format!("{error:#}"))),
    };
    ended.map_err(|fault| explain(fault, serial_log, &qemu_log))
}

/// Starts QEMU, with logs that hold nothing of an earlier boot.
fn start(
    command: &[String],
    serial_log: &Path,
    qemu_log: &Path,
) -> anyhow::Result<(Child, Monitor)> {
    let (program, arguments) = command.split_first().context("the command is empty")?;
    let create = |path: &Path| {
        File::create(path).with_context(|| format!("cannot write {}", path.display()))
    };
    create(serial_log)?;
    let (monitor, qemus_end) = Monitor::new().context("cannot make a socket for its monitor")?;
    let qemu = Command::new(program)
        .args(arguments)
        .stdin(qemus_end)
        .stdout(Stdio::piped())
        .stderr(create(qemu_log)?)
        // A process group of its own: Ctrl-C is the caller's to handle, and QEMU must not die of it first.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    Ok((qemu, monitor))
}

/// Follows QEMU to its end and ends it where it does not end by itself.
async fn supervise(
    qemu: &mut Child,
    monitor: Monitor,
    serial_log: &Path,
    deadlines: Deadlines,
    on_line: impl FnMut(&str) -> Reaction,
) -> Result<Ended, BenchFault> {
    let Some(pipe) = qemu.stdout.take() else {
        return Err(BenchFault::Qemu("its output is not connected".into()));
    };
    let output = Output::new(BufReader::new(pipe));
    let ended = follow(output, monitor, serial_log, deadlines, on_line).await;
    if ended.is_err() {
        // It may have ended already; either way it is gone afterwards.
        let _ = qemu.kill().await;
        return ended;
    }
    match qemu.wait().await {
        Ok(status) if status.success() => ended,
        Ok(status) => Err(BenchFault::Qemu(format!("it ended with {status}"))),
        Err(error) => Err(BenchFault::Qemu(error.to_string())),
    }
}

/// Adds what the console and QEMU said: a panic on the console is the cause of whatever was seen from outside.
fn explain(fault: BenchFault, serial_log: &Path, qemu_log: &Path) -> LabError {
    let read = |path| {
        fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    };
    let console = read(serial_log);
    let panic = serial::panic_line(&console);
    let fault = match fault {
        _ if panic.is_some() => BenchFault::Panicked,
        BenchFault::Qemu(reason) => match serial::last_line(&read(qemu_log)) {
            said if said.is_empty() => BenchFault::Qemu(reason),
            said => BenchFault::Qemu(format!("{reason}: {said}")),
        },
        other => other,
    };
    let last_line = panic.unwrap_or_else(|| serial::last_line(&console));
    LabError {
        fault,
        serial_log: serial_log.to_owned(),
        last_line,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const DEADLINES: Deadlines = Deadlines {
        boot: Duration::from_secs(5),
        command: Duration::from_secs(5),
        power_off: Duration::from_secs(5),
    };

    /// What QEMU's monitor would say, at the script's standard input.
    const MONITOR: &str = r#"
        reset() { printf '{"event":"RESET","data":{"guest":%s}}\n' "$1" >&0; }
        await() { while read -r order; do case $order in *"$1"*) return;; esac; done; }
        await qmp_capabilities
    "#;

    /// Runs a shell script in QEMU's place; `$1` is the console's log.
    async fn machine(script: &str, deadlines: Deadlines) -> (Result<Ended, LabError>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let serial_log = dir.path().join("serial.log");
        let command = ["sh", "-c", script, "sh", serial_log.to_str().unwrap()].map(str::to_owned);
        let mut heard = Vec::new();
        let ended = run(&command, &serial_log, deadlines, |line| {
            heard.push(line.to_owned());
            match line {
                "cut" => Reaction::CutPowerAfter(Duration::ZERO),
                _ => Reaction::GoOn,
            }
        })
        .await;
        (ended, heard)
    }

    async fn fault_of(script: &str) -> BenchFault {
        machine(script, DEADLINES).await.0.unwrap_err().fault
    }

    #[tokio::test]
    async fn the_payload_ends_and_the_machine_powers_off() {
        let (ended, heard) =
            machine(r"printf '\036started\nhello\n\036ended 3\n'", DEADLINES).await;
        assert_eq!(ended.unwrap().status, 3);
        assert_eq!(heard, ["hello"]);
    }

    #[tokio::test]
    async fn a_panic_is_the_cause_of_whatever_follows() {
        let script = r#"printf '\036started\n'; echo '[ 9.1] Kernel panic - not syncing: corrupted stack end' >"$1"; exit 0"#;
        let error = machine(script, DEADLINES).await.0.unwrap_err();
        assert_eq!(error.fault, BenchFault::Panicked);
        assert_eq!(
            error.last_line,
            "[ 9.1] Kernel panic - not syncing: corrupted stack end"
        );
    }

    #[tokio::test]
    async fn an_announced_restart_is_followed() {
        let script = format!(
            r"{MONITOR} printf '\036started\none\n\036restarting\n'; reset true; printf '\036started\ntwo\n\036ended 0\n'"
        );
        let (ended, heard) = machine(&script, DEADLINES).await;
        assert_eq!(ended.unwrap().restarts, 1);
        assert_eq!(heard, ["one", "two"]);
    }

    #[tokio::test]
    async fn any_other_reset_is_a_fault_at_once() {
        let begin = Instant::now();
        let script = format!(r"{MONITOR} printf '\036started\n'; reset true; exec sleep 60");
        assert_eq!(fault_of(&script).await, BenchFault::Vanished);
        let panic = r#"echo 'Kernel panic - not syncing: x' >"$1""#;
        let script =
            format!(r"{MONITOR} printf '\036started\n'; {panic}; reset true; exec sleep 60");
        assert_eq!(fault_of(&script).await, BenchFault::Panicked);
        assert!(
            begin.elapsed() < DEADLINES.command,
            "the fault was seen late"
        );
    }

    #[tokio::test]
    async fn the_power_is_cut_when_the_caller_says_so() {
        let script = format!(
            r"{MONITOR} printf '\036started\ncut\nhalf a line'; await system_reset; reset false; sleep 1; printf '\036started\ntwo\n\036ended 0\n'"
        );
        let (ended, heard) = machine(&script, DEADLINES).await;
        let ended = ended.unwrap();
        assert_eq!((ended.power_cuts, ended.restarts), (1, 0));
        assert_eq!(heard, ["cut", "half a line", "two"]);
    }

    #[tokio::test]
    async fn a_refused_power_cut_is_named() {
        let refusal = r#"printf '{"error":{"desc":"no"}}\n' >&0"#;
        let script = format!(
            r"{MONITOR} printf '\036started\ncut\n'; await system_reset; {refusal}; exec sleep 60"
        );
        let BenchFault::Qemu(reason) = fault_of(&script).await else {
            panic!("another fault");
        };
        assert_eq!(reason, r#"its monitor refuses: "no""#);
    }

    #[tokio::test]
    async fn every_early_end_has_its_name() {
        assert_eq!(
            fault_of(r"printf '\036started\nhello\n'").await,
            BenchFault::Vanished
        );
        assert_eq!(
            fault_of(r"printf '\036started\n\036started\n'").await,
            BenchFault::Vanished
        );
        assert_eq!(
            fault_of(r"printf '\036started\n\036no-shares\n'").await,
            BenchFault::NoShares
        );
        assert_eq!(
            fault_of("echo could not load PC BIOS >&2; exit 1").await,
            BenchFault::Qemu(
                "it ended before the lab host had booted: could not load PC BIOS".into()
            )
        );
        assert_eq!(
            fault_of(r"printf '\036started\n\036ended 0\n'; exit 4").await,
            BenchFault::Qemu("it ended with exit status: 4".into())
        );
    }

    #[tokio::test]
    async fn a_qemu_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let command = ["/no/such/qemu".to_owned()];
        let error = run(&command, &dir.path().join("serial.log"), DEADLINES, |_| {
            Reaction::GoOn
        })
        .await
        .unwrap_err();
        let BenchFault::Qemu(reason) = error.fault else {
            panic!("{error}")
        };
        assert_eq!(
            reason,
            "cannot start /no/such/qemu: No such file or directory (os error 2)"
        );
    }

    #[tokio::test]
    async fn every_part_has_its_deadline_and_the_process_is_gone_afterwards() {
        let short = Duration::from_millis(50);
        let cases = [
            (
                "",
                Deadlines {
                    boot: short,
                    ..DEADLINES
                },
                BenchFault::NotBooted(short),
            ),
            (
                r"printf '\036started\n\036restarting\n';",
                Deadlines {
                    boot: short,
                    ..DEADLINES
                },
                BenchFault::NotBooted(short),
            ),
            (
                r"printf '\036started\n';",
                Deadlines {
                    command: short,
                    ..DEADLINES
                },
                BenchFault::NotEnded(short),
            ),
            (
                r"printf '\036started\n\036ended 1\n';",
                Deadlines {
                    power_off: short,
                    ..DEADLINES
                },
                BenchFault::NotPoweredOff {
                    status: 1,
                    deadline: short,
                },
            ),
        ];
        for (script, deadlines, expected) in cases {
            let begin = Instant::now();
            let script = format!("{script} echo still here >\"$1\"; exec sleep 60");
            let error = machine(&script, deadlines).await.0.unwrap_err();
            assert_eq!(error.fault, expected);
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "waited for the process instead of ending it"
            );
        }
    }
}
