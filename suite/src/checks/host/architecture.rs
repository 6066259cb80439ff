//! The machine's architecture is one that the device is supported on.
//!
//! Source: RHEL 9, 14.7.2 (hosts by Intel and AMD) and 14.7.3 (note: no NVMe devices on ARM 64).

use harness::bench::{Bench, listed};
use harness::check::{Answer, Check, Finding};
use harness::require;

use super::LIMIT;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "host::architecture",
    proves: "the machine's architecture is one that the device is supported on",
    source: "RHEL 9, 14.7.2 and 14.7.3, note",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[&UNKNOWN, &UNSUPPORTED],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const UNKNOWN: Finding = Finding::bench(
    "architecture-unknown",
    "This suite can judge the isolation of VT-d, AMD-Vi and SMMU only, so it can certify nothing on other architectures.",
    "Certify the device in a machine with an Intel, AMD or 64-bit ARM processor.",
);
const UNSUPPORTED: Finding = Finding::bench(
    "architecture-not-supported",
    "The device's list of supported uses excludes machines of this architecture, so nothing it does here can be certified.",
    "Certify the device in a machine of another architecture.",
);

/// Those with VT-d or AMD-Vi, and with SMMU.
const KNOWN: [&str; 2] = ["x86_64", "aarch64"];

fn run(bench: &mut Bench) -> Answer {
    let machine = bench.facts.host.architecture.clone();
    let (known, list) = (KNOWN.contains(&machine.as_str()), listed(KNOWN));
    require!(
        bench,
        known,
        UNKNOWN,
        "`uname -m` says {machine}, known are: {list}"
    );
    let excluded = bench.profile.unsupported_architectures.clone();
    let list = listed(&excluded);
    let supported = !excluded.contains(&machine);
    require!(
        bench,
        supported,
        UNSUPPORTED,
        "`uname -m` says {machine}, the profile excludes: {list}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::fixture::{ask, facts, profile};

    #[test]
    fn an_architecture_without_a_known_iommu_is_refused() {
        let mut facts = facts();
        assert!(ask(&CHECK, profile(), facts.clone()).is_ok());
        facts.host.architecture = "riscv64".into();
        let told = ask(&CHECK, profile(), facts).unwrap_err();
        assert_eq!(
            told,
            "architecture-unknown: `uname -m` says riscv64, known are: x86_64, aarch64"
        );
    }

    #[test]
    fn a_profile_may_exclude_arm() {
        let (mut facts, mut profile) = (facts(), profile());
        facts.host.architecture = "aarch64".into();
        assert!(ask(&CHECK, profile.clone(), facts.clone()).is_ok());
        profile.unsupported_architectures = vec!["aarch64".into()];
        let told = ask(&CHECK, profile, facts).unwrap_err();
        assert_eq!(
            told,
            "architecture-not-supported: `uname -m` says aarch64, the profile excludes: aarch64"
        );
    }
}
