//! Virtual functions in guests: handed over by libvirt, used there, and taken back.

pub mod hotplug;
pub mod unplug;

use std::time::Duration;

use harness::bench::{Bench, Running};
use harness::check::{Answer, Check, Finding, Problem};
use harness::need::Need;
use harness::pci::Bdf;
use harness::require;
use serde_json::Value;

/// The checks, in the order they run.
pub const CHECKS: &[&Check] = &[&hotplug::CHECK, &unplug::CHECK];

/// What hands a VF to a guest.
const NEEDS: &[Need] = &[
    Need::Nic,
    Need::Sriov,
    Need::PfDriver,
    Need::Netdev,
    Need::Iommu,
    Need::Isolation,
    Need::Vfio,
    Need::Libvirt,
    Need::Kvm,
];

/// How long a guest's kernel may take to find a card that is plugged in, or to let one go: it waits
/// 5 s by itself (PCI Express Base Specification 6.7.1.5, attention button).
const PATIENCE: Duration = Duration::from_mins(1);

const REFUSED: Finding = Finding::device(
    "attach-refused",
    "libvirt or QEMU refused to hand the VF to the guest.",
    "Read libvirt's reason in the report. A group that is not viable lacks ACS above the VF (see device::acs_path); a VF that is in use belongs to somebody else.",
);
/// A running guest with a VF.
struct Plugged {
    guest: Running,
    /// Where the VF is on the host.
    vf: Bdf,
    /// Where it is in the guest.
    card: Bdf,
    /// What the PF's driver knew of the VF before.
    before: Value,
}

/// Creates a VF, starts a guest and hands the VF to it by the command of the requirement.
async fn plug(bench: &mut Bench) -> Result<Plugged, Problem> {
    bench.set_up(true).await?;
    let vf = bench.create_vfs(1).await?.remove(0).bdf;
    let driver = bench.profile.driver.vf.clone();
    let guest = bench.start_guest('a', &[&driver]).await?;
    let before = bench.vf_attributes(0).await?;
    hand_over(bench, &guest, vf).await?;
    let (vendor, device) = ids(bench).await?;
    let card = bench.function_in(&guest, vendor, device, PATIENCE).await?;
    Ok(Plugged {
        guest,
        vf,
        card,
        before,
    })
}

async fn hand_over(bench: &mut Bench, guest: &Running, vf: Bdf) -> Answer {
    let attached = bench.attach_interface(guest, vf).await?;
    require!(
        bench,
        attached.success(),
        REFUSED,
        "`virsh attach-interface`: exit {}, {:?}",
        attached.status,
        attached.stderr
    );
    Ok(())
}

/// Vendor and device of a VF, which a guest sees as the host does.
async fn ids(bench: &mut Bench) -> Result<(u16, u16), Problem> {
    let device = bench.sriov().await?.vf_device;
    Ok((bench.facts.device.ids.vendor, device))
}
