//! Where results go, and what happens where they cannot.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use crate::desk::{Desk, answer};
use crate::{MOCK, PROGRAM};

#[test]
fn a_pass_and_a_rejection() {
    let desk = Desk::new();
    let passed = desk.ask(&MOCK);
    assert_eq!((passed.code, passed.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(without_run_id(&passed.stdout));
    let rejected = desk.ask(&[&MOCK[..], &["--fault", "link-down"]].concat());
    assert_eq!(rejected.code, 1);
    insta::assert_snapshot!(without_run_id(&format!(
        "{}---\n{}",
        rejected.stdout, rejected.stderr
    )));
    assert!(
        !rejected.stderr.contains('\x1b'),
        "colour without a terminal"
    );
    let runs = fs::read_dir(desk.path("out/mock-nic/0000:01:00.0")).unwrap();
    assert_eq!(runs.count(), 2, "the second run keeps the first");
    let summary = fs::read(desk.path("out/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(summary["devices"][0]["verdict"], "rejected");
    let folder = desk
        .path("out")
        .join(summary["devices"][0]["path"].as_str().unwrap());
    assert!(folder.join("junit.xml").is_file());
    let again = desk.ask(&["report", "out"]);
    assert_eq!(again.code, 1, "the worst of both");
}

/// The run's id is the folder below the device's; the time a check takes on the simulator is its own.
fn without_run_id(text: &str) -> String {
    let mut parts = text.split("0000:01:00.0/");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (_, rest) = part.split_once('/').expect("a folder");
        format!("{text}0000:01:00.0/RUN/{rest}")
    })
}

#[test]
fn nobody_reads_on() {
    let desk = Desk::new();
    let closed = |args: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = desk
            .command(args)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(closed(&["checks"]), (Some(0), String::new()));
    assert_eq!(closed(&MOCK), (Some(0), String::new()));
    let (code, _) = closed(&[&MOCK[..], &["--fault", "link-down"]].concat());
    assert_eq!(
        code,
        Some(1),
        "a closed pipe must not turn a rejection into a pass"
    );
}

#[test]
fn results_that_cannot_be_written() {
    let desk = Desk::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let answer = answer(desk.command(&["checks"]).stdout(full));
    assert_eq!(answer.code, 2);
    assert_eq!(
        answer.stderr,
        "sriov-certify: cannot write to the standard output: No space left on device (os error 28)\n"
    );
}

#[test]
fn an_out_that_takes_nothing() {
    let desk = Desk::new();
    desk.file("file", "");
    insta::assert_snapshot!(desk.refused(&[
        "run --mock --out file",
        "run --mock --out file/below",
        "run --mock --out /dev/full",
        "run --mock --out /proc/none",
    ]));
}

/// A limit on the size of files is a disk that becomes full in the middle of a run.
#[test]
fn a_disk_that_becomes_full() {
    let desk = Desk::new();
    let limited = |blocks: u32| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script, PROGRAM])
            .args(MOCK)
            .current_dir(desk.folder());
        answer(&mut shell)
    };
    let mut cut = 0;
    for blocks in (50..400).step_by(30) {
        let answer = limited(blocks);
        let last = answer.stderr.lines().last().unwrap_or_default();
        assert_eq!(answer.code, 2, "{blocks}: {answer:?}");
        assert!(last.contains("cannot take line"), "{blocks}: {last}");
        assert!(
            last.contains("File too large") && last.contains("--out"),
            "{blocks}: {last}"
        );
        if !last.contains("take line 1:") {
            assert!(
                last.ends_with("; the bench was left as it was found"),
                "{blocks}: {last}"
            );
            cut += 1;
        }
    }
    assert!(cut > 5, "the disk was full only {cut} times in the middle");
}
