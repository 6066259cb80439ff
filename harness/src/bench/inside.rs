//! What a guest sees, in verbs.

use std::io;
use std::time::Duration;

use super::{Bench, Running, STEP_LIMIT, listed, within};
use crate::facts::{self, NetFacts};
use crate::finding::{Finding, Problem};
use crate::machine::Host;
use crate::pci::Bdf;

/// A guest does not see what was handed to it.
pub const NOT_SEEN: Finding = Finding::device(
    "guest-sees-no-vf",
    "The VF was attached, but the guest's kernel does not find a device with its ids.",
    "Read the guest's console in the transcript; compare the ids there with those of the VF on the host.",
);

/// A guest answers no longer.
pub const GUEST_LOST: Finding = Finding::bench(
    "guest-lost",
    "The guest got the VF and answers no longer. The VF or its driver may have hung it, or the hypervisor; from outside nobody can tell.",
    "Read the guest's console and the emulator's log in the transcript and repeat the check; where it is always lost with this VF and never without, the VF is at fault.",
);

/// How often a guest is asked while something is waited for.
const ASK_EVERY: Duration = Duration::from_millis(100);

impl Bench {
    /// Waits until a guest sees that many functions of that vendor and device, which it must. Returns
    /// their addresses there.
    pub async fn functions_in(
        &mut self,
        guest: &Running,
        ids: [u16; 2],
        count: usize,
        limit: Duration,
    ) -> Result<Vec<Bdf>, Problem> {
        let seen = self
            .functions_until(guest, ids, limit, |seen| seen.len() == count)
            .await?;
        let [vendor, device] = ids;
        let text = format!(
            "looked in the guest for {count} of {vendor:04x}:{device:04x}, found {}",
            listed(&seen)
        );
        self.assert(seen.len() == count, &NOT_SEEN, text)?;
        // A check may end the guest itself, and nobody could tell afterwards.
        self.has_not_restarted(guest).await?;
        Ok(seen)
    }

    /// Waits until a guest does not see any function of that vendor and device any more. Returns
    /// those that it still sees in the end.
    pub async fn gone_from(
        &mut self,
        guest: &Running,
        ids: [u16; 2],
        limit: Duration,
    ) -> Result<Vec<Bdf>, Problem> {
        self.functions_until(guest, ids, limit, <[Bdf]>::is_empty)
            .await
    }

    /// The functions of that vendor and device that a guest sees now.
    pub async fn functions_now(
        &mut self,
        guest: &Running,
        ids: [u16; 2],
    ) -> Result<Vec<Bdf>, Problem> {
        self.functions_until(guest, ids, Duration::ZERO, |_| true)
            .await
    }

    async fn functions_until(
        &mut self,
        guest: &Running,
        ids: [u16; 2],
        limit: Duration,
        enough: impl Fn(&[Bdf]) -> bool,
    ) -> Result<Vec<Bdf>, Problem> {
        let host = guest.host.clone();
        let mut seen = Vec::new();
        self.in_guest(guest, limit, async || {
            seen = within(STEP_LIMIT, facts::of_kind(host.as_ref(), ids)).await?;
            Ok(enough(&seen).then_some(()))
        })
        .await?;
        let [vendor, device] = ids;
        self.log.step(format!(
            "{}$ grep {vendor:04x}{device:04x} /proc/bus/pci/devices\n{}",
            guest.name(),
            listed(&seen)
        ))?;
        Ok(seen)
    }

    /// Waits until a function in a guest has that driver. Returns what it has in the end.
    pub async fn driver_in(
        &mut self,
        guest: &Running,
        bdf: Bdf,
        driver: &str,
        limit: Duration,
    ) -> Result<Option<String>, Problem> {
        let host = guest.host.clone();
        let mut bound = None;
        self.in_guest(guest, limit, async || {
            bound = within(STEP_LIMIT, facts::driver_name(host.as_ref(), bdf)).await?;
            Ok((bound.as_deref() == Some(driver)).then_some(()))
        })
        .await?;
        self.log.step(format!(
            "{}$ readlink /sys/bus/pci/devices/{bdf}/driver\n{}",
            guest.name(),
            bound.as_deref().unwrap_or("(none)")
        ))?;
        Ok(bound)
    }

    /// Puts the interface of a function in a guest up, and waits until it sees its link partner.
    /// Otherwise says why it does not.
    pub async fn carrier_in(
        &mut self,
        guest: &Running,
        bdf: Bdf,
        limit: Duration,
    ) -> Result<Result<(), String>, Problem> {
        let host = guest.host.clone();
        let mut why = String::new();
        let up = self
            .in_guest(guest, limit, async || {
                match within(STEP_LIMIT, carrier(host.as_ref(), bdf)).await? {
                    Ok(()) => Ok(Some(())),
                    Err(reason) => {
                        why = reason;
                        Ok(None)
                    }
                }
            })
            .await?;
        self.log.step(format!(
            "{}$ ip link set dev … up; ip link\n{}",
            guest.name(),
            if up.is_some() { "carrier" } else { &why }
        ))?;
        Ok(up.ok_or(why))
    }

    /// The address of a function's interface in a guest.
    pub async fn address_in(
        &mut self,
        guest: &Running,
        bdf: Bdf,
        limit: Duration,
    ) -> Result<Option<String>, Problem> {
        let host = guest.host.clone();
        let address = self
            .in_guest(guest, limit, async || {
                let nets = within(STEP_LIMIT, facts::net(host.as_ref(), bdf)).await?;
                Ok(nets.into_iter().next().map(|net| net.mac))
            })
            .await?;
        self.log.step(format!(
            "{}$ cat /sys/bus/pci/devices/{bdf}/net/*/address\n{}",
            guest.name(),
            address.as_deref().unwrap_or("(none)")
        ))?;
        Ok(address)
    }

    /// Asks a guest until it has the answer, or until the time is over.
    pub(super) async fn in_guest<T>(
        &self,
        guest: &Running,
        limit: Duration,
        look: impl AsyncFnMut() -> io::Result<Option<T>>,
    ) -> Result<Option<T>, Problem> {
        let answer = self.until_every(ASK_EVERY, limit, look).await;
        answer.map_err(|problem| problem.instead_of_silence(&GUEST_LOST, guest.name()))
    }
}

/// Whether the interface of a function sees its link partner.
async fn carrier(host: &dyn Host, bdf: Bdf) -> io::Result<Result<(), String>> {
    match facts::net(host, bdf).await?.first() {
        Some(net) => has_carrier(host, net).await,
        None => Ok(Err("no interface".into())),
    }
}

/// Whether an interface sees its link partner, once it is put up. What the driver refuses now it may do a
/// moment later, as iavf does while it resets (EBUSY).
pub(super) async fn has_carrier(host: &dyn Host, net: &NetFacts) -> io::Result<Result<(), String>> {
    if net.carrier == Some(true) {
        return Ok(Ok(()));
    }
    if net.up {
        return Ok(Err(format!("{} has no carrier", net.name)));
    }
    // IFF_UP, the first bit (Linux include/uapi/linux/if.h); a guest has no `ip`.
    let flags = format!("/sys/class/net/{}/flags", net.name);
    match host.write(&flags, b"0x1003").await {
        Ok(()) => Ok(Err(format!("{} was put up just now", net.name))),
        Err(error) if error.raw_os_error().is_some() => {
            Ok(Err(format!("{} cannot be put up: {error}", net.name)))
        }
        Err(error) => Err(error),
    }
}
