//! Ping and echo by a cable that loses, damages and doubles what goes through it.

use std::thread;

use super::super::cable::{Fate, cable, cut, well};
use super::super::echo::{Echo, Echoed};
use super::super::window::WIDTH;
use super::*;

const HERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const THERE: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
/// Long enough for any machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn ping(sizes: Sizes) -> Ping {
    Ping {
        from: HERE,
        to: THERE,
        session: 7,
        sizes,
        at_once: WIDTH,
        at_least: Duration::ZERO,
        wait: PATIENCE,
        deadline: PATIENCE,
        until: Instant::now() + PATIENCE,
    }
}

fn sizes(smallest: u16, largest: u16) -> Sizes {
    Sizes {
        smallest,
        largest,
        step: 1,
        count: 1,
    }
}

/// What both sides came to. The echo has ended by itself.
fn both(ping: &Ping, there: Fate, back: Fate) -> (Pinged, Echoed) {
    let (mut near, mut far) = cable(there, back);
    let echo = Echo {
        mac: THERE,
        parties: 1,
        once: true,
        until: ping.until,
    };
    thread::scope(|scope| {
        let echo = scope.spawn(move || echo.run(&mut far).unwrap());
        (ping.run(&mut near).unwrap(), echo.join().unwrap())
    })
}

/// Something happens to the frame of 100 bytes.
fn to_one(mut happens: impl FnMut(Vec<u8>) -> Vec<Vec<u8>> + Send + 'static) -> Fate {
    Box::new(move |frame| match frame.len() {
        100 => happens(frame),
        _ => vec![frame],
    })
}

/// The frames around 100 bytes, with a deadline that need not be long since one of them is lost.
fn with_a_loss() -> Ping {
    Ping {
        deadline: Duration::from_secs(1),
        ..ping(sizes(90, 110))
    }
}

fn damaged(mut frame: Vec<u8>) -> Vec<Vec<u8>> {
    frame[70] ^= 0x10;
    vec![frame]
}

#[test]
fn each_frame_of_each_size_is_answered() {
    let sizes = Sizes {
        smallest: 60,
        largest: 9018,
        step: 100,
        count: 3,
    };
    let (pinged, echoed) = both(&ping(sizes), well(), well());
    assert!(pinged.is_unharmed(), "{pinged:?}");
    assert_eq!((pinged.sent, pinged.answered), (270, 270));
    assert!(echoed.ended && echoed.answered > 270, "{echoed:?}");
}

#[test]
fn all_sizes_are_sent_anew_until_the_time_is_over() {
    let at_least = Duration::from_millis(200);
    let ping = Ping {
        at_least,
        ..ping(sizes(60, 61))
    };
    let start = Instant::now();
    let (pinged, _) = both(&ping, well(), well());
    assert!(
        start.elapsed() >= at_least && pinged.is_unharmed(),
        "{pinged:?}"
    );
    assert!(
        pinged.sent > 2 && pinged.sent.is_multiple_of(2),
        "{pinged:?}"
    );
}

#[test]
fn a_loss_is_named_by_its_size() {
    for (there, back) in [(to_one(|_| vec![]), well()), (well(), to_one(|_| vec![]))] {
        let (pinged, _) = both(&with_a_loss(), there, back);
        let found = (pinged.lost.as_slice(), pinged.answered, pinged.corrupt);
        assert_eq!(found, (&[100][..], 20, 0));
    }
}

#[test]
fn damage_on_either_way_is_counted_and_the_frame_lost() {
    for (there, back) in [(to_one(damaged), well()), (well(), to_one(damaged))] {
        let (pinged, _) = both(&with_a_loss(), there, back);
        let found = (pinged.lost.as_slice(), pinged.answered, pinged.corrupt);
        assert_eq!(found, (&[100][..], 20, 1));
    }
}

#[test]
fn what_comes_twice_is_counted() {
    let twice = || to_one(|frame| vec![frame.clone(), frame]);
    for (there, back) in [(twice(), well()), (well(), twice())] {
        let (pinged, _) = both(&ping(sizes(90, 110)), there, back);
        assert_eq!((pinged.answered, pinged.duplicates), (21, 1));
        assert!(pinged.lost.is_empty() && !pinged.is_unharmed());
    }
}

#[test]
fn nobody_answers() {
    for wait in [Duration::ZERO, Duration::from_millis(30)] {
        let ping = Ping {
            wait,
            ..ping(sizes(60, 69))
        };
        let (mut near, _far) = cable(well(), cut());
        let pinged = ping.run(&mut near).unwrap();
        let expected = Pinged {
            unfinished: 10,
            ..Pinged::default()
        };
        assert_eq!(pinged, expected);
    }
}

#[test]
fn an_echo_whose_answers_are_lost_ends_all_the_same() {
    let ping = Ping {
        wait: Duration::from_millis(30),
        ..ping(sizes(60, 69))
    };
    let (pinged, echoed) = both(&ping, well(), cut());
    assert!(!pinged.reached && echoed.ended, "{pinged:?} {echoed:?}");
}

#[test]
fn an_echo_may_come_late_and_miss_most_ends() {
    let mut hellos = 0;
    let mut ends = 0;
    let there = move |frame: Vec<u8>| {
        let kind = Envelope::open(&frame).unwrap().message().unwrap().kind;
        hellos += usize::from(kind == Kind::Hello);
        ends += usize::from(kind == Kind::End);
        let arrives = hellos > 5 && (kind != Kind::End || ends == ENDS);
        arrives.then_some(frame).into_iter().collect()
    };
    let (pinged, echoed) = both(&ping(sizes(60, 69)), Box::new(there), well());
    assert!(
        pinged.is_unharmed() && echoed.ended,
        "{pinged:?} {echoed:?}"
    );
}

#[test]
fn no_more_wait_than_the_window_is_wide() {
    let mut probes = 0;
    let there = move |frame: Vec<u8>| {
        probes += usize::from(frame.len() > 60);
        assert!(probes <= 8);
        // Only hellos arrive.
        vec![frame]
            .into_iter()
            .filter(|frame| frame.len() == 60)
            .collect()
    };
    let ping = Ping {
        until: Instant::now() + Duration::from_millis(200),
        ..ping(sizes(61, 160))
    };
    let (pinged, _) = both(&ping, Box::new(there), well());
    assert_eq!((pinged.sent, pinged.unfinished), (8, 100));
}

#[test]
fn answers_of_another_session_are_not_taken() {
    let back = |frame: Vec<u8>| {
        let message = Envelope::open(&frame).unwrap().message().unwrap();
        let other = Message {
            session: message.session + 1,
            ..message
        };
        vec![other.frame(THERE, HERE), frame]
    };
    let (pinged, _) = both(&ping(sizes(60, 69)), well(), Box::new(back));
    assert!(pinged.is_unharmed(), "{pinged:?}");
}
