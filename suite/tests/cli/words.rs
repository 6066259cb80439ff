//! Words on the command line that cannot be used, and those that ask for help.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::desk::Desk;

#[test]
fn words_that_mean_nothing() {
    insta::assert_snapshot!(Desk::new().refused(&[
        "frobnicate",
        "run --frob",
        "run --out",
        "run --fault link-down",
        "run --mock --mock",
        "run --mock --profile nobody",
        "run --mock --fault nothing",
        "run --mock --device 01:00.0",
        "run --mock --check vf::creat_one",
        "run --mock --check vf::* --check [",
        "plan --mock --fault nothing",
        "plan --mock --device 01:00.0",
        "plan --device zz",
        "plan --device 00:1f.9",
        "plan --device fffe:00:00.0",
        "profile",
        "profile check",
        "profile check none.toml",
        "probe --draft zz",
        "probe --draft fffe:00:00.0",
        "probe --json --draft 01:00.0",
        "probe --dump none.txt",
        "report",
        "report none",
        "report .",
        "lab --fault nothing",
        "traffic",
        "traffic echo",
        "traffic echo --interface x --seconds 0",
        "traffic ping --interface x --to zz",
        "traffic ping --interface x --to ff:ff:ff:ff:ff:ff",
        "traffic ping --interface x --to 02:00:00:00:00:01 --smallest 59",
        "traffic ping --interface x --to 02:00:00:00:00:01 --largest 9019",
        "traffic ping --interface x --to 02:00:00:00:00:01 --step 0",
        "traffic ping --interface x --to 02:00:00:00:00:01 --smallest 99 --largest 98",
    ]));
}

#[test]
fn no_word_at_all() {
    let answer = Desk::new().ask(&[""; 0]);
    assert_eq!(answer.code, 64);
    assert_eq!(
        answer.stderr,
        "sriov-certify: a command is missing; see `sriov-certify --help`\n"
    );
}

#[test]
fn words_that_are_no_text() {
    let desk = Desk::new();
    for word in [&b"--\xff"[..], b"\xff", b"--profile=\xff", b"\x1b[2J\n\n"] {
        let answer = desk.ask(&[
            OsStr::new("run"),
            OsStr::new("--mock"),
            OsStr::from_bytes(word),
        ]);
        assert_eq!(
            (answer.code, answer.stderr.lines().count()),
            (64, 1),
            "{answer:?}"
        );
        assert!(!answer.stderr.contains('\x1b'), "{answer:?}");
    }
    let out = OsStr::from_bytes(b"o\xff").to_owned();
    let args = ["run", "--mock", "--profile", "mock-nic", "--out"].map(OsString::from);
    let args = [&args[..], &[out]].concat();
    let output = desk.command(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "a folder need not be text");
}

#[test]
fn help_and_version_are_results() {
    let desk = Desk::new();
    let version = desk.ask(&["--version"]);
    assert_eq!((version.code, version.stderr.as_str()), (0, ""));
    assert_eq!(
        version.stdout,
        concat!("sriov-certify ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let help = desk.ask(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(help.stdout);
}
