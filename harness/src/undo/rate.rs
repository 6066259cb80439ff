//! Brings back the limit of what a VF may send.

use std::io;

use super::{bounded, command};
use crate::facts;
use crate::machine::Host;
use crate::pci::Bdf;

/// In Mbit/s. A limit that stands already is not set again: some drivers take none without a link. It is gone with its VF.
pub(super) async fn restore_rate(host: &dyn Host, pf: Bdf, vf: u16, most: u32) -> io::Result<()> {
    let Some(net) = facts::net(host, pf).await?.into_iter().next() else {
        return Ok(());
    };
    let show = ["ip", "-j", "link", "show", "dev", &net.name];
    let shown = bounded(&show.join(" "), host.run(&show)).await?;
    if !shown.success() {
        let (show, why) = (show.join(" "), shown.stderr.trim());
        return Err(io::Error::other(format!("{show}: {why}")));
    }
    let own = facts::vf_info(&shown.stdout, vf)?;
    if own.is_none_or(|own| own["rate"]["max_tx"] == most) {
        return Ok(());
    }
    let words = set_rate(&net.name, vf, most);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    command(host, &words).await
}

/// What limits a VF of the PF with that interface, in Mbit/s.
pub(crate) fn set_rate(interface: &str, vf: u16, most: u32) -> Vec<String> {
    let line = format!("ip link set dev {interface} vf {vf} max_tx_rate {most}");
    line.split(' ').map(str::to_owned).collect()
}
