//! The kernel remaps interrupts, so that no guest can raise one that is not its own.
//!
//! Source: Linux 6.12 drivers/vfio/vfio_iommu_type1.c, `vfio_iommu_type1_attach_group`: without isolated MSI a device is
//! refused with EPERM. Isolated are the interrupt domains of drivers/iommu/intel/irq_remapping.c,
//! drivers/iommu/amd/iommu.c and drivers/irqchip/irq-gic-v3-its.c (`IRQ_DOMAIN_FLAG_ISOLATED_MSI`).

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::HostFacts;
use harness::require;

use super::command_line::{has_flag, values};
use super::{LIMIT, quoted};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "host::interrupt_remapping",
    proves: "the kernel remaps interrupts, so that a guest can raise none but its own",
    source: "Linux 6.12 drivers/vfio/vfio_iommu_type1.c, vfio_iommu_type1_attach_group",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[&SWITCHED_OFF, &NOT_IN_FIRMWARE, &NO_ITS, &NOT_USED],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const SWITCHED_OFF: Finding = Finding::bench(
    "interrupt-remapping-off",
    "The kernel remaps no interrupts because its command line has intremap=off or nointremap; vfio refuses devices then.",
    "grubby --remove-args=\"intremap=off nointremap\" --update-kernel=ALL, then reboot.",
)
.on_debian("Remove intremap=off and nointremap from /etc/default/grub, run update-grub, then reboot.");
const NOT_IN_FIRMWARE: Finding = Finding::bench(
    "interrupt-remapping-not-in-firmware",
    "The firmware describes no IOMMU that remaps interrupts: there is no table, or its flag INTR_REMAP is clear. vfio \
     refuses devices then.",
    "Switch on `VT-d` and `Interrupt remapping` (or `x2APIC`) in the firmware setup; for a QEMU machine use \
     intel-iommu,intremap=on with kernel-irqchip=split. Never use allow_unsafe_interrupts instead.",
);
const NO_ITS: Finding = Finding::bench(
    "interrupt-translation-missing",
    "The kernel uses no interrupt translation service (ITS) of a GICv3 or later, which ARM has in place of interrupt \
     remapping; vfio refuses devices then.",
    "Look for its reason: dmesg | grep ITS. Update the firmware; a machine with a GICv2 cannot be used.",
);
const NOT_USED: Finding = Finding::bench(
    "interrupt-remapping-not-used",
    "The firmware offers an IOMMU and no parameter forbids remapping, but no interrupt in /proc/interrupts is remapped.",
    "Look for the reason: dmesg | grep -i -e remapping -e x2apic -e AMD-Vi. Usual ones: a chipset with an erratum, an I/O \
     APIC that the table does not list, amd_iommu=off.",
);

fn run(bench: &mut Bench) -> Answer {
    let host = &bench.facts.host.clone();
    let (how, seen) = (
        remapped_name(host),
        if host.iommu.interrupt_remapping {
            "some"
        } else {
            "none"
        },
    );
    let line = quoted(&host.command_line);
    let remapped = host.iommu.interrupt_remapping;
    require!(
        bench,
        remapped,
        *cause(host),
        "of the interrupts in /proc/interrupts {seen} go by {how}; {line}"
    );
    Ok(())
}

fn is_arm(host: &HostFacts) -> bool {
    host.architecture == "aarch64"
}

/// How remapped interrupts are marked.
fn remapped_name(host: &HostFacts) -> &'static str {
    if is_arm(host) { "ITS" } else { "IR" }
}

fn cause(host: &HostFacts) -> &'static Finding {
    if is_arm(host) {
        return &NO_ITS;
    }
    if switched_off(&host.command_line) {
        return &SWITCHED_OFF;
    }
    match &host.iommu.table {
        Some(table) if table.interrupt_remapping != Some(false) => &NOT_USED,
        None if host.iommu.table_error.is_some() => &NOT_USED,
        _ => &NOT_IN_FIRMWARE,
    }
}

/// Linux 6.12 drivers/iommu/irq_remapping.c: the last `on` or `off` counts, and `nointremap` is `off`.
fn switched_off(line: &str) -> bool {
    let last = values(line, "intremap")
        .into_iter()
        .rfind(|value| matches!(*value, "on" | "off"));
    last.map_or_else(|| has_flag(line, "nointremap"), |value| value == "off")
}

#[cfg(test)]
mod tests {
    use super::{CHECK, cause, switched_off};
    use crate::checks::fixture::{ask, facts, profile};

    #[test]
    fn remapped_interrupts_pass() {
        assert!(ask(&CHECK, profile(), facts()).is_ok());
    }

    #[test]
    fn every_cause_is_told_apart() {
        let mut facts = facts();
        facts.host.iommu.interrupt_remapping = false;
        assert_eq!(cause(&facts.host).code, "interrupt-remapping-not-used");
        facts.host.iommu.table.as_mut().unwrap().interrupt_remapping = Some(false);
        assert_eq!(
            cause(&facts.host).code,
            "interrupt-remapping-not-in-firmware"
        );
        facts.host.iommu.table = None;
        assert_eq!(
            cause(&facts.host).code,
            "interrupt-remapping-not-in-firmware"
        );
        facts.host.command_line = "nointremap".into();
        let told = ask(&CHECK, profile(), facts.clone()).unwrap_err();
        assert_eq!(
            told,
            "interrupt-remapping-off: of the interrupts in /proc/interrupts none go by IR; kernel command line: `nointremap`"
        );
        facts.host.architecture = "aarch64".into();
        assert_eq!(cause(&facts.host).code, "interrupt-translation-missing");
    }

    #[test]
    fn the_last_switch_counts() {
        assert!(switched_off("intremap=off") && switched_off("nointremap"));
        assert!(
            !switched_off("intremap=off intremap=nosid,on")
                && !switched_off("nointremap intremap=on")
        );
        assert!(!switched_off("intremap=no_x2apic_optout"));
    }
}
