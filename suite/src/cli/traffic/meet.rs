//! The two sides of a stream find each other before it begins: nothing of it may be lost because nobody listens yet.

use std::time::{Duration, Instant};

use anyhow::bail;
use harness::traffic::{DEADLINE, Echo, Interface, MacAddr, Ping, SMALLEST, Sizes, Waiting};

use super::counters::Counters;
use super::{broke, open};

/// The sender's side: asks until it is answered, for that long at most.
pub(super) fn call(interface: &Interface, to: MacAddr, wait: Duration) -> anyhow::Result<()> {
    let before = Counters::read(&interface.name);
    let mut wire = open(interface, Waiting::Asleep)?;
    let ping = Ping {
        from: interface.mac,
        to,
        session: fastrand::u32(..),
        sizes: Sizes {
            smallest: SMALLEST,
            largest: SMALLEST,
            step: 1,
            // That it is answered is enough; others may fill the wire by then.
            count: 0,
        },
        at_once: 1,
        at_least: Duration::ZERO,
        wait,
        deadline: DEADLINE,
        until: Instant::now() + wait,
    };
    if !broke(interface, ping.run(&mut wire))?.reached {
        let (name, seconds) = (&interface.name, wait.as_secs());
        let counted = Counters::read(name).since(before);
        bail!(
            "nobody at {to} has answered {name} within {seconds} s ({counted}); start `traffic receive --meet` there, and see whether frames reach it"
        );
    }
    Ok(())
}

/// The receiver's side, once it listens: answers when all senders have asked, until all of them have heard it, for that long at most.
pub(super) fn answer(interface: &Interface, senders: u16, wait: Duration) -> anyhow::Result<()> {
    let before = Counters::read(&interface.name);
    let mut wire = open(interface, Waiting::Asleep)?;
    let echo = Echo {
        mac: interface.mac,
        parties: senders.into(),
        once: true,
        until: Instant::now() + wait,
    };
    let echoed = broke(interface, echo.run(&mut wire))?;
    if !echoed.ended {
        let (name, seconds, asked) = (&interface.name, wait.as_secs(), echoed.asked);
        let counted = Counters::read(name).since(before);
        bail!(
            "of {senders} senders {asked} have asked {name} within {seconds} s, and not all have been answered ({counted}); start `traffic send --meet` on the other side, and see whether its frames come here"
        );
    }
    Ok(())
}
