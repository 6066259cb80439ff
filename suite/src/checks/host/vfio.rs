//! The kernel has vfio-pci, the driver that hands a virtual function to a guest.
//!
//! Source: RHEL 9, 14.7.1 (virtual functions are given to guests by VFIO).

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::require;

use super::LIMIT;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "host::vfio",
    proves: "the kernel has vfio-pci, loaded or to be loaded",
    source: "RHEL 9, 14.7.1",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[&NO_VFIO],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const NO_VFIO: Finding = Finding::bench(
    "vfio-pci-missing",
    "The running kernel has no vfio-pci, neither loaded nor as a module, so no VF can be handed to a guest.",
    "dnf install kernel-modules-core-$(uname -r) kernel-modules-$(uname -r), then: modprobe vfio-pci. Boot the kernel that the \
     modules belong to.",
)
.on_debian("apt install linux-image-$(uname -r), then: modprobe vfio-pci. A `cloud` kernel may lack it: boot the generic one.");

fn run(bench: &mut Bench) -> Answer {
    let (available, kernel) = (
        bench.facts.host.vfio.available,
        bench.facts.host.kernel.clone(),
    );
    require!(
        bench,
        available,
        NO_VFIO,
        "kernel {kernel} has {}vfio-pci, loaded or as a module",
        if available { "" } else { "no " }
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::fixture::{ask, facts, profile};

    #[test]
    fn vfio_must_be_there() {
        let mut facts = facts();
        assert!(ask(&CHECK, profile(), facts.clone()).is_ok());
        facts.host.vfio.available = false;
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert_eq!(
            told,
            "vfio-pci-missing: kernel 6.12.107+deb13-amd64 has no vfio-pci, loaded or as a module"
        );
    }
}
