//! When the machine restarts, the virtual functions that a rule of udev makes are there before libvirt
//! starts, and so before it starts any guest that has one.
//!
//! Whether they are there at all is `persist::udev_rule`'s question: without any, the adapter's interface
//! tells when the rule had its turn.
//!
//! Source: RHEL 9, 14.7.2, step 4; the order is the project's own, from what the step is for.

use std::time::Duration;

use anyhow::{Context, anyhow};
use harness::bench::Bench;
use harness::check::{Answer, Check, Finding, Problem};
use harness::need::Need;
use harness::require;

use super::come_up;

const LATE: Finding = Finding::device(
    "late-after-libvirt",
    "The adapter or its VFs were there only after libvirt had started. A guest with a VF that libvirt starts by itself then fails now and then.",
    "Let the driver load early (`dracut -f --add-drivers <driver>`), or make libvirt wait: \
     `systemctl edit libvirtd.service` (virtqemud.service with modular daemons) with After=systemd-udev-settle.service and Wants=systemd-udev-settle.service under [Unit].",
)
.on_debian(
    "Let the driver load early (its name in /etc/initramfs-tools/modules, then `update-initramfs -u`), or make libvirt wait: \
     `systemctl edit libvirtd.service` with After=systemd-udev-settle.service and Wants=systemd-udev-settle.service under [Unit].",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "persist::order",
    proves: "what a rule of udev makes is there before libvirt starts",
    source: "RHEL 9, 14.7.2, step 4",
    needs: &[
        Need::Nic,
        Need::Sriov,
        Need::PfDriver,
        Need::Netdev,
        Need::ClaimedPersistence,
        Need::Libvirt,
    ],
    limit: Duration::from_mins(5),
    provokes: &[],
    findings: &[&LATE],
    parts: &[
        |bench| Box::pin(before(bench)),
        |bench| Box::pin(after(bench)),
    ],
};

/// The daemons that start guests: that of all drivers, and that of QEMU alone (libvirtd(8), virtqemud(8)).
const DAEMONS: [&str; 2] = ["libvirtd.service", "virtqemud.service"];
/// How long after the network a machine may start libvirt, if it does so at all before someone asks.
const PATIENCE: Duration = Duration::from_mins(1);

async fn before(bench: &mut Bench) -> Answer {
    bench.install_vf_rule(bench.few()).await
}

async fn after(bench: &mut Bench) -> Answer {
    come_up(bench).await?;
    let interface = bench.net().await?.name;
    let mut devices = vec![format!("/sys/class/net/{interface}")];
    for vf in bench.vfs().await? {
        devices.push(format!("/sys/bus/pci/devices/{}", vf.bdf));
    }
    let count = devices.len();
    let (daemon, started) = libvirt(bench).await?;
    let mut last = Duration::ZERO;
    for device in devices {
        let there = bench.initialized(&device).await?;
        let there = there.with_context(|| format!("udev keeps nothing about {device}"))?;
        require!(
            bench,
            there < started,
            LATE,
            "{device} was there {:.3} s into the boot, {daemon} was started at {:.3} s",
            there.as_secs_f64(),
            started.as_secs_f64()
        );
        last = last.max(there);
    }
    let margin = started.saturating_sub(last).as_secs_f64();
    let note =
        format!("{daemon} was started {margin:.1} s after the last of {count} devices was there");
    bench.log.note(note)?;
    if count == 1 {
        let note =
            "there are no VFs: the adapter's interface alone tells when the rule had its turn";
        bench.log.note(note.into())?;
    }
    Ok(())
}

/// Which of libvirt's daemons was started first, and when. Where the machine leaves that to the first
/// client, this is the first.
async fn libvirt(bench: &mut Bench) -> Result<(&'static str, Duration), Problem> {
    if let Some(first) = bench.wait_for_start(&DAEMONS, PATIENCE).await? {
        return Ok(first);
    }
    bench.wake_libvirt().await?;
    let first = bench.wait_for_start(&DAEMONS, PATIENCE).await?;
    Ok(first.ok_or_else(|| {
        anyhow!(
            "libvirt answers, but systemd has started none of {}",
            DAEMONS.join(", ")
        )
    })?)
}
