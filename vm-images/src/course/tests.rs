//! What each line and each end of QEMU means for the course.

use super::*;

const DEADLINES: Deadlines = Deadlines {
    boot: Duration::from_mins(1),
    command: Duration::from_mins(10),
    power_off: Duration::from_secs(20),
};

/// One thing that happens to a lab host.
#[derive(Clone, Copy)]
enum Event {
    Said(Mark),
    Reset(Reset),
    Cut,
}
use Event::{Cut, Said};

const STARTED: Event = Said(Mark::Started);
const RESTARTING: Event = Said(Mark::Restarting);
const ENDED: Event = Said(Mark::Ended(0));
const RESET: Event = Event::Reset(Reset::FromInside);
/// The firmware's own, which cannot be told from others.
const ECHO: Event = RESET;
const CUT: Event = Event::Reset(Reset::FromOutside);

/// What comes of `events` and the end of QEMU after them; `console` is what the lab host's kernel said.
fn course(events: &[Event], console: &str) -> Result<(u32, u32), BenchFault> {
    let dir = tempfile::tempdir().unwrap();
    let serial_log = dir.path().join("serial.log");
    fs::write(&serial_log, console).unwrap();
    let mut course = Course::new(DEADLINES, &serial_log);
    for event in events {
        happen(&mut course, *event)?;
    }
    course.end().map(|ended| (ended.restarts, ended.power_cuts))
}

fn happen(course: &mut Course<'_>, event: Event) -> Result<(), BenchFault> {
    match event {
        Said(mark) => {
            let mark = Some(mark);
            course.hear(Line { text: None, mark }, &mut |_| Reaction::GoOn)
        }
        Event::Reset(reset) => course.reset(reset),
        Cut => {
            course.cut();
            Ok(())
        }
    }
}

fn quiet(events: &[Event]) -> Result<(u32, u32), BenchFault> {
    course(events, "")
}

#[test]
fn restarts_and_power_cuts_are_counted_apart() {
    assert_eq!(quiet(&[STARTED, ENDED]), Ok((0, 0)));
    let restart = [STARTED, RESTARTING, RESET, ECHO];
    let cut = [STARTED, Cut, CUT, ECHO];
    let many = [&restart[..], &cut, &cut, &restart, &restart];
    assert_eq!(
        quiet(&[&many.concat()[..], &[STARTED, ENDED]].concat()),
        Ok((3, 2))
    );
}

#[test]
fn an_announcement_holds_for_one_reset() {
    for once_more in [
        [RESTARTING, RESET, ECHO, RESET, STARTED, ENDED],
        [RESTARTING, RESET, ECHO, STARTED, RESET, ENDED],
        [RESTARTING, RESET, STARTED, RESET, ECHO, ENDED],
    ] {
        let events = [&[STARTED], &once_more[..]].concat();
        assert_eq!(quiet(&events), Err(BenchFault::Vanished));
    }
}

#[test]
fn an_announcement_may_be_read_after_its_reset() {
    for restart in [[RESET, RESTARTING, ECHO], [RESET, ECHO, RESTARTING]] {
        let events = [&[STARTED], &restart[..], &[STARTED, ENDED]].concat();
        assert_eq!(quiet(&events), Ok((1, 0)));
    }
}

#[test]
fn a_reset_nobody_announces_is_a_fault_in_every_phase() {
    for before in [&[][..], &[STARTED], &[STARTED, ENDED]] {
        let mut course = Course::new(DEADLINES, Path::new("/no/console"));
        for event in before {
            happen(&mut course, *event).unwrap();
        }
        happen(&mut course, RESET).unwrap();
        let (limit, fault) = course.limit();
        assert_eq!(fault, BenchFault::Vanished);
        assert!(limit <= Instant::now() + WIRES);
    }
}

#[test]
fn a_restart_may_come_before_the_payload_starts() {
    assert_eq!(quiet(&[RESTARTING, RESET, STARTED, ENDED]), Ok((1, 0)));
}

#[test]
fn the_power_may_go_in_every_phase_before_the_end() {
    for before in [&[][..], &[STARTED], &[STARTED, RESTARTING]] {
        let restarts = u32::from(before.len() == 2);
        let events = [before, &[Cut, CUT, STARTED, ENDED]].concat();
        assert_eq!(quiet(&events), Ok((restarts, 1)));
    }
}

#[test]
fn marks_of_a_machine_that_loses_its_power_do_not_count() {
    for late in [STARTED, RESTARTING, ENDED] {
        assert_eq!(
            quiet(&[STARTED, Cut, late, CUT, STARTED, ENDED]),
            Ok((0, 1))
        );
    }
}

#[test]
fn a_restart_that_coincides_with_a_power_cut_is_no_fault() {
    for resets in [&[RESET][..], &[RESET, CUT], &[CUT]] {
        let events = [&[STARTED, RESTARTING, Cut], resets, &[STARTED, ENDED]].concat();
        assert_eq!(quiet(&events), Ok((1, 1)));
    }
}

#[test]
fn a_panic_on_the_way_down_is_no_restart() {
    let panic = "[ 9.1] Kernel panic - not syncing: Attempted to kill init!";
    let events = [STARTED, RESTARTING, RESET, STARTED, ENDED];
    assert_eq!(course(&events, panic), Err(BenchFault::Panicked));
    assert_eq!(quiet(&events), Ok((1, 0)));
}

#[test]
fn an_early_end_is_a_fault() {
    assert!(matches!(quiet(&[]), Err(BenchFault::Qemu(_))));
    for events in [
        &[STARTED][..],
        &[STARTED, RESTARTING, RESET],
        &[STARTED, Cut],
    ] {
        assert_eq!(quiet(events), Err(BenchFault::Vanished));
    }
}

#[test]
fn restarts_do_not_prolong_the_payload() {
    let short = Deadlines {
        command: Duration::ZERO,
        ..DEADLINES
    };
    let mut course = Course::new(short, Path::new("serial.log"));
    assert_eq!(course.limit().1, BenchFault::NotBooted(DEADLINES.boot));
    course.mark(Mark::Started).unwrap();
    assert_eq!(course.limit().1, BenchFault::NotEnded(Duration::ZERO));
    course.mark(Mark::Restarting).unwrap();
    assert_eq!(course.limit().1, BenchFault::NotEnded(Duration::ZERO));
}

#[test]
fn no_power_is_cut_after_the_end() {
    let mut course = Course::new(DEADLINES, Path::new("serial.log"));
    course.mark(Mark::Started).unwrap();
    for mark in [Some(Mark::Ended(0)), None] {
        let text = Some("soon".into());
        let mut cut = |_: &str| Reaction::CutPowerAfter(Duration::from_secs(1));
        course.hear(Line { text, mark }, &mut cut).unwrap();
        assert_eq!(course.cut_at, None);
    }
}

#[test]
fn a_cut_that_is_still_to_come_can_be_had_at_once() {
    let mut course = Course::new(DEADLINES, Path::new("serial.log"));
    course.mark(Mark::Started).unwrap();
    let hear = |course: &mut Course<'_>, reaction| {
        let (text, mark) = (Some("a line".into()), None);
        course
            .hear(Line { text, mark }, &mut |_: &str| reaction)
            .unwrap();
        course.cut_at
    };
    assert_eq!(hear(&mut course, Reaction::CutPowerByNow), None);
    let later = hear(
        &mut course,
        Reaction::CutPowerAfter(Duration::from_hours(1)),
    );
    assert!(hear(&mut course, Reaction::CutPowerByNow) < later);
    course.cut();
    assert_eq!(hear(&mut course, Reaction::CutPowerByNow), None);
}
