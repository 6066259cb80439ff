//! Takes guests away.

use std::io;

use super::{bounded, command};
use crate::guest::Files;
use crate::machine::Host;

/// Ends a guest, makes libvirt forget it, and removes its files. What it had of the host, libvirt
/// gives back when it ends.
pub(super) async fn remove_guest(host: &dyn Host, name: &str) -> io::Result<()> {
    if is_listed(host, name, &["--all"]).await? {
        if is_listed(host, name, &[]).await? {
            command(host, &["virsh", "destroy", name]).await?;
        }
        command(host, &["virsh", "undefine", name, "--managed-save"]).await?;
    }
    for file in Files::of(name).all() {
        bounded(file, host.put(file, None)).await?;
    }
    Ok(())
}

/// Whether libvirt lists the guest: among those that it has started, or among all.
async fn is_listed(host: &dyn Host, name: &str, which: &[&str]) -> io::Result<bool> {
    let argv = [&["virsh", "list", "--name"], which].concat();
    let output = bounded(&argv.join(" "), host.run(&argv)).await?;
    if output.success() {
        return Ok(output.text().lines().any(|line| line.trim() == name));
    }
    let text = format!("`{}`: {}", argv.join(" "), output.stderr);
    Err(io::Error::other(text))
}
