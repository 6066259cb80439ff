//! The PF's network interface, in verbs.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Bench;
use crate::facts::{self, NetFacts};
use crate::finding::Problem;
use crate::machine::Output;
use crate::pci::Bdf;
use crate::sysfs;
use crate::undo::Undo;

/// What `ip` exits with where the kernel refuses; 1 is a mistake of whoever called it (iproute2, ip(8),
/// exit status).
const KERNEL_REFUSED: i32 = 2;

/// How the address of an interface came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MacPolicy {
    /// It is the hardware's own.
    Permanent,
    /// The driver took a random one.
    Random,
    /// It is that of another interface.
    Stolen,
    /// Someone has set it, such as udev.
    Set,
}

impl fmt::Display for MacPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permanent => "permanent",
            Self::Random => "random",
            Self::Stolen => "stolen",
            Self::Set => "set",
        })
    }
}

fn mac_policy(text: &str) -> Option<MacPolicy> {
    Some(match text {
        "0" => MacPolicy::Permanent,
        "1" => MacPolicy::Random,
        "2" => MacPolicy::Stolen,
        "3" => MacPolicy::Set,
        _ => return None,
    })
}

impl Bench {
    /// The PF's first network interface as it is now.
    pub async fn net(&mut self) -> Result<NetFacts, Problem> {
        let nets = facts::net(self.host.as_ref(), self.pf()).await?;
        let net = nets
            .into_iter()
            .next()
            .with_context(|| format!("{} has lost its network interface", self.pf()))?;
        self.log
            .step(format!("$ ip link show dev {}\n{net:?}", net.name))?;
        Ok(net)
    }

    /// Puts the PF's interface up or down.
    pub async fn set_up(&mut self, up: bool) -> Result<(), Problem> {
        let name = self.net().await?.name;
        let state = if up { "up" } else { "down" };
        let argv = ["ip", "link", "set", "dev", &name, state];
        let undo = self.link_undo()?;
        self.promise(&argv.join(" "), undo.clone())?;
        if !up {
            self.promise(&argv.join(" "), Undo::Down { bdf: self.pf() })?;
        }
        self.command(&argv, undo).await?;
        Ok(())
    }

    /// Asks for an MTU of the PF, in bytes, whatever the kernel makes of it.
    pub async fn attempt_mtu(&mut self, mtu: u32) -> Result<Output, Problem> {
        let name = self.net().await?.name;
        let argv = ["ip", "link", "set", "dev", &name, "mtu", &mtu.to_string()];
        let undo = self.link_undo()?;
        self.attempt_link(&argv, undo).await
    }

    /// Asks for a change of a link, whatever the kernel makes of it.
    pub(super) async fn attempt_link(
        &mut self,
        argv: &[&str],
        undo: Undo,
    ) -> Result<Output, Problem> {
        self.promise(&argv.join(" "), undo)?;
        let output = self.look(argv).await?;
        if output.success() || output.status == KERNEL_REFUSED {
            Ok(output)
        } else {
            Err(anyhow!("`{}`: {}", argv.join(" "), output.stderr).into())
        }
    }

    /// What the PF's driver knows of one of its VFs: address, VLAN, rates and switches, as `ip` names them.
    pub async fn vf_attributes(&mut self, index: u16) -> Result<Value, Problem> {
        let name = self.net().await?.name;
        let output = self
            .look(&["ip", "-j", "link", "show", "dev", &name])
            .await?;
        let vf = facts::vf_info(&output.stdout, index).context("`ip -j` printed no JSON")?;
        Ok(vf.with_context(|| format!("`ip link` tells nothing of VF {index} of {name}"))?)
    }

    /// The network interfaces of a function.
    pub async fn nets_of(&mut self, bdf: Bdf) -> Result<Vec<NetFacts>, Problem> {
        let nets = facts::net(self.host.as_ref(), bdf).await?;
        let names: Vec<&str> = nets.iter().map(|net| net.name.as_str()).collect();
        self.log.step(format!(
            "$ ls {}\n{}",
            sysfs::attribute(bdf, "net"),
            names.join("\n")
        ))?;
        Ok(nets)
    }

    /// How the address of a function's interface came about, as the kernel has it in
    /// `addr_assign_type` (Linux 6.12 include/uapi/linux/netdevice.h, `NET_ADDR_PERM` and following).
    pub async fn mac_policy(&mut self, bdf: Bdf, interface: &str) -> Result<MacPolicy, Problem> {
        let path = sysfs::attribute(bdf, &format!("net/{interface}/addr_assign_type"));
        let text = self.read(&path).await?;
        Ok(mac_policy(&text).with_context(|| format!("{path} holds {text:?}"))?)
    }

    /// Waits until the PF's interface sees its link partner.
    pub async fn wait_for_carrier(&mut self, limit: Duration) -> Result<bool, Problem> {
        let (host, pf) = (self.host.clone(), self.pf());
        let seen = self
            .until(limit, async || {
                Ok(facts::net(host.as_ref(), pf)
                    .await?
                    .first()
                    .and_then(|net| net.carrier)
                    .filter(|&on| on))
            })
            .await?;
        self.net().await?;
        Ok(seen.is_some())
    }

    pub(super) fn link_undo(&self) -> anyhow::Result<Undo> {
        let net = self.facts.device.net.first();
        let net = net.context("the PF had no network interface when the facts were read")?;
        Ok(Undo::Link {
            bdf: self.pf(),
            up: net.up,
            mtu: net.mtu,
        })
    }
}
