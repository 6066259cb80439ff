//! How long a report takes: the `JUnit` file of 10,000 records, a tenth of them failures with evidence.

use std::fs;
use std::hint::black_box;
use std::io;

use criterion::{Criterion, criterion_group, criterion_main};
use reports::{
    Durability, Environment, Event, Finding, Identity, Journal, Outcome, Planned, Record, Remedy,
    Run, junit,
};

const RECORDS: usize = 10_000;

fn rendering(criterion: &mut Criterion) {
    let run = journal().and_then(|bytes| Run::from_journal(&bytes).map_err(io::Error::other));
    let run = run.expect("the journal was just written");
    criterion.bench_function("junit of 10,000 records", |bencher| {
        bencher.iter(|| junit(black_box(&run)));
    });
}

fn journal() -> io::Result<Vec<u8>> {
    let dir = tempfile::tempdir()?;
    let mut journal = Journal::create(dir.path(), Durability::Process, "b")?;
    journal.append(&Event::RunStarted {
        identity: identity(),
        plan: (0..RECORDS).map(planned).collect(),
    })?;
    for number in 0..RECORDS {
        journal.append(&Event::CheckStarted {
            check: check(number),
        })?;
        let text = "$ echo 7 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs".into();
        journal.append(&Event::Step {
            check: check(number),
            text,
        })?;
        journal.append(&Event::CheckEnded {
            record: record(number),
        })?;
    }
    journal.append(&Event::RunEnded {
        interrupted: None,
        left_behind: Vec::new(),
    })?;
    fs::read(dir.path().join("journal.jsonl"))
}

fn check(number: usize) -> String {
    format!("vf::create_{number}")
}

fn planned(number: usize) -> Planned {
    Planned {
        check: check(number),
        proves: "The device creates virtual functions.".into(),
        skip: None,
    }
}

fn record(number: usize) -> Record {
    let failed = number.is_multiple_of(10);
    Record {
        check: check(number),
        outcome: if failed {
            Outcome::Failed
        } else {
            Outcome::Passed
        },
        message: if failed {
            "asked for 7 VFs, found 6".into()
        } else {
            String::new()
        },
        finding: failed.then(finding),
        skip: None,
        assertions: 1,
        seconds: 0.5,
        kernel_log: vec!["igb 0000:01:00.0: 6 VFs allocated".into(); usize::from(failed)],
        notes: Vec::new(),
    }
}

fn finding() -> Finding {
    let remedy = Remedy {
        rhel: "dnf upgrade".into(),
        debian: "apt upgrade".into(),
    };
    Finding {
        code: "vf-count-short".into(),
        meaning: "It enabled fewer than it claims.".into(),
        remedy,
    }
}

fn identity() -> Identity {
    Identity {
        profile: "mock-nic".into(),
        bdf: "0000:01:00.0".into(),
        environment: Environment::Simulator,
        run_id: "r1".into(),
        started: "2026-11-22T17:13:00Z".into(),
        properties: Vec::new(),
        debian: true,
    }
}

criterion_group!(benches, rendering);
criterion_main!(benches);
