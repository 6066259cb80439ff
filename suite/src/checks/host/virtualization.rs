//! The machine can run guests: the processor, KVM, libvirt and QEMU.
//!
//! Source: RHEL 9, 14.7.2, step 5 (a VF is handed to a guest by virsh). The processor's flags: Linux 6.12
//! arch/x86/include/asm/cpufeatures.h, `X86_FEATURE_VMX` and `X86_FEATURE_SVM`.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::HostFacts;
use harness::require;

use super::LIMIT;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "host::virtualization",
    proves: "the machine can run guests with KVM, libvirt and QEMU",
    source: "RHEL 9, 14.7.2, step 5",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[&NO_FLAG, &NO_KVM, &NO_LIBVIRT, &NO_QEMU],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const NO_FLAG: Finding = Finding::bench(
    "cpu-without-virtualization",
    "The processor shows neither `vmx` (Intel) nor `svm` (AMD): virtualization is switched off in the firmware setup, or \
     this is a virtual machine without nesting.",
    "Switch on `VT-x` or `SVM` in the firmware setup; for a virtual machine allow nested virtualization and pass the host's \
     processor through.",
);
const NO_KVM: Finding = Finding::bench(
    "kvm-missing",
    "There is no /dev/kvm: the module kvm_intel or kvm_amd is not loaded or refuses this processor.",
    "modprobe kvm_intel (or kvm_amd), then read: dmesg | grep -i kvm. Usual cause: VT-x or SVM is locked in the firmware setup.",
);
const NO_LIBVIRT: Finding = Finding::bench(
    "libvirt-silent",
    "`virsh version` did not answer, so no VF can be handed to a guest.",
    "dnf install libvirt-client libvirt-daemon-driver-qemu qemu-kvm, then: systemctl enable --now virtqemud.socket",
)
.on_debian("apt install libvirt-clients libvirt-daemon-system qemu-system-x86, then: systemctl enable --now libvirtd.socket");
const NO_QEMU: Finding = Finding::bench(
    "qemu-unknown",
    "libvirt answers but names no QEMU, so it has no emulator to start guests with.",
    "dnf install qemu-kvm, then: systemctl restart virtqemud",
)
.on_debian("apt install qemu-system-x86, then: systemctl restart libvirtd");

fn run(bench: &mut Bench) -> Answer {
    let host = &bench.facts.host.clone();
    // ARM has no such flag: KVM needs EL2 there, and /dev/kvm says whether it got it.
    if host.architecture == "x86_64" {
        require!(
            bench,
            host.cpu.virtualization,
            NO_FLAG,
            "/proc/cpuinfo has {} of the flags vmx and svm",
            if host.cpu.virtualization {
                "one"
            } else {
                "neither"
            }
        );
    }
    require!(
        bench,
        host.kvm,
        NO_KVM,
        "there is {} /dev/kvm",
        if host.kvm { "a" } else { "no" }
    );
    let virsh = virsh(host);
    require!(
        bench,
        host.virtualization.libvirt.is_some(),
        NO_LIBVIRT,
        "`virsh version`: {virsh}"
    );
    require!(
        bench,
        host.virtualization.qemu.is_some(),
        NO_QEMU,
        "`virsh version`: {virsh}"
    );
    Ok(())
}

/// What `virsh version` came to, in one line.
fn virsh(host: &HostFacts) -> String {
    let known = |version: &Option<String>| version.clone().unwrap_or_else(|| "unknown".into());
    let virtualization = &host.virtualization;
    match &virtualization.error {
        Some(error) => error.clone(),
        None => format!(
            "libvirt {}, QEMU {}",
            known(&virtualization.libvirt),
            known(&virtualization.qemu)
        ),
    }
}

#[cfg(test)]
mod tests {
    use harness::facts::{Facts, Virtualization};

    use super::CHECK;
    use crate::checks::fixture::{ask, facts, profile};

    fn told(change: impl Fn(&mut Facts)) -> String {
        let mut facts = facts();
        change(&mut facts);
        ask(&CHECK, profile(), facts).unwrap_err()
    }

    #[test]
    fn every_lack_has_its_finding() {
        assert!(ask(&CHECK, profile(), facts()).is_ok());
        let flag = told(|facts| facts.host.cpu.virtualization = false);
        assert_eq!(
            flag,
            "cpu-without-virtualization: /proc/cpuinfo has neither of the flags vmx and svm"
        );
        assert_eq!(
            told(|facts| facts.host.kvm = false),
            "kvm-missing: there is no /dev/kvm"
        );
        let qemu = told(|facts| facts.host.virtualization.qemu = None);
        assert_eq!(
            qemu,
            "qemu-unknown: `virsh version`: libvirt 11.3.0, QEMU unknown"
        );
        let error = Some("`virsh` is not installed".to_owned());
        let libvirt = told(|facts| {
            facts.host.virtualization = Virtualization {
                error: error.clone(),
                ..Virtualization::default()
            }
        });
        assert_eq!(
            libvirt,
            "libvirt-silent: `virsh version`: `virsh` is not installed"
        );
    }

    #[test]
    fn arm_has_no_flag() {
        let mut facts = facts();
        facts.host.architecture = "aarch64".into();
        facts.host.cpu.virtualization = false;
        assert!(ask(&CHECK, profile(), facts).is_ok());
    }
}
