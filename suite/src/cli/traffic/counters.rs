//! What the kernel counts of an interface, for whoever asks why nothing came.

use std::fmt;
use std::fs;

/// Counters of an interface, as they are now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    /// Whether it has a link, where the kernel says so.
    link: Option<bool>,
    sent: u64,
    dropped: u64,
    received: u64,
}

impl Counters {
    /// Source: Linux Documentation/ABI/testing/sysfs-class-net and sysfs-class-net-statistics. What cannot be read counts as 0.
    pub(super) fn read(interface: &str) -> Self {
        let text = |file: &str| fs::read_to_string(format!("/sys/class/net/{interface}/{file}"));
        let count = |name: &str| {
            let text = text(&format!("statistics/{name}")).unwrap_or_default();
            text.trim().parse().unwrap_or(0)
        };
        Self {
            link: text("carrier").ok().map(|carrier| carrier.trim() == "1"),
            sent: count("tx_packets"),
            dropped: count("tx_dropped"),
            received: count("rx_packets"),
        }
    }

    /// What was counted since then.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            link: self.link,
            sent: self.sent.saturating_sub(before.sent),
            dropped: self.dropped.saturating_sub(before.dropped),
            received: self.received.saturating_sub(before.received),
        }
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = match self.link {
            Some(true) => "a link",
            Some(false) => "no link",
            None => "a link that nobody knows of",
        };
        let Self {
            sent,
            dropped,
            received,
            ..
        } = self;
        write!(
            f,
            "it has {link}, and meanwhile it sent {sent} frames, dropped {dropped} and received {received}"
        )
    }
}
