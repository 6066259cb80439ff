//! A run whose machine restarts, as a real one does: the process dies with it, and another one goes on. However the
//! machine comes back, and whatever has become of the journal, the answer is an honest one and nothing stays behind.

mod mortal;

use std::cell::Cell;
use std::fmt::Write;
use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures_util::FutureExt;
use harness::bench::{Bench, Log};
use harness::facts::{self, Facts};
use harness::machine::Host;
use harness::plan::Choice;
use harness::profile::{self, Profile};
use harness::run::Progress;
use harness::simulator::{Fault, Simulator};
use mortal::Mortal;
use reports::{Durability, Journal, Outcome, Run, Verdict, summary_text};
use suite::certify::{Came, Company, begin, give_up, go_on, open};
use suite::simulated::{bench_file, runtime, subject};
use suite::{checks, evidence, unit};
use tempfile::TempDir;
use tokio::sync::Notify;

/// A run that has come to its first restart, and whose process is dead.
struct Halted {
    host: Rc<Mortal>,
    facts: Rc<Facts>,
    folder: PathBuf,
    _out: TempDir,
}

/// What becomes of the machine and the journal before another process goes on.
type Meanwhile = for<'a> fn(&'a Halted) -> futures_util::future::LocalBoxFuture<'a, ()>;

impl Halted {
    async fn new(fault: Option<Fault>) -> Self {
        let (begun, came) = Self::begin(fault, &[], false).await;
        assert_eq!(came, None, "there is no restart");
        begun
    }

    /// Begins a run of these checks.
    async fn begin(fault: Option<Fault>, checks: &[&str], warns: bool) -> (Self, Option<Came>) {
        let selected = checks.iter().map(|&check| check.to_owned()).collect();
        let subject = subject(mock_nic(), fault, selected);
        let mut subject = subject.await.expect("facts");
        let host = Rc::new(Mortal {
            machine: Simulator::new(&subject.profile, fault),
            down: Notify::new(),
            kills: Cell::new(false),
            warns,
        });
        subject.host = host.clone();
        let out = tempfile::tempdir().expect("a folder");
        let (folder, identity) = open(&subject, out.path()).expect("a folder for the run");
        let mut tell = |_: Progress<'_>| ();
        let work = Box::pin(begin(&subject, &folder, identity, company(&mut tell)));
        let came = until_down(&host, work).await;
        let facts = subject.facts.clone();
        let begun = Self {
            host,
            facts,
            folder,
            _out: out,
        };
        (begun, came)
    }

    /// The machine starts again, and another process goes on until the machine goes down or the run has come to its
    /// end.
    async fn go_on(&self) -> Option<Came> {
        let mut tell = |_: Progress<'_>| ();
        let choice = Choice {
            settings: bench_file(),
            ..Choice::default()
        };
        let work = go_on(self.host.clone(), &self.folder, &choice, company(&mut tell));
        until_down(&self.host, work).await
    }

    /// Goes on until that is written down, and no further: the first write is the mark in the kernel's log.
    async fn come_back(&self) {
        self.host.kills.set(true);
        assert_eq!(self.go_on().await, None);
        let run = self.run();
        assert!(run.restarts.iter().all(|restart| restart.back.is_some()));
    }

    async fn reboot(&self) {
        self.host.machine.reboot().await.expect("a restart");
    }

    fn run(&self) -> Run {
        evidence::journal(&self.folder).expect("a journal")
    }

    /// Changes the journal behind the run's back.
    fn change(&self, change: fn(&mut Vec<u8>)) {
        let path = self.folder.join("journal.jsonl");
        let mut bytes = fs::read(&path).expect("a journal");
        change(&mut bytes);
        fs::write(&path, bytes).expect("a journal");
    }

    /// Finds the machine as it was, and one record for each check of the plan. Where the device itself is not where it
    /// was, the run has to say so.
    async fn assert_honest(&self, name: &str) {
        let run = self.run();
        assert!(run.complete && run.pending.is_empty(), "{name}");
        let records: Vec<&str> = run.records().map(|record| record.check.as_str()).collect();
        assert_eq!(records, checks::ids(), "{name}");
        let left = facts::reread(&self.host.machine, &self.facts).await;
        let left = left.map(|now| facts::compare(&self.facts, &now));
        assert_eq!(
            left.is_ok_and(|left| left.is_empty()),
            run.left_behind.is_empty(),
            "{name}"
        );
        for folder in ["/etc/udev/rules.d", "/etc/systemd/system"] {
            let names = self.host.list(folder).await.expect(name);
            assert!(
                !names.iter().any(|file| file.contains("sriov-certify")),
                "{name}: {names:?}"
            );
        }
        let enabled = "/etc/systemd/system/multi-user.target.wants/sriov-certify-resume.service";
        assert!(self.host.link(enabled).await.is_err(), "{name}");
    }
}

fn mock_nic() -> Profile {
    let mut profiles = profile::shipped(&checks::ids()).into_iter();
    profiles
        .find(|found| found.id == "mock-nic")
        .expect("a shipped profile")
}

fn company(progress: &mut dyn FnMut(Progress<'_>)) -> Company<'_> {
    Company {
        resume_unit: unit::text(Path::new("/usr/bin/sriov-certify"), Path::new("/srv")),
        stop: pending().boxed_local().shared(),
        progress,
    }
}

/// `None` where the machine took the process with it.
async fn until_down(
    host: &Mortal,
    work: impl Future<Output = anyhow::Result<Came>>,
) -> Option<Came> {
    tokio::select! {
        came = work => Some(came.expect("a run")),
        () = host.down.notified() => None,
    }
}

fn in_a_runtime(test: impl Future<Output = ()>) {
    runtime().expect("a runtime").block_on(test);
}

#[test]
fn three_processes_carry_one_run() {
    in_a_runtime(async {
        let halted = Halted::new(None).await;
        halted.reboot().await;
        assert_eq!(halted.go_on().await, None, "there is a second restart");
        let waits = evidence::render(&halted.folder).expect("a report meanwhile");
        assert_eq!(Verdict::of(&waits).0, Verdict::Inconclusive);
        assert_eq!(waits.records().count(), checks::ALL.len());
        halted.reboot().await;
        assert_eq!(halted.go_on().await, Some(Came::ToItsEnd));
        halted.assert_honest("well").await;
        let run = halted.run();
        assert_eq!(Verdict::of(&run).0, Verdict::Passed);
        let boots: Vec<_> = run
            .restarts
            .iter()
            .map(|restart| &restart.from.id)
            .collect();
        assert!(boots.len() == 2 && boots[0] != boots[1]);
        assert!(summary_text(&run).contains("RESTARTS OF THE MACHINE"));
    });
}

/// What the kernel says before a restart is not forgotten over it.
#[test]
fn a_warning_in_a_part_before_the_restart_ends_the_check() {
    in_a_runtime(async {
        let (begun, came) = Halted::begin(None, &["persist::stable"], true).await;
        assert_eq!(came, Some(Came::ToItsEnd), "nobody waits for a restart");
        begun.assert_honest("warned").await;
        let run = begun.run();
        let mut records = run.records();
        let record = records.find(|record| record.check == "persist::stable");
        let record = record.expect("a record");
        assert_eq!(record.outcome, Outcome::Failed);
        let finding = record.finding.as_ref().expect("a finding");
        assert_eq!(finding.code, "kernel-complained");
    });
}

/// Another adapter has taken the place of the one that is gone: it is nobody's to touch.
#[test]
fn nothing_is_undone_on_a_stranger() {
    in_a_runtime(async {
        let subject = subject(mock_nic(), None, Vec::new());
        let subject = subject.await.expect("facts");
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::create(folder.path(), Durability::Process, "b");
        let log = Log::new(journal.expect("a journal"));
        let (host, facts) = (subject.host.clone(), subject.facts.clone());
        let bdf = facts.device.bdf;
        let mut bench = Bench::new(host.clone(), subject.profile.clone(), facts, log);
        assert!(bench.create_vfs(2).await.is_ok());
        let mut at_second = bench.at_second().expect("a second PF");
        let second = at_second.pf();
        assert!(at_second.create_vfs(3).await.is_ok());
        drop(at_second);
        bench.is_elsewhere(bdf);
        assert_eq!(bench.undo().await.0, [""; 0]);
        for (pf, left) in [(bdf, 2), (second, 0)] {
            let sriov = facts::sriov(host.as_ref(), pf).await.expect("facts");
            assert_eq!(sriov.expect("SR-IOV").numvfs, left);
        }
    });
}

/// What was in the journal when a whole run is gone on with: nothing is to be done.
#[test]
fn a_run_at_its_end_is_left_alone() {
    in_a_runtime(async {
        let halted = Halted::new(None).await;
        assert_eq!(
            give_up(halted.host.clone(), &halted.folder)
                .await
                .expect("a run"),
            [""; 0]
        );
        halted.assert_honest("given up").await;
        let (_, why) = Verdict::of(&halted.run());
        assert!(
            why.contains("`sriov-certify restore`, while it waited for a restart"),
            "{why}"
        );
    });
}

const RETURNS: [(&str, Option<Fault>, Meanwhile); 10] = [
    ("the restart never came", None, |_| Box::pin(async {})),
    (
        "another kernel",
        Some(Fault::KernelChangesAtReboot),
        |halted| Box::pin(halted.reboot()),
    ),
    (
        "the device is gone",
        Some(Fault::DeviceGoneAfterReboot),
        |halted| Box::pin(halted.reboot()),
    ),
    (
        "the device has moved",
        Some(Fault::DeviceMovedByReboot),
        |halted| Box::pin(halted.reboot()),
    ),
    ("back twice", None, |halted| {
        Box::pin(async {
            halted.reboot().await;
            halted.come_back().await;
            halted.reboot().await;
        })
    }),
    ("back, then the process is killed", None, |halted| {
        Box::pin(async {
            halted.reboot().await;
            halted.come_back().await;
        })
    }),
    ("the journal is cut within its last line", None, |halted| {
        Box::pin(async {
            halted.change(|bytes| bytes.truncate(bytes.len() - 9));
            halted.reboot().await;
        })
    }),
    ("the journal has lost its last line", None, |halted| {
        Box::pin(async {
            halted.change(without_its_last_line);
            halted.reboot().await;
        })
    }),
    ("the same, and no restart", None, |halted| {
        Box::pin(async {
            halted.change(without_its_last_line);
        })
    }),
    ("the journal is damaged in its middle", None, |halted| {
        Box::pin(async {
            halted.change(|bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            });
            halted.reboot().await;
        })
    }),
];

fn without_its_last_line(bytes: &mut Vec<u8>) {
    bytes.pop();
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    bytes.truncate(end.expect("lines") + 1);
}

#[test]
fn each_return_has_its_own_honest_outcome() {
    let mut told = String::new();
    for (name, fault, meanwhile) in RETURNS {
        in_a_runtime(async {
            let halted = Halted::new(fault).await;
            meanwhile(&halted).await;
            assert_eq!(halted.go_on().await, Some(Came::ToItsEnd), "{name}");
            halted.assert_honest(name).await;
            let _ = writeln!(told, "{name}\n{}", outcome(&halted.run()));
        });
    }
    insta::with_settings!({filters => [
        (r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "BOOT"),
        (r"line \d+", "line N"),
        (r"asked to restart at \S+", "asked to restart at TIME"),
    ]}, { insta::assert_snapshot!(told); });
}

/// The verdict, what the checks over restarts came to, and what is not as it was.
fn outcome(run: &Run) -> String {
    let (verdict, why) = Verdict::of(run);
    let mut lines = vec![format!("{verdict:?}: {why}")];
    for record in run
        .records()
        .filter(|record| record.check.starts_with("persist::"))
    {
        let code = record
            .finding
            .as_ref()
            .map_or("", |finding| finding.code.as_str());
        lines.push(format!(
            "{} {:?} {code}: {}",
            record.check, record.outcome, record.message
        ));
    }
    lines.extend(
        run.left_behind
            .iter()
            .map(|left| format!("left behind: {left}")),
    );
    lines
        .iter()
        .fold(String::new(), |text, line| text + "  " + line + "\n")
}
