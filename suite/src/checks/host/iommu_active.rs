//! The kernel drives the IOMMU and puts devices into groups.
//!
//! Source: RHEL 9, 14.7.2, prerequisites (IOMMU on in BIOS and kernel). Which parameter switches what: Linux 6.12
//! drivers/iommu/intel/iommu.c, `intel_iommu_setup` and `intel_iommu_init`; drivers/iommu/amd/init.c,
//! `parse_amd_iommu_options` and `amd_iommu_detect`; arch/x86/kernel/pci-dma.c, `iommu_setup`.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::{HostFacts, IommuKind};
use harness::require;

use super::command_line::{has, is_on, values};
use super::{LIMIT, quoted};

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "host::iommu_active",
    proves: "the kernel drives the IOMMU and puts devices into groups",
    source: "RHEL 9, 14.7.2, prerequisites: intel_iommu=on, iommu=pt",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[
        &NOTHING_TO_DRIVE,
        &INTEL_OFF,
        &INTEL_NOT_ON,
        &AMD_OFF,
        &ALL_OFF,
        &SMMU_IDLE,
        &DRIVER_FAILED,
    ],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const NOTHING_TO_DRIVE: Finding = Finding::bench(
    "iommu-inactive-no-hardware",
    "The kernel drives no IOMMU because the firmware describes none: VT-d, AMD-Vi or SMMU is switched off in the \
     firmware setup, or the machine has none.",
    "Switch the IOMMU on in the firmware setup; see host::iommu_hardware.",
);
const INTEL_OFF: Finding = Finding::bench(
    "intel-iommu-off",
    "The kernel leaves VT-d alone because its command line ends up with intel_iommu=off.",
    "grubby --remove-args=intel_iommu=off --args=\"intel_iommu=on iommu=pt\" --update-kernel=ALL, then reboot.",
)
.on_debian(
    "Replace intel_iommu=off by `intel_iommu=on iommu=pt` in GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT in \
     /etc/default/grub, run update-grub, then reboot.",
);
const INTEL_NOT_ON: Finding = Finding::bench(
    "intel-iommu-not-on",
    "The firmware describes VT-d, but the kernel was built to leave it off (CONFIG_INTEL_IOMMU_DEFAULT_ON is not set) and \
     its command line does not switch it on.",
    "grubby --args=\"intel_iommu=on iommu=pt\" --update-kernel=ALL, then reboot.",
)
.on_debian("Add `intel_iommu=on iommu=pt` to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, then reboot.");
const AMD_OFF: Finding = Finding::bench(
    "amd-iommu-off",
    "The kernel leaves AMD-Vi alone because its command line has amd_iommu=off; no later value takes that back.",
    "grubby --remove-args=amd_iommu=off --args=iommu=pt --update-kernel=ALL, then reboot.",
)
.on_debian(
    "Remove amd_iommu=off from GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, add iommu=pt, run \
     update-grub, then reboot.",
);
const ALL_OFF: Finding = Finding::bench(
    "iommu-off",
    "The kernel leaves every IOMMU alone because its command line has iommu=off; no later value takes that back.",
    "grubby --remove-args=iommu=off --args=\"intel_iommu=on iommu=pt\" --update-kernel=ALL (without intel_iommu=on on \
     AMD), then reboot.",
)
.on_debian(
    "Replace iommu=off by `intel_iommu=on iommu=pt` (on AMD by `iommu=pt`) in /etc/default/grub, run update-grub, then \
     reboot.",
);
const SMMU_IDLE: Finding = Finding::bench(
    "smmu-inactive",
    "The firmware describes an SMMU, but the kernel's driver for it (arm-smmu or arm-smmu-v3) has taken charge of none.",
    "Look for its reason: dmesg | grep -i smmu. Boot the distribution's own kernel, update the firmware.",
);
const DRIVER_FAILED: Finding = Finding::bench(
    "iommu-driver-failed",
    "The firmware describes an IOMMU and no parameter forbids it, but the kernel drives none or made no groups.",
    "Look for its reason: dmesg | grep -i -e DMAR -e AMD-Vi -e iommu. Boot the distribution's own kernel, update the \
     firmware.",
);

fn run(bench: &mut Bench) -> Answer {
    let host = &bench.facts.host.clone();
    let (units, groups) = (host.iommu.units.len(), host.iommu.groups);
    let line = quoted(&host.command_line);
    require!(
        bench,
        units > 0,
        *cause(host),
        "the kernel drives {units} IOMMU units (/sys/class/iommu); {line}"
    );
    require!(
        bench,
        groups > 0,
        *cause(host),
        "/sys/kernel/iommu_groups holds {groups} groups; {line}"
    );
    if !passes_through(&host.command_line) {
        let advice = "advice: iommu=pt is not set, so the host's own devices pay for address translation, which RHEL 9, 14.7.2 avoids";
        bench.log.note(advice.to_owned())?;
    }
    Ok(())
}

/// Why the kernel does not drive what there is.
fn cause(host: &HostFacts) -> &'static Finding {
    let line = &host.command_line;
    if !host.iommu.units.is_empty() {
        return &DRIVER_FAILED;
    }
    match kind(host) {
        None => &NOTHING_TO_DRIVE,
        Some(IommuKind::Smmu) => &SMMU_IDLE,
        Some(IommuKind::VtD) if intel_switch(line) == Some("off") => &INTEL_OFF,
        Some(IommuKind::AmdVi) if has(line, "amd_iommu", "off") => &AMD_OFF,
        Some(_) if has(line, "iommu", "off") => &ALL_OFF,
        Some(IommuKind::VtD) if intel_switch(line).is_none() => &INTEL_NOT_ON,
        Some(_) => &DRIVER_FAILED,
    }
}

/// The hardware by its table; by the processor where the table is there but could not be read.
fn kind(host: &HostFacts) -> Option<IommuKind> {
    let unread = || {
        host.iommu
            .table_error
            .as_ref()
            .map(|_| kind_by_processor(&host.cpu.vendor))
    };
    host.iommu
        .table
        .as_ref()
        .map(|table| table.kind)
        .or_else(unread)
}

fn kind_by_processor(vendor: &str) -> IommuKind {
    match vendor {
        "GenuineIntel" => IommuKind::VtD,
        "AuthenticAMD" => IommuKind::AmdVi,
        _ => IommuKind::Smmu,
    }
}

/// The last `on` or `off` counts.
fn intel_switch(line: &str) -> Option<&str> {
    values(line, "intel_iommu")
        .into_iter()
        .rfind(|value| matches!(*value, "on" | "off"))
}

/// Linux 6.12 drivers/iommu/iommu.c, `iommu_set_def_domain_type`, is the spelling for all architectures.
fn passes_through(line: &str) -> bool {
    has(line, "iommu", "pt") || is_on(line, "iommu.passthrough")
}

#[cfg(test)]
mod tests {
    use harness::facts::{Facts, IommuKind};

    use super::{CHECK, cause};
    use crate::checks::fixture::{ask, facts, profile};

    fn inactive(kind: Option<IommuKind>, line: &str) -> Facts {
        let mut facts = facts();
        match kind {
            Some(kind) => facts.host.iommu.table.as_mut().unwrap().kind = kind,
            None => facts.host.iommu.table = None,
        }
        facts.host.iommu.units.clear();
        facts.host.iommu.groups = 0;
        facts.host.command_line = line.into();
        facts
    }

    #[test]
    fn every_cause_is_told_apart() {
        let code = |kind, line| cause(&inactive(kind, line).host).code;
        assert_eq!(code(None, "intel_iommu=on"), "iommu-inactive-no-hardware");
        assert_eq!(code(Some(IommuKind::VtD), "quiet"), "intel-iommu-not-on");
        assert_eq!(
            code(Some(IommuKind::VtD), "intel_iommu=on,sm_on intel_iommu=off"),
            "intel-iommu-off"
        );
        assert_eq!(
            code(Some(IommuKind::VtD), "intel_iommu=sm_on"),
            "intel-iommu-not-on"
        );
        assert_eq!(
            code(Some(IommuKind::VtD), "intel_iommu=on iommu=off"),
            "iommu-off"
        );
        assert_eq!(
            code(Some(IommuKind::VtD), "intel_iommu=off intel_iommu=on"),
            "iommu-driver-failed"
        );
        assert_eq!(
            code(Some(IommuKind::AmdVi), "amd_iommu=off,pgtbl_v2"),
            "amd-iommu-off"
        );
        assert_eq!(code(Some(IommuKind::AmdVi), "iommu=off"), "iommu-off");
        assert_eq!(code(Some(IommuKind::AmdVi), ""), "iommu-driver-failed");
        assert_eq!(code(Some(IommuKind::Smmu), ""), "smmu-inactive");
    }

    #[test]
    fn units_without_groups_fail_too() {
        let mut facts = facts();
        facts.host.iommu.groups = 0;
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert!(
            told.starts_with("iommu-driver-failed: /sys/kernel/iommu_groups holds 0 groups; "),
            "{told}"
        );
    }

    #[test]
    fn an_unreadable_table_does_not_hide_the_parameter() {
        let mut facts = inactive(None, "amd_iommu=off");
        facts.host.iommu.table_error = Some("IVRS: broken".into());
        facts.host.cpu.vendor = "AuthenticAMD".into();
        assert_eq!(cause(&facts.host).code, "amd-iommu-off");
    }

    #[test]
    fn a_missing_iommu_pt_is_advice() {
        let mut facts = facts();
        assert_eq!(ask(&CHECK, profile(), facts.clone()), Ok(vec![]));
        facts.host.command_line = "intel_iommu=on".into();
        let notes = ask(&CHECK, profile(), facts.clone()).unwrap();
        assert!(
            notes[0].starts_with("advice: iommu=pt is not set"),
            "{notes:?}"
        );
        facts.host.command_line = "intel_iommu=on iommu.passthrough=1".into();
        assert_eq!(ask(&CHECK, profile(), facts), Ok(vec![]));
    }

    #[test]
    fn the_message_quotes_the_command_line() {
        let told = ask(&CHECK, profile(), inactive(Some(IommuKind::VtD), "quiet")).unwrap_err();
        assert_eq!(
            told,
            "intel-iommu-not-on: the kernel drives 0 IOMMU units (/sys/class/iommu); kernel command line: `quiet`"
        );
    }
}
