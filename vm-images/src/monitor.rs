//! The wire to QEMU's monitor: tells when the machine was reset, and cuts its power.
//!
//! Source: QEMU, docs/interop/qmp-spec.rst (JSON objects, one a line) and qapi/run-state.json (event `RESET`).

use std::future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::error::BenchFault;

/// QEMU's options for it. The socket is QEMU's standard input: no path to choose or to clean up, and nobody else reaches it.
pub(crate) const OPTIONS: &str =
    "-chardev socket,id=monitor,fd=0 -mon chardev=monitor,mode=control";

/// Who reset the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    /// Its own system, or a triple fault of its processor.
    FromInside,
    /// A command at this monitor.
    FromOutside,
}

/// Our end.
pub(crate) struct Monitor {
    lines: Lines<BufReader<OwnedReadHalf>>,
    orders: OwnedWriteHalf,
}

impl Monitor {
    /// Makes the wire; the second is QEMU's end.
    pub(crate) fn new() -> io::Result<(Self, OwnedFd)> {
        let (ours, qemus) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (read, orders) = UnixStream::from_std(ours)?.into_split();
        let lines = BufReader::new(read).lines();
        Ok((Self { lines, orders }, qemus.into()))
    }

    /// Makes QEMU listen: until then it says nothing and takes no other order.
    pub(crate) async fn open(&mut self) {
        self.order("qmp_capabilities").await;
    }

    /// Takes the power from the machine and gives it back: its memory is lost, its disks keep what has reached them.
    pub(crate) async fn cut_power(&mut self) {
        self.order("system_reset").await;
    }

    /// Waits for the next reset; may be cancelled. When QEMU is gone, none comes: its end shows at its output.
    pub(crate) async fn reset(&mut self) -> Result<Reset, BenchFault> {
        while let Ok(Some(line)) = self.lines.next_line().await {
            if let Some(reset) = parse(&line)? {
                return Ok(reset);
            }
        }
        future::pending().await
    }

    async fn order(&mut self, name: &str) {
        let order = format!("{{\"execute\":\"{name}\"}}\n");
        // Fails when QEMU is gone, and then its output has ended.
        let _ = self.orders.write_all(order.as_bytes()).await;
    }
}

/// The reset a message tells of, if it does; an order that QEMU refuses is an error.
fn parse(line: &str) -> Result<Option<Reset>, BenchFault> {
    let message: Value = serde_json::from_str(line)
        .map_err(|error| BenchFault::Qemu(format!("its monitor says `{line}`: {error}")))?;
    if let Some(refusal) = message.get("error") {
        return Err(BenchFault::Qemu(format!(
            "its monitor refuses: {}",
            refusal["desc"]
        )));
    }
    Ok((message["event"] == "RESET").then(|| {
        if message["data"]["guest"] == true {
            Reset::FromInside
        } else {
            Reset::FromOutside
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As QEMU 11.1 writes them.
    const GREETING: &str = r#"{"QMP": {"version": {"qemu": {"micro": 3, "minor": 1, "major": 11}, "package": ""}, "capabilities": ["oob"]}}"#;

    #[test]
    fn resets_are_told_by_who_made_them() {
        let inside = r#"{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESET", "data": {"guest": true, "reason": "guest-reset"}}"#;
        let outside = r#"{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESET", "data": {"guest": false, "reason": "host-qmp-system-reset"}}"#;
        assert_eq!(parse(inside), Ok(Some(Reset::FromInside)));
        assert_eq!(parse(outside), Ok(Some(Reset::FromOutside)));
    }

    #[test]
    fn other_messages_are_no_reset() {
        let event = r#"{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "VSERPORT_CHANGE", "data": {"open": true, "id": "port"}}"#;
        for line in [GREETING, r#"{"return": {}}"#, event] {
            assert_eq!(parse(line), Ok(None));
        }
    }

    #[test]
    fn a_refused_order_is_an_error() {
        let refusal =
            r#"{"error": {"class": "GenericError", "desc": "This is not a valid command"}}"#;
        assert_eq!(
            parse(refusal),
            Err(BenchFault::Qemu(
                "its monitor refuses: \"This is not a valid command\"".into()
            ))
        );
        assert!(parse("not json").is_err());
    }
}
