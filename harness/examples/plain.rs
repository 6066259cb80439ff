//! Receives as the documentation of pnet shows, with nothing set: what `peers/measure` calls pnet's own.
//!
//! `plain IF SECONDS` counts the frames of the second experimental ethertype until none has come for a second, and prints how
//! many there were as JSON.

use std::io::Write;
use std::time::{Duration, Instant};

use pnet_datalink::{Channel, Config, DataLinkReceiver, channel, interfaces};

/// Local Experimental Ethertype 2 of IEEE 802.
const ETHERTYPE: [u8; 2] = [0x88, 0xb6];
const SILENCE: Duration = Duration::from_secs(1);

fn main() {
    let mut words = std::env::args().skip(1);
    let (Some(name), Some(seconds)) = (words.next(), words.next()) else {
        panic!("plain IF SECONDS");
    };
    let interface = interfaces().into_iter().find(|it| it.name == name);
    let config = Config {
        // Else it would not end.
        read_timeout: Some(Duration::from_millis(100)),
        ..Config::default()
    };
    let opened = channel(&interface.expect("an interface"), config);
    let Ok(Channel::Ethernet(_, mut source)) = opened else {
        panic!("no channel: run it as root");
    };
    let limit = Duration::from_secs(seconds.parse().expect("a number"));
    let received = count(source.as_mut(), Instant::now() + limit);
    let told = format!("{{\"tally\":{{\"received\":{received}}}}}\n");
    std::io::stdout()
        .write_all(told.as_bytes())
        .expect("a reader");
}

fn count(source: &mut dyn DataLinkReceiver, until: Instant) -> u64 {
    let (mut received, mut last) = (0, None);
    while Instant::now() < until && last.is_none_or(|last: Instant| last.elapsed() < SILENCE) {
        let Ok(frame) = source.next() else {
            continue;
        };
        if frame.get(12..14) == Some(&ETHERTYPE) {
            received += 1;
            last = Some(Instant::now());
        }
    }
    received
}
