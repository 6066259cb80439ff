//! Signals that ask this process to stop.

use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::select_all;
use tokio::signal::unix::{SignalKind, signal};

use super::output;
use crate::certify::Stop;

/// Listens from now on, so that a signal between two devices is not lost.
pub(super) fn listen() -> anyhow::Result<Stop> {
    let signals = [
        (SignalKind::interrupt(), "SIGINT"),
        (SignalKind::terminate(), "SIGTERM"),
        (SignalKind::hangup(), "SIGHUP"),
    ];
    let mut received = Vec::new();
    for (kind, name) in signals {
        let mut signals = signal(kind).with_context(|| format!("cannot wait for {name}"))?;
        received.push(Box::pin(async move {
            signals.recv().await;
            name
        }));
    }
    let first = async move {
        let name = select_all(received).await.0;
        output::say(&format!("stopping after {name}"));
        name.to_owned()
    };
    Ok(first.boxed_local().shared())
}

/// Refuses to begin with a device once this process is to stop.
pub(super) fn go_on(stop: &Stop, device: &str) -> anyhow::Result<()> {
    match stop.clone().now_or_never() {
        None => Ok(()),
        Some(signal) => {
            anyhow::bail!("stopped by {signal} before {device}: run it again for the rest")
        }
    }
}
