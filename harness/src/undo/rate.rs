//! Brings back the limit of what a VF may send.

use std::io;

use serde_json::Value;

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
    let links: Value = serde_json::from_slice(&shown.stdout)?;
    let vfs = links[0]["vfinfo_list"].as_array();
    let own = vfs.and_then(|vfs| vfs.iter().find(|own| own["vf"] == vf));
    if own.is_none_or(|own| own["rate"]["max_tx"] == most) {
        return Ok(());
    }
    let (vf, most) = (vf.to_string(), most.to_string());
    let argv = [
        "ip",
        "link",
        "set",
        "dev",
        &net.name,
        "vf",
        &vf,
        "max_tx_rate",
        &most,
    ];
    command(host, &argv).await
}
