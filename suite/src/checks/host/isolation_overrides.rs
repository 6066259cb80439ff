//! Nothing pretends that devices are isolated from each other when they are not.
//!
//! Source: Linux 6.12 drivers/vfio/vfio_main.c (`enable_unsafe_noiommu_mode`), drivers/vfio/vfio_iommu_type1.c
//! (`allow_unsafe_interrupts`), drivers/iommu/irq_remapping.c (`nosid`). `pcie_acs_override` is no part of Linux: a patch
//! that some distributions carry.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::VfioFacts;
use harness::require;

use super::LIMIT;
use super::command_line::{has, is_on, values};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "host::isolation_overrides",
    proves: "nothing pretends that devices are isolated when they are not",
    source: "RHEL 9, 14.7.2, prerequisites: DMA isolation by ACS; Linux 6.12 drivers/vfio/vfio_main.c, vfio_iommu_type1.c",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[
        &ACS_OVERRIDE,
        &NOIOMMU,
        &UNSAFE_INTERRUPTS,
        &NO_SOURCE_CHECK,
    ],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const ACS_OVERRIDE: Finding = Finding::bench(
    "acs-override",
    "The kernel is told to pretend that ports isolate devices which they do not. Its IOMMU groups prove nothing then.",
    "grubby --remove-args=pcie_acs_override --update-kernel=ALL, boot the distribution's own kernel, and put the card into a slot \
     whose ports have ACS.",
)
.on_debian(
    "Remove pcie_acs_override from /etc/default/grub, run update-grub, boot the distribution's own kernel, and put the card \
     into a slot whose ports have ACS.",
);
const NOIOMMU: Finding = Finding::bench(
    "vfio-noiommu",
    "vfio hands out devices without an IOMMU (enable_unsafe_noiommu_mode): whoever has one can write to all memory.",
    "Remove enable_unsafe_noiommu_mode from /etc/modprobe.d and the kernel command line, then: \
     echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
);
const UNSAFE_INTERRUPTS: Finding = Finding::bench(
    "vfio-unsafe-interrupts",
    "vfio hands out devices although interrupts are not remapped (allow_unsafe_interrupts): a guest can raise any interrupt \
     of the host.",
    "Remove allow_unsafe_interrupts from /etc/modprobe.d and the kernel command line, then: \
     echo N > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
);
const NO_SOURCE_CHECK: Finding = Finding::bench(
    "interrupt-source-unchecked",
    "The kernel remaps interrupts without looking at who raises them (intremap=nosid): a guest can raise those of others.",
    "grubby --remove-args=intremap=nosid --update-kernel=ALL, then reboot.",
)
.on_debian("Remove nosid from intremap= in /etc/default/grub, run update-grub, then reboot.");

fn run(bench: &mut Bench) -> Answer {
    let (line, vfio) = (
        &bench.facts.host.command_line.clone(),
        &bench.facts.host.vfio.clone(),
    );
    let acs = values(line, "pcie_acs_override").join(",");
    require!(
        bench,
        acs.is_empty(),
        ACS_OVERRIDE,
        "pcie_acs_override on the kernel command line is `{acs}`"
    );
    let noiommu = noiommu(line, vfio);
    require!(
        bench,
        !noiommu,
        NOIOMMU,
        "enable_unsafe_noiommu_mode of vfio is {}",
        on(noiommu)
    );
    let unsafe_interrupts = unsafe_interrupts(line, vfio);
    require!(
        bench,
        !unsafe_interrupts,
        UNSAFE_INTERRUPTS,
        "allow_unsafe_interrupts of vfio_iommu_type1 is {}",
        on(unsafe_interrupts)
    );
    let nosid = has(line, "intremap", "nosid");
    require!(
        bench,
        !nosid,
        NO_SOURCE_CHECK,
        "intremap=nosid is {}on the kernel command line",
        if nosid { "" } else { "not " }
    );
    Ok(())
}

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A module that is not loaded yet will take what the command line says.
fn noiommu(line: &str, vfio: &VfioFacts) -> bool {
    vfio.noiommu
        .unwrap_or_else(|| is_on(line, "vfio.enable_unsafe_noiommu_mode"))
}

fn unsafe_interrupts(line: &str, vfio: &VfioFacts) -> bool {
    vfio.unsafe_interrupts
        .unwrap_or_else(|| is_on(line, "vfio_iommu_type1.allow_unsafe_interrupts"))
}

#[cfg(test)]
mod tests {
    use harness::facts::Facts;

    use super::CHECK;
    use crate::checks::fixture::{ask, facts, profile};

    fn told(change: impl Fn(&mut Facts)) -> String {
        let mut facts = facts();
        change(&mut facts);
        ask(&CHECK, profile(), facts).unwrap_err()
    }

    #[test]
    fn an_honest_host_passes() {
        assert!(ask(&CHECK, profile(), facts()).is_ok());
    }

    #[test]
    fn every_override_has_its_finding() {
        let acs =
            told(|facts| facts.host.command_line += " pcie_acs_override=downstream,multifunction");
        assert_eq!(
            acs,
            "acs-override: pcie_acs_override on the kernel command line is `downstream,multifunction`"
        );
        let noiommu = told(|facts| facts.host.vfio.noiommu = Some(true));
        assert_eq!(
            noiommu,
            "vfio-noiommu: enable_unsafe_noiommu_mode of vfio is on"
        );
        let interrupts = told(|facts| facts.host.vfio.unsafe_interrupts = Some(true));
        assert_eq!(
            interrupts,
            "vfio-unsafe-interrupts: allow_unsafe_interrupts of vfio_iommu_type1 is on"
        );
        let nosid = told(|facts| facts.host.command_line += " intremap=nosid");
        assert_eq!(
            nosid,
            "interrupt-source-unchecked: intremap=nosid is on the kernel command line"
        );
    }

    #[test]
    fn a_module_not_loaded_yet_is_judged_by_the_command_line() {
        let noiommu = told(|facts| {
            facts.host.vfio.noiommu = None;
            facts.host.command_line += " vfio.enable_unsafe_noiommu_mode=1";
        });
        assert!(noiommu.starts_with("vfio-noiommu: "), "{noiommu}");
        let mut loaded = facts();
        loaded.host.command_line += " vfio.enable_unsafe_noiommu_mode=1";
        assert!(
            ask(&CHECK, profile(), loaded).is_ok(),
            "what the module says now counts"
        );
    }
}
