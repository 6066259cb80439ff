//! Reads what is to be known of a machine.

use std::io;

use futures_util::future::{join3, try_join, try_join3};

use super::{Cpu, Distribution, HostFacts, VfioFacts, Virtualization, command, iommu, read};
use crate::machine::Host;

/// Reads everything about the machine.
pub async fn host(host: &dyn Host) -> io::Result<HostFacts> {
    let commands = try_join3(
        command::run(host, &["uname", "-m"]),
        command::run(host, &["id", "-u"]),
        late(host),
    );
    let ((architecture, user, (vfio, virtualization)), iommu) =
        try_join(commands, iommu::iommu(host)).await?;
    let architecture = architecture.trim().to_owned();
    let mut cpu = parse_cpu(&read::text(host, "/proc/cpuinfo").await?);
    cpu.hypervisor = cpu.hypervisor || is_virtual_arm(host, &architecture).await?;
    Ok(HostFacts {
        kernel: read::text(host, "/proc/sys/kernel/osrelease").await?,
        command_line: read::text(host, "/proc/cmdline").await?,
        distribution: parse_distribution(
            &read::optional(host, "/etc/os-release")
                .await?
                .unwrap_or_default(),
        ),
        kvm: read::names(host, "/dev")
            .await?
            .iter()
            .any(|name| name == "kvm"),
        root: user.trim() == "0",
        architecture,
        cpu,
        iommu,
        vfio,
        virtualization,
    })
}

/// What may be absent without anything being wrong with the machine.
async fn late(host: &dyn Host) -> io::Result<(VfioFacts, Virtualization)> {
    let modinfo = command::run(host, &["modinfo", "-n", "vfio-pci"]);
    let virsh = command::run(host, &["virsh", "version"]);
    let (modinfo, virsh, loaded) =
        join3(modinfo, virsh, read::names(host, "/sys/module/vfio_pci")).await;
    let vfio = VfioFacts {
        available: modinfo.is_ok() || !loaded?.is_empty(),
        unsafe_interrupts: flag(
            host,
            "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
        )
        .await?,
        noiommu: flag(
            host,
            "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
        )
        .await?,
    };
    let virtualization = match virsh {
        Ok(text) => parse_virtualization(&text),
        Err(error) => Virtualization {
            error: Some(error.to_string()),
            ..Default::default()
        },
    };
    Ok((vfio, virtualization))
}

async fn flag(host: &dyn Host, path: &str) -> io::Result<Option<bool>> {
    Ok(read::optional(host, path)
        .await?
        .map(|text| text == "Y" || text == "1"))
}

/// ARM has no CPU flag for it, so the firmware's name for the machine has to do: DMI's where there
/// is DMI, the device tree's elsewhere (QEMU's hw/arm/virt.c sets `linux,dummy-virt`).
async fn is_virtual_arm(host: &dyn Host, architecture: &str) -> io::Result<bool> {
    if architecture == "x86_64" {
        return Ok(false);
    }
    let dmi = read::optional(host, "/sys/class/dmi/id/sys_vendor").await?;
    let tree = read::optional(host, "/proc/device-tree/model").await?;
    Ok(dmi
        .into_iter()
        .chain(tree)
        .any(|name| is_virtual_name(&name)))
}

/// Makers that sell no ARM hardware under that name.
fn is_virtual_name(name: &str) -> bool {
    ["QEMU", "KVM", "Xen", "VMware", "linux,dummy-virt"]
        .iter()
        .any(|virtual_name| name.starts_with(virtual_name))
}

/// All processors are taken to be like the first.
fn parse_cpu(text: &str) -> Cpu {
    let value = |key: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
        pairs
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| value.trim().to_owned())
    };
    let flags = value("flags").unwrap_or_default();
    let has = |flag: &str| flags.split_whitespace().any(|word| word == flag);
    Cpu {
        vendor: value("vendor_id")
            .or_else(|| value("CPU implementer"))
            .unwrap_or_default(),
        model: value("model name").unwrap_or_default(),
        virtualization: has("vmx") || has("svm"),
        hypervisor: has("hypervisor"),
    }
}

/// `os-release(5)`: shell assignments without expansion.
fn parse_distribution(text: &str) -> Distribution {
    let value = |key: &str| {
        let mut pairs = text.lines().filter_map(|line| line.trim().split_once('='));
        pairs
            .find(|(name, _)| *name == key)
            .map(|(_, value)| unquoted(value))
            .unwrap_or_default()
    };
    Distribution {
        id: value("ID"),
        like: value("ID_LIKE")
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        version: value("VERSION_ID"),
        name: value("PRETTY_NAME"),
    }
}

fn unquoted(value: &str) -> String {
    let inner = ['"', '\'']
        .iter()
        .find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(value).replace('\\', "")
}

/// Lines such as `Using library: libvirt 9.0.0`.
fn parse_virtualization(text: &str) -> Virtualization {
    let version = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key))?;
        value.split_whitespace().last().map(str::to_owned)
    };
    Virtualization {
        libvirt: version("Using library:"),
        qemu: version("Running hypervisor:"),
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{Recorded, lab, run};

    #[test]
    fn the_lab() {
        insta::assert_debug_snapshot!(run(host(&lab())).unwrap());
    }

    #[test]
    fn an_ordinary_user_sees_that_there_is_a_table() {
        let path = "/sys/firmware/acpi/tables/DMAR";
        let machine = lab()
            .refuses(path, nix::errno::Errno::EACCES)
            .prints("id -u", "1000\n");
        let facts = run(host(&machine)).unwrap();
        assert!(!facts.root);
        assert_eq!(facts.iommu.table, None);
        assert_eq!(
            facts.iommu.table_error.unwrap(),
            "cannot read /sys/firmware/acpi/tables/DMAR: Permission denied (os error 13); only root may read it"
        );
    }

    #[test]
    fn a_missing_virsh_and_one_that_fails_say_so() {
        let without = lab().refuses_to_run("virsh version");
        let error = |machine: &Recorded| run(host(machine)).unwrap().virtualization.error.unwrap();
        assert_eq!(error(&without), "`virsh` is not installed");
        let failing = lab().fails(
            "virsh version",
            1,
            "error: failed to connect to the hypervisor\nerror: more",
        );
        assert_eq!(
            error(&failing),
            "`virsh version` ended with 1: error: failed to connect to the hypervisor"
        );
    }

    #[test]
    fn a_daemon_that_does_not_answer_holds_nobody_up() {
        let facts = run(host(&lab().hangs("virsh version"))).unwrap();
        assert_eq!(
            facts.virtualization.error.unwrap(),
            "`virsh version` did not answer within 10 s"
        );
        let error = run(host(&lab().hangs("uname -m"))).unwrap_err();
        assert_eq!(error.to_string(), "`uname -m` did not answer within 10 s");
    }

    #[test]
    fn vfio_is_available_as_a_file_loaded_or_not_at_all() {
        let without = lab().fails(
            "modinfo -n vfio-pci",
            1,
            "modinfo: ERROR: Module vfio-pci not found.",
        );
        assert_eq!(run(host(&without)).unwrap().vfio, VfioFacts::default());
        let loaded = without
            .file("/sys/module/vfio_pci/parameters/disable_idle_d3", "N\n")
            .file(
                "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
                "Y\n",
            )
            .file(
                "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
                "N\n",
            );
        let expected = VfioFacts {
            available: true,
            unsafe_interrupts: Some(true),
            noiommu: Some(false),
        };
        assert_eq!(run(host(&loaded)).unwrap().vfio, expected);
    }

    #[test]
    fn arm_is_virtual_by_the_name_of_its_firmware() {
        let arm =
            "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n";
        let machine = lab()
            .file("/proc/cpuinfo", arm)
            .prints("uname -m", "aarch64\n");
        let cpu = run(host(&machine)).unwrap().cpu;
        assert_eq!(
            (cpu.vendor.as_str(), cpu.hypervisor, cpu.virtualization),
            ("0x41", false, false)
        );
        let tree = machine
            .clone()
            .file("/proc/device-tree/model", "linux,dummy-virt\0");
        assert!(run(host(&tree)).unwrap().cpu.hypervisor);
        let dmi = machine.file("/sys/class/dmi/id/sys_vendor", "QEMU\n");
        assert!(run(host(&dmi)).unwrap().cpu.hypervisor);
    }

    #[test]
    fn relatives_of_a_distribution_are_words() {
        let text = "NAME='Rocky Linux'\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n";
        let rocky = parse_distribution(text);
        assert_eq!(rocky.like, ["rhel", "centos", "fedora"]);
        assert_eq!(
            (
                rocky.id.as_str(),
                rocky.version.as_str(),
                rocky.is_debian_family()
            ),
            ("rocky", "9.4", false)
        );
    }
}
