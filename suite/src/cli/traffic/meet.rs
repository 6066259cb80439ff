//! The two sides of a stream find each other before it begins: nothing of it may be lost because nobody listens yet.

use std::time::{Duration, Instant};

use anyhow::bail;
use harness::traffic::{DEADLINE, Echo, Interface, MacAddr, Ping, SMALLEST, Sizes};

use super::{broke, open};

/// How long one side waits for the other, which may have to be started on another machine.
const WAIT: Duration = Duration::from_secs(30);

/// The sender's side: asks until it is answered.
pub(super) fn call(interface: &Interface, to: MacAddr) -> anyhow::Result<()> {
    let mut wire = open(interface)?;
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
        wait: WAIT,
        deadline: DEADLINE,
        until: Instant::now() + WAIT,
    };
    if !broke(interface, ping.run(&mut wire))?.reached {
        let (name, seconds) = (&interface.name, WAIT.as_secs());
        bail!(
            "nobody at {to} has answered {name} within {seconds} s; start `traffic receive --meet` there, and see whether frames reach it"
        );
    }
    Ok(())
}

/// The receiver's side, once it listens: answers when all senders have asked, until all of them have heard it.
pub(super) fn answer(interface: &Interface, senders: u16) -> anyhow::Result<()> {
    let mut wire = open(interface)?;
    let echo = Echo {
        mac: interface.mac,
        parties: senders.into(),
        once: true,
        until: Instant::now() + WAIT,
    };
    if !broke(interface, echo.run(&mut wire))?.ended {
        let (name, seconds) = (&interface.name, WAIT.as_secs());
        bail!(
            "of {senders} senders not all have asked {name} and been answered within {seconds} s; start `traffic send --meet` on the other side, and see whether its frames come here"
        );
    }
    Ok(())
}
