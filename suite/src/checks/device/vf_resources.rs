//! There is room for all virtual functions: bus numbers, ARI forwarding, memory, and interrupt vectors of the PF.
//!
//! Source: Linux 6.12 drivers/pci/iov.c: `sriov_enable` refuses with ENOMEM what has no bus number or no memory;
//! `sriov_init` makes each window the BAR's size times TotalVFs. Function numbers above 7 on one bus need ARI:
//! drivers/pci/pci.c, `pci_configure_ari`.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::{DeviceFacts, Port, SriovFacts, VfWindow};
use harness::need::Need;
use harness::pci::Bdf;
use harness::pci::capability::{SrIov, VfBar};
use harness::require;

use super::{LIMIT, read_to_the_end};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "device::vf_resources",
    proves: "there are bus numbers, ARI forwarding, memory and interrupt vectors for all virtual functions",
    source: "Linux 6.12 drivers/pci/iov.c, sriov_enable and sriov_init; drivers/pci/pci.c, pci_configure_ari",
    needs: &[Need::Express, Need::Sriov],
    limit: LIMIT,
    provokes: &[],
    findings: &[&NO_ADDRESS, &NO_BUS, &NO_ARI, &NO_MEMORY, &FEW_VECTORS],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const NO_ADDRESS: Finding = Finding::device(
    "vf-address-overflow",
    "By its offset and stride registers the last virtual function would have an address beyond bus ff, or two would share one.",
    "Update the card's firmware. If the card is on a bus near ff, put it into another slot.",
);
const NO_BUS: Finding = Finding::device(
    "bus-numbers-short",
    "The last virtual function lies on a bus that the port above the device does not pass on, so the kernel refuses it (ENOMEM).",
    "Switch on `SR-IOV` and `ARI` in the firmware setup so that it sets buses aside; else let the kernel number them anew: \
     grubby --args=pci=assign-busses --update-kernel=ALL, then reboot.",
)
.on_debian(
    "Switch on `SR-IOV` and `ARI` in the firmware setup so that it sets buses aside; else let the kernel number them anew: add \
     pci=assign-busses to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, then reboot.",
);
const NO_ARI: Finding = Finding::device(
    "ari-forwarding-off",
    "Virtual functions have function numbers above 7 on the device's own bus, but the port above it does not forward such addresses.",
    "Switch on `ARI` in the firmware setup, remove pci=noari from the kernel command line, or use a slot whose port has ARI forwarding \
     (lspci -vvv, `ARIFwd`).",
);
const NO_MEMORY: Finding = Finding::device(
    "vf-memory-short",
    "The kernel has set aside no memory window, or one too small, for a BAR of the virtual functions, so it refuses them (ENOMEM).",
    "Switch on `SR-IOV` and `Above 4G decoding` in the firmware setup; else let the kernel assign anew: \
     grubby --args=pci=realloc --update-kernel=ALL, then reboot.",
)
.on_debian(
    "Switch on `SR-IOV` and `Above 4G decoding` in the firmware setup; else let the kernel assign anew: add pci=realloc to \
     GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, then reboot.",
);
const FEW_VECTORS: Finding = Finding::device(
    "msix-table-short",
    "The physical function has not even the two MSI-X vectors that one queue and the messages of the VFs need, so its driver \
     switches SR-IOV off.",
    "Restore the default number of vectors in the card's firmware setup, or update its firmware.",
);

/// One for a queue and one for the rest, as in Linux 6.12 drivers/net/ethernet/intel/ixgbe/ixgbe.h, `MIN_MSIX_COUNT`: with
/// fewer ixgbe disables SR-IOV (`ixgbe_set_interrupt_capability`). igb refuses without MSI-X (igb_main.c, `igb_enable_sriov`).
/// More is not asked, since only a VF's own table tells how many it has: `vf::msix_vectors`.
const LEAST_VECTORS: u16 = 2;

fn run(bench: &mut Bench) -> Answer {
    let facts = bench.facts.clone();
    let device = &facts.device;
    read_to_the_end(device.bdf, &device.capabilities)?;
    let (Some(kernel), Some(capability)) = (&device.sriov, &device.capabilities.sriov) else {
        return Err(anyhow::anyhow!(
            "{} has no SR-IOV capability: see device::sriov_capability",
            device.bdf
        )
        .into());
    };
    addresses(bench, device, kernel)?;
    memory(bench, device, capability)?;
    let vectors = device
        .capabilities
        .msix
        .as_ref()
        .map_or(0, |msix| msix.vectors);
    require!(
        bench,
        vectors >= LEAST_VECTORS,
        FEW_VECTORS,
        "{}: {vectors} vectors in its MSI-X table, {LEAST_VECTORS} needed",
        device.bdf
    );
    Ok(())
}

/// Without VFs the registers may read 0, and Linux (`compute_max_vf_buses`) has then tried every count
/// before it offered any; only with a count or with numbers that hold for none there is something to see.
fn addresses(bench: &mut Bench, device: &DeviceFacts, sriov: &SriovFacts) -> Answer {
    let (bdf, total) = (device.bdf, sriov.totalvfs);
    if sriov.numvfs == 0 && (sriov.offset == 0 || (total > 1 && sriov.stride == 0)) {
        return Ok(bench.log.note(format!(
            "{bdf} says where its VFs go only once there are some"
        ))?);
    }
    let last = bdf.vf(sriov.offset, sriov.stride, total.saturating_sub(1));
    let place = last.map_or("no address".into(), |last| last.to_string());
    let text = format!(
        "{bdf}: the last of {total} VFs gets {place} (offset {}, stride {})",
        sriov.offset, sriov.stride
    );
    require!(bench, last.is_some(), NO_ADDRESS, "{text}");
    let (Some(last), Some(port)) = (last, device.path.last()) else {
        let advice = format!("{bdf} sits on a root bus: sysfs does not say which buses follow it");
        return Ok(bench.log.note(advice)?);
    };
    let (above, end) = (port.bdf, port.subordinate_bus);
    require!(
        bench,
        last.bus <= end,
        NO_BUS,
        "{text}; {above} passes on buses up to {end:02x}"
    );
    ari(bench, port, needs_ari(bdf, sriov))
}

fn ari(bench: &mut Bench, port: &Port, needed: bool) -> Answer {
    let express = port.capabilities.express.as_ref();
    let forwards = express.is_some_and(|express| express.ari_forwarding_enabled);
    let text = format!(
        "ARI forwarding is {}needed and {} in {}",
        if needed { "" } else { "not " },
        if forwards { "on" } else { "off" },
        port.bdf
    );
    require!(bench, forwards || !needed, NO_ARI, "{text}");
    Ok(())
}

/// Whether a VF is on the PF's bus but not in its first slot, where a port without ARI forwarding looks for no device.
fn needs_ari(pf: Bdf, sriov: &SriovFacts) -> bool {
    let mut vfs = (0..sriov.totalvfs).filter_map(|index| pf.vf(sriov.offset, sriov.stride, index));
    vfs.any(|vf| vf.bus == pf.bus && vf.device != 0)
}

/// For as many VFs as the hardware has, whatever the driver allows: the kernel sizes its windows so.
fn memory(bench: &mut Bench, device: &DeviceFacts, sriov: &SrIov) -> Answer {
    let (bdf, total) = (device.bdf, sriov.total_vfs);
    let least = u64::from(total) * page_size(sriov);
    for bar in &sriov.vf_bars {
        let window = window(device, bar);
        let size = window.map_or(0, VfWindow::size);
        let at = window.map_or("nowhere".into(), |window| format!("{:#x}", window.start));
        let text = format!(
            "{bdf}: window of VF BAR {} is {size} bytes at {at}",
            bar.index
        );
        require!(
            bench,
            size >= least,
            NO_MEMORY,
            "{text}; {total} VFs need {least} or more"
        );
    }
    Ok(())
}

fn window<'a>(device: &'a DeviceFacts, bar: &VfBar) -> Option<&'a VfWindow> {
    device
        .vf_windows
        .iter()
        .find(|window| window.bar == bar.index)
}

/// What no VF BAR is smaller than: the page size in use (`PCI_SRIOV_SYS_PGSIZE`; bit n is 2^(n + 12) bytes).
fn page_size(sriov: &SrIov) -> u64 {
    4096 << sriov.system_page_size.trailing_zeros().min(31)
}

#[cfg(test)]
mod tests {
    use harness::facts::{Facts, SriovFacts};

    use super::{CHECK, needs_ari};
    use crate::checks::fixture::{ask, bdf, facts, profile};

    fn told(change: impl Fn(&mut Facts)) -> String {
        let mut facts = facts();
        change(&mut facts);
        ask(&CHECK, profile(), facts).unwrap_err()
    }

    fn sriov(offset: u16, stride: u16) -> SriovFacts {
        SriovFacts {
            totalvfs: 7,
            numvfs: 0,
            offset,
            stride,
            vf_device: 0x10ca,
            drivers_autoprobe: true,
        }
    }

    #[test]
    fn room_for_all_passes() {
        assert_eq!(ask(&CHECK, profile(), facts()), Ok(vec![]));
    }

    #[test]
    fn bus_numbers() {
        let short = told(|facts| {
            facts.device.sriov = Some(sriov(384, 2));
            facts.device.path[0].subordinate_bus = 1;
        });
        assert_eq!(
            short,
            "bus-numbers-short: 0000:01:00.0: the last of 7 VFs gets 0000:02:11.4 (offset 384, stride 2); 0000:00:03.0 passes on buses up to 01"
        );
        let overflow = told(|facts| facts.device.sriov = Some(sriov(0xffff, 2)));
        assert_eq!(
            overflow,
            "vf-address-overflow: 0000:01:00.0: the last of 7 VFs gets no address (offset 65535, stride 2)"
        );
    }

    #[test]
    fn ari_is_needed_on_the_own_bus_only() {
        let pf = bdf("01:00.0");
        assert!(needs_ari(pf, &sriov(128, 2)));
        assert!(!needs_ari(pf, &sriov(384, 2)), "all on the next bus");
        assert!(!needs_ari(pf, &sriov(1, 1)), "functions 1 to 7");
        assert!(needs_ari(bdf("01:00.1"), &sriov(1, 1)), "functions 2 to 8");
        let off = told(|facts| {
            facts.device.path[0]
                .capabilities
                .express
                .as_mut()
                .unwrap()
                .ari_forwarding_enabled = false;
        });
        assert_eq!(
            off,
            "ari-forwarding-off: ARI forwarding is needed and off in 0000:00:03.0"
        );
    }

    #[test]
    fn registers_that_say_nothing_without_vfs_are_not_judged() {
        let mut facts = facts();
        facts.device.sriov = Some(sriov(0, 0));
        let notes = ask(&CHECK, profile(), facts.clone()).unwrap();
        assert_eq!(
            notes,
            ["0000:01:00.0 says where its VFs go only once there are some"]
        );
        facts.device.sriov.as_mut().unwrap().numvfs = 1;
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert!(told.starts_with("vf-address-overflow: "), "{told}");
    }

    #[test]
    fn memory() {
        let none = told(|facts| facts.device.vf_windows.clear());
        assert_eq!(
            none,
            "vf-memory-short: 0000:01:00.0: window of VF BAR 0 is 0 bytes at nowhere; 8 VFs need 32768 or more"
        );
        let small = told(|facts| {
            facts.device.vf_windows[1].end = facts.device.vf_windows[1].start + 0x3fff;
        });
        assert!(
            small.contains(
                "window of VF BAR 3 is 16384 bytes at 0x8000020000; 8 VFs need 32768 or more"
            ),
            "{small}"
        );
    }

    #[test]
    fn vectors() {
        let few = told(|facts| facts.device.capabilities.msix.as_mut().unwrap().vectors = 1);
        assert_eq!(
            few,
            "msix-table-short: 0000:01:00.0: 1 vectors in its MSI-X table, 2 needed"
        );
        assert!(told(|facts| facts.device.capabilities.msix = None).contains(": 0 vectors"));
    }

    #[test]
    fn on_a_root_bus_the_bus_numbers_are_not_judged() {
        let mut facts = facts();
        facts.device.path.clear();
        let notes = ask(&CHECK, profile(), facts).unwrap();
        assert!(notes[0].contains("sits on a root bus"), "{notes:?}");
    }
}
