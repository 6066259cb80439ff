//! Runs for the tests of this crate.

use crate::lines::seal;
use crate::run::{Checked, Pending, Run, Sign};
use crate::{
    Entry, Environment, Event, Finding, Identity, Outcome, Planned, Record, Remedy, Skip, SkipKind,
};

/// The events as a journal, with a clock that stands still.
pub(crate) fn journal(events: &[Event]) -> Vec<u8> {
    let lines = events.iter().zip(1..).map(|(event, seq)| {
        let (boot, wall) = ("3f0c".into(), "2026-11-22T17:13:00.000Z".into());
        seal(&Entry {
            seq,
            boot,
            wall,
            mono_ms: 10 * seq,
            event: event.clone(),
        })
        .expect("plain data")
    });
    lines.collect::<String>().into_bytes()
}

/// A run with every outcome and every kind of trouble that does not end it.
pub(crate) fn rich() -> Run {
    Run::from_journal(&journal(&rich_events())).expect("a whole journal")
}

/// The same run, killed while it had virtual functions.
pub(crate) fn killed() -> Run {
    let events = rich_events();
    let at = events
        .iter()
        .position(|event| matches!(event, Event::Change { number: 2, .. }))
        .expect("a change");
    Run::from_journal(&journal(&events[..=at])).expect("the head is there")
}

/// The start of a run of one check.
pub(crate) fn start_of(check: &str) -> Event {
    let mut plan = plan();
    plan.retain(|planned| planned.check == check);
    for planned in &mut plan {
        planned.skip = None;
    }
    Event::RunStarted {
        identity: identity(),
        plan,
    }
}

pub(crate) fn rich_events() -> Vec<Event> {
    let mut events = vec![
        Event::RunStarted {
            identity: identity(),
            plan: plan(),
        },
        step("", "$ modprobe vfio-pci"),
    ];
    events.extend(create_one());
    events.extend(create_maximum());
    events.extend(broken_and_known());
    events.push(Event::RunEnded {
        interrupted: None,
        left_behind: vec!["sriov_numvfs was 0, is 4".into()],
    });
    events
}

fn create_one() -> Vec<Event> {
    let mut one = record("vf::create_one", Outcome::Passed, None);
    one.notes = vec!["create took 0.52 s".into()];
    vec![
        started("vf::create_one"),
        step(
            "vf::create_one",
            "$ cat /sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs\n7",
        ),
        change(1),
        Event::Undone {
            number: 1,
            error: None,
        },
        Event::CheckEnded { record: one },
    ]
}

fn create_maximum() -> Vec<Event> {
    let mut maximum = record("vf::create_maximum", Outcome::Failed, None);
    maximum.message = "asked for 7 VFs, found 6".into();
    maximum.finding = Some(finding());
    maximum.kernel_log = vec!["igb 0000:01:00.0: VF 6 \x1b[31mnot\x1b[0m enabled ]]>\0".into()];
    vec![
        started("vf::create_maximum"),
        change(2),
        step(
            "vf::create_maximum",
            "$ ls -d /sys/bus/pci/devices/0000:01:00.0/virtfn*",
        ),
        Event::Undone {
            number: 2,
            error: Some("device or resource busy".into()),
        },
        Event::Undone {
            number: 2,
            error: None,
        },
        Event::CheckEnded { record: maximum },
    ]
}

fn broken_and_known() -> Vec<Event> {
    let mut cycle = record("vf::cycle", Outcome::Error, None);
    cycle.message = "udevadm settle did not end within 30 s".into();
    let mut reset = record("vf::reset", Outcome::KnownIssue, None);
    reset.message = "FLR took 2.1 s".into();
    vec![
        started("vf::cycle"),
        step("vf::cycle", "$ udevadm settle --timeout=30"),
        Event::CheckEnded { record: cycle },
        started("vf::reset"),
        change(3),
        Event::Undone {
            number: 3,
            error: None,
        },
        Event::CheckEnded { record: reset },
    ]
}

fn identity() -> Identity {
    let properties = [
        ("pci ids", "8086:10c9"),
        ("driver", "igb 6.12.0"),
        (
            "warning",
            "4 or more virtual functions need firmware 7.8.17",
        ),
        ("firmware", "1.5.1"),
    ];
    Identity {
        profile: "intel-82576".into(),
        bdf: "0000:01:00.0".into(),
        environment: Environment::Lab,
        run_id: "20261122T171300Z-3f0c".into(),
        started: "2026-11-22T18:13:00+01:00".into(),
        properties: properties
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        debian: true,
    }
}

fn plan() -> Vec<Planned> {
    let checks = [
        (
            "vf::create_one",
            "The device creates one virtual function and removes it.",
            None,
        ),
        (
            "vf::create_maximum",
            "The device creates as many virtual functions as it claims.",
            None,
        ),
        (
            "vf::cycle",
            "Virtual functions can be created and removed again and again.",
            None,
        ),
        ("vf::reset", "Every virtual function can be reset.", None),
        (
            "persist::udev_rule",
            "Virtual functions are there again after a reboot.",
            Some(SkipKind::NotClaimed),
        ),
        (
            "host::vfio",
            "A virtual function can be handed to a guest.",
            Some(SkipKind::UnmetNeed),
        ),
        (
            "vf::mtu",
            "A virtual function takes the MTU of its physical function.",
            Some(SkipKind::NotSelected),
        ),
    ];
    let planned = checks.map(|(check, proves, kind)| Planned {
        check: check.into(),
        proves: proves.into(),
        skip: kind.map(skip),
    });
    planned.into()
}

fn skip(kind: SkipKind) -> Skip {
    let reasons = match kind {
        SkipKind::NotClaimed => vec!["the profile claims no persistence".into()],
        SkipKind::UnmetNeed => vec![
            "no IOMMU group".into(),
            "vfio-pci is not loaded: modprobe vfio-pci".into(),
        ],
        SkipKind::NotSelected => vec!["--check 'vf::c*' leaves it out".into()],
    };
    Skip { kind, reasons }
}

fn finding() -> Finding {
    Finding {
        code: "vf-count-short".into(),
        meaning: "The device enabled fewer virtual functions than its TotalVFs says.".into(),
        remedy: Remedy {
            rhel: "dnf upgrade linux-firmware".into(),
            debian: "apt install firmware-misc-nonfree".into(),
        },
    }
}

fn started(check: &str) -> Event {
    Event::CheckStarted {
        check: check.into(),
    }
}

fn step(check: &str, text: &str) -> Event {
    Event::Step {
        check: check.into(),
        text: text.into(),
    }
}

pub(crate) fn change(number: u32) -> Event {
    let Pending {
        number, what, undo, ..
    } = pending(number);
    Event::Change { number, what, undo }
}

pub(crate) fn pending(number: u32) -> Pending {
    let what = format!("sriov_numvfs 0 -> {number}");
    Pending {
        number,
        what,
        undo: serde_json::json!({ "write": "0" }),
        error: None,
    }
}

pub(crate) fn record(check: &str, outcome: Outcome, kind: Option<SkipKind>) -> Record {
    Record {
        check: check.into(),
        outcome,
        message: String::new(),
        finding: None,
        skip: kind.map(skip),
        assertions: 3,
        seconds: 0.75,
        kernel_log: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn checked(check: &str, outcome: Outcome, kind: Option<SkipKind>) -> Checked {
    let started = outcome != Outcome::Skipped;
    Checked {
        proves: "It works.".into(),
        record: record(check, outcome, kind),
        started,
        halfway: None,
        transcript: Vec::new(),
        measured: Vec::new(),
    }
}

/// A whole run on real hardware that ended in these ways.
pub(crate) fn run_of(outcomes: &[(Outcome, Option<SkipKind>)]) -> Run {
    let checks = outcomes
        .iter()
        .enumerate()
        .map(|(n, (outcome, kind))| checked(&format!("vf::n{n}"), *outcome, *kind));
    Run {
        identity: Identity {
            environment: Environment::Hardware,
            ..identity()
        },
        checks: checks.collect(),
        outside: Vec::new(),
        pending: Vec::new(),
        changes: 0,
        restarts: Vec::new(),
        waits: false,
        last: Sign::default(),
        interrupted: None,
        left_behind: Vec::new(),
        complete: true,
        damage: None,
    }
}
