//! Every virtual function is where offset and stride put it, has the ids it must have, and it and
//! its physical function point at each other.
//!
//! As many as possible are created, since wrong arithmetic shows where the bus number changes.
//!
//! Source: Linux 6.12 drivers/pci/iov.c, `pci_iov_virtfn_bus`, `pci_iov_add_virtfn`, `pci_iov_sysfs_link`.

use std::time::Duration;

use anyhow::Context;
use harness::bench::{Bench, Vf, listed};
use harness::check::{Answer, Check, Finding};
use harness::facts::SriovFacts;
use harness::need::Need;
use harness::pci::capability::SrIov;
use harness::{creation_findings, require, sysfs};

const ADDRESS: Finding = Finding::device(
    "vf-at-wrong-address",
    "A VF is not where the PF's routing id, offset and stride put it; requests of one VF would be taken for another's.",
    "Update the card's firmware; check that ARI is the same in the firmware setup and in the kernel (lspci -vv, ARIHierarchy).",
);
const IDS: Finding = Finding::device(
    "vf-ids-wrong",
    "A VF has another vendor, device or class than the PF gives it.",
    "Update the card's firmware and the kernel; no driver would bind to such a VF.",
);
const UNKNOWN_DEVICE: Finding = Finding::device(
    "vf-device-unknown",
    "The VFs have a device id that the profile does not list.",
    "Compare with the vendor's list, then update the card's firmware or add the id to vf_devices in the profile.",
);
const LINK: Finding = Finding::device(
    "physfn-link-wrong",
    "A VF does not point at its PF; libvirt could not find the PF to configure the VF by.",
    "Read the kernel log of this check, and update the kernel.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::identity",
    proves: "every virtual function has the address, the ids and the link to its PF that it must have",
    source: "Linux 6.12 drivers/pci/iov.c, pci_iov_add_virtfn",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(3),
    provokes: &[],
    findings: creation_findings![ADDRESS, IDS, UNKNOWN_DEVICE, LINK],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let vfs = bench.create_bare_vfs(bench.limit()).await?;
    let sriov = bench.sriov().await?;
    known_device(bench, &sriov)?;
    let (pf, limit) = (bench.pf(), bench.limit());
    // Offset and stride may depend on the number of VFs, so they count only now; and by the device's
    // own registers, since the kernel has made the addresses from what it shows in sysfs.
    let registers = bench.capabilities_of(pf).await?.sriov;
    let registers = registers.with_context(|| {
        format!("the SR-IOV capability of {pf} could not be read with {limit} VFs enabled")
    })?;
    for vf in &vfs {
        address(bench, vf, &registers)?;
        ids(bench, vf, &sriov).await?;
        let physfn = bench.target(&sysfs::attribute(vf.bdf, "physfn")).await?;
        let (pf, seen) = (
            bench.pf().to_string(),
            physfn.as_deref().unwrap_or("nothing"),
        );
        require!(
            bench,
            seen == pf,
            LINK,
            "physfn of {} points at {seen}, its PF is {pf}",
            vf.bdf
        );
    }
    Ok(())
}

fn address(bench: &mut Bench, vf: &Vf, registers: &SrIov) -> Answer {
    let pf = bench.pf();
    let due = registers.vf(pf, vf.index);
    let place = due.map_or("nowhere".to_owned(), |bdf| bdf.to_string());
    let text = format!(
        "virtfn{} is {}; {pf} with offset {} and stride {} puts it at {place}",
        vf.index, vf.bdf, registers.first_vf_offset, registers.vf_stride
    );
    bench.assert(due == Some(vf.bdf), &ADDRESS, text)
}

/// The registers of a VF read FFFF for its ids; sysfs shows what the kernel took from the PF.
async fn ids(bench: &mut Bench, vf: &Vf, sriov: &SriovFacts) -> Answer {
    let pf = bench.facts.device.ids;
    let due = [
        ("vendor", u32::from(pf.vendor)),
        ("device", u32::from(sriov.vf_device)),
        ("class", pf.class),
    ];
    for (name, due) in due {
        let found = bench.read_hex(&sysfs::attribute(vf.bdf, name)).await?;
        require!(
            bench,
            found == due,
            IDS,
            "{name} of {} is {found:#06x}, due is {due:#06x}",
            vf.bdf
        );
    }
    Ok(())
}

fn known_device(bench: &mut Bench, sriov: &SriovFacts) -> Answer {
    let profile = bench.profile.clone();
    if profile.vf_devices.is_empty() {
        return Ok(());
    }
    let known = listed(profile.vf_devices.iter().map(|id| format!("{id:04x}")));
    let text = format!(
        "sriov_vf_device is {:04x}, the profile knows {known}",
        sriov.vf_device
    );
    bench.assert(
        profile.vf_devices.contains(&sriov.vf_device),
        &UNKNOWN_DEVICE,
        text,
    )
}
