//! Brings back a network interface.

use std::io;

use super::command;
use crate::facts;
use crate::machine::Host;
use crate::pci::Bdf;

/// Up or down, and the MTU.
pub(super) async fn restore_link(host: &dyn Host, bdf: Bdf, up: bool, mtu: u32) -> io::Result<()> {
    // The first, as the bench changes no other.
    let Some(net) = facts::net(host, bdf).await?.into_iter().next() else {
        return Ok(());
    };
    if net.mtu != mtu {
        set(host, &net.name, &["mtu", &mtu.to_string()]).await?;
    }
    if net.up != up {
        set(host, &net.name, &[if up { "up" } else { "down" }]).await?;
    }
    Ok(())
}

/// Up, whatever it was at first.
pub(super) async fn put_up(host: &dyn Host, bdf: Bdf) -> io::Result<()> {
    match facts::net(host, bdf).await?.into_iter().next() {
        Some(net) if !net.up => set(host, &net.name, &["up"]).await,
        _ => Ok(()),
    }
}

async fn set(host: &dyn Host, name: &str, setting: &[&str]) -> io::Result<()> {
    let argv = [&["ip", "link", "set", "dev", name], setting].concat();
    command(host, &argv).await
}
