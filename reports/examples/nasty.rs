//! Writes the result folder of a run whose evidence has broken report readers before, for `.ci/junit-accepts`:
//! `cargo run -p reports --example nasty DIR`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use reports::{
    Durability, Environment, Event, Finding, Identity, Journal, Outcome, Planned, Record, Remedy,
    Run, Skip, SkipKind, summary_json, write_file, write_reports,
};

/// ESC, NUL, the end of a CDATA section, characters XML 1.0 forbids or terminals obey, lone carriage returns, markup.
const NASTY: &str = "\x1b[31mred\x1b[0m \0 ]]> ]]]]>> \u{ffff}\u{fffe} \u{9b}31m \x07\x7f a\tb\rc\r\nd <b a='x' c=\"y\">&amp;&#0;<!-- --></b>";

fn main() -> io::Result<()> {
    let Some(out) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other(
            "no folder was given: cargo run -p reports --example nasty DIR",
        ));
    };
    let folder = Path::new("nasty/0000:01:00.0/r1");
    let dir = out.join(folder);
    fs::create_dir_all(&dir)?;
    let mut journal = Journal::create(&dir, Durability::Process, "an example")?;
    for event in events() {
        journal.append(&event)?;
    }
    let run = Run::from_journal(&fs::read(dir.join("journal.jsonl"))?).map_err(io::Error::other)?;
    write_reports(&dir, &run)?;
    write_file(
        &out.join("summary.json"),
        &summary_json(&[(run, folder.to_owned())]),
    )
}

fn events() -> Vec<Event> {
    let outcomes = [
        Outcome::Passed,
        Outcome::Failed,
        Outcome::Error,
        Outcome::KnownIssue,
    ];
    let mut plan: Vec<_> = outcomes
        .iter()
        .map(|outcome| planned(id(*outcome), None))
        .collect();
    let kinds = [
        SkipKind::NotClaimed,
        SkipKind::UnmetNeed,
        SkipKind::NotSelected,
    ];
    plan.extend(kinds.map(|kind| {
        let check = format!("vf::{}", kind.words().replace(' ', "_"));
        planned(
            check,
            Some(Skip {
                kind,
                reasons: vec![NASTY.into(), "and more".into()],
            }),
        )
    }));
    let mut events = vec![Event::RunStarted {
        identity: identity(),
        plan,
    }];
    events.extend(outcomes.into_iter().flat_map(check));
    events.push(Event::RunEnded {
        interrupted: None,
        left_behind: vec![NASTY.into()],
    });
    events
}

fn id(outcome: Outcome) -> String {
    format!("vf::{}", outcome.key())
}

fn planned(check: String, skip: Option<Skip>) -> Planned {
    Planned {
        check,
        proves: NASTY.into(),
        skip,
    }
}

fn check(outcome: Outcome) -> [Event; 3] {
    [
        Event::CheckStarted { check: id(outcome) },
        Event::Step {
            check: id(outcome),
            text: format!("$ cat /dev/ttyS0\n{NASTY}"),
        },
        Event::CheckEnded {
            record: record(outcome),
        },
    ]
}

fn record(outcome: Outcome) -> Record {
    let remedy = Remedy {
        rhel: NASTY.into(),
        debian: "look at it".into(),
    };
    Record {
        check: id(outcome),
        outcome,
        message: NASTY.into(),
        finding: Some(Finding {
            code: NASTY.into(),
            meaning: NASTY.into(),
            remedy,
        }),
        skip: None,
        assertions: 1,
        seconds: 1.001,
        kernel_log: vec![NASTY.into()],
        notes: vec![NASTY.into()],
    }
}

fn identity() -> Identity {
    Identity {
        profile: "nasty".into(),
        bdf: "0000:01:00.0".into(),
        environment: Environment::Simulator,
        run_id: "r1".into(),
        started: "2026-11-22T17:13:00Z".into(),
        properties: vec![
            ("serial".into(), NASTY.into()),
            (NASTY.into(), "value".into()),
        ],
        debian: false,
    }
}
