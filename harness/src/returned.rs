//! Whether the machine that comes back from a restart is the one that went.

use std::io;
use std::time::Duration;

use reports::{Boot, Run};
use tokio::time::timeout;

use crate::facts::{self, DeviceFacts};
use crate::finding::Finding;
use crate::machine::Host;
use crate::pci::Bdf;

/// The restart did not happen.
pub const NOT_RESTARTED: Finding = Finding::bench(
    "machine-not-restarted",
    "The machine was asked to restart, but still runs the same boot of its kernel. Something holds the restart up, or refused it.",
    "Read `journalctl -b -u systemd-logind` and `systemctl list-jobs`; end what inhibits the restart (`systemd-inhibit --list`) and run again.",
);
/// Another kernel runs.
pub const OTHER_KERNEL: Finding = Finding::bench(
    "kernel-changed-at-restart",
    "The machine came back with another kernel, so that what was seen before the restart cannot be compared with what is seen now.",
    "Make the kernel that is to be certified the default (`grubby --default-kernel`, `grubby --set-default`) and run again.",
)
.on_debian(
    "Make the kernel that is to be certified the default (GRUB_DEFAULT in /etc/default/grub, then update-grub) and run again.",
);
/// The device has another address.
pub const DEVICE_MOVED: Finding = Finding::bench(
    "device-moved-at-restart",
    "The device came back at another PCI address. Rules and guests that name the address no longer reach it.",
    "Look for a card or a slot that was added, removed or switched on or off in the firmware meanwhile; put it back, or run again with things as they are now.",
);
/// The device did not come back.
pub const DEVICE_GONE: Finding = Finding::device(
    "device-gone-at-restart",
    "The device was there before the restart and is not any more: neither at its address nor at another.",
    "Look at `lspci` and the firmware's list of slots; a device that comes back only after power was off and on again did not survive the restart.",
);

/// What the machine is like when a run is to be gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    /// The boot it is in.
    pub boot: Boot,
    /// Where the device is; `None` where it is not there.
    pub device: Option<Bdf>,
}

/// In which state a run finds the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// As it was to be.
    Well,
    /// It has not restarted, for this reason.
    NotAtAll(String),
    /// It runs another kernel: this one before, that one now.
    OtherKernel(String, String),
    /// Its device is somewhere else.
    Moved(Bdf),
    /// Its device is not there.
    Gone,
    /// It was not asked to restart: whatever ended the run, nobody can go on with it.
    Unasked(String),
}

impl Returned {
    /// Why the checks that wait cannot be gone on with.
    pub fn wrong(&self) -> Option<(&'static Finding, String)> {
        Some(match self {
            Self::Well | Self::Unasked(_) => return None,
            Self::NotAtAll(why) => (
                &NOT_RESTARTED,
                format!("the machine has not restarted: {why}"),
            ),
            Self::OtherKernel(before, now) => {
                (&OTHER_KERNEL, format!("the kernel was {before}, is {now}"))
            }
            Self::Moved(bdf) => (&DEVICE_MOVED, format!("the device is now at {bdf}")),
            Self::Gone => (&DEVICE_GONE, "the device did not come back".into()),
        })
    }
}

/// Compares the machine with what the journal expects of it.
pub fn judge(run: &Run, device: Bdf, now: &Now) -> Returned {
    if let Some(damage) = &run.damage {
        return Returned::Unasked(format!("a damaged journal: {damage}"));
    }
    let Some(restart) = run.restarts.last().filter(|_| run.waits) else {
        return Returned::Unasked(ended_by(run, &now.boot).to_owned());
    };
    let (then, boot) = (&restart.from, &now.boot);
    match now.device {
        _ if then.id == boot.id => Returned::NotAtAll(format!("it is still in boot {}", boot.id)),
        _ if then.kernel != boot.kernel => {
            Returned::OtherKernel(then.kernel.clone(), boot.kernel.clone())
        }
        None => Returned::Gone,
        Some(bdf) if bdf != device => Returned::Moved(bdf),
        Some(_) => Returned::Well,
    }
}

/// What has ended a run that does not wait for a restart.
fn ended_by(run: &Run, now: &Boot) -> &'static str {
    let came_back = run.restarts.iter().any(|restart| restart.back.is_some());
    match (run.last.boot == now.id, came_back) {
        (true, _) => "the end of its process",
        (false, true) => "one more restart of the machine, which nobody asked for",
        (false, false) => "a restart of the machine that nobody asked for",
    }
}

/// How long the rest of a boot may take.
const BOOT_LIMIT: Duration = Duration::from_mins(5);

/// Looks where the device is on the machine as it is now, once that has started.
pub async fn look(host: &dyn Host, before: &DeviceFacts, boot: Boot) -> io::Result<Now> {
    // What comes late in a boot belongs to it: a slow driver, a service that makes VFs. How well the boot went is not
    // our question, and one that never ends has to be looked at as it is.
    let argv = ["systemctl", "is-system-running", "--wait"];
    let _ = timeout(BOOT_LIMIT, host.run(&argv)).await;
    // A network adapter is told by its interface, which udev may still be naming.
    host.run(&["udevadm", "settle", "--timeout=60"]).await?;
    let device = find(host, before).await?;
    Ok(Now { boot, device })
}

/// Whether a device is where it was.
pub async fn is_there(host: &dyn Host, before: &DeviceFacts) -> io::Result<bool> {
    Ok(find(host, before).await? == Some(before.bdf))
}

/// Where the device is: first where it was.
async fn find(host: &dyn Host, before: &DeviceFacts) -> io::Result<Option<Bdf>> {
    let mut places: Vec<Bdf> = Vec::new();
    for (bdf, ids) in facts::list(host).await? {
        if ids == before.ids && is_specimen(host, bdf, before).await? {
            places.push(bdf);
        }
    }
    Ok(if places.contains(&before.bdf) {
        Some(before.bdf)
    } else {
        places.first().copied()
    })
}

/// Whether the device at this address, whose ids are the same, is the very same one: by the serial
/// number of the controller or of the function, whichever can be read now as before. Where neither
/// can, the one at the same address is taken for it, and one elsewhere if its interface has the same
/// address; at the same address that would prove nothing, since an administrator may change it.
async fn is_specimen(host: &dyn Host, bdf: Bdf, before: &DeviceFacts) -> io::Result<bool> {
    let names = facts::names(host).await;
    let now = facts::device(host, bdf, &names).await?;
    let same = |[before, now]: [Option<String>; 2]| Some(before? == now?);
    let controllers = [before, &now].map(|device| Some(device.nvme.as_ref()?.serial.clone()));
    let functions = [before, &now].map(|device| device.capabilities.serial.as_ref());
    let functions = functions.map(|serial| Some(serial?.number.clone()));
    let interfaces = [before, &now].map(|device| Some(device.net.first()?.mac.clone()));
    Ok(same(controllers)
        .or(same(functions))
        .or((bdf == before.bdf).then_some(true))
        .or(same(interfaces))
        .unwrap_or(false))
}
