//! What a check may ask for before it can run: a closed list.

use reports::SkipKind;

use crate::facts::{DeviceFacts, Facts, Port};
use crate::profile::{Kind, Profile};

/// Something that must be there for a check to make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// The device is a network adapter.
    Nic,
    /// The device is an `NVMe` controller.
    Nvme,
    /// nvme-cli can ask the controller.
    NvmeCli,
    /// The user has named a namespace of the controller whose data may be lost.
    ScratchNamespace,
    /// The kernel offers `sriov_numvfs` with a limit above zero.
    Sriov,
    /// The limit is at least two.
    SeveralVfs,
    /// Another PF of the same kind is a device of the run too.
    SecondPf,
    /// The profile's driver is bound to the PF.
    PfDriver,
    /// The driver of a VF binds without further preparation.
    VfDriver,
    /// The kernel puts devices into IOMMU groups.
    Iommu,
    /// The PF has a network interface.
    Netdev,
    /// The device has a PCI Express capability that could be read.
    Express,
    /// The profile claims how many vectors a VF has.
    ClaimedMsix,
    /// The profile claims how a VF is reset.
    ClaimedReset,
    /// The profile claims an MTU.
    ClaimedMtu,
    /// The profile claims that a rule of udev makes VFs persistent.
    ClaimedPersistence,
    /// libvirt answers.
    Libvirt,
    /// The kernel can run guests.
    Kvm,
    /// Interrupts of devices in guests are isolated.
    InterruptRemapping,
    /// The kernel has vfio-pci.
    Vfio,
    /// No bridge above the device shares its IOMMU group.
    Isolation,
}

/// Why a need is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whether nobody claims it, or the machine lacks it.
    pub kind: SkipKind,
    /// In words.
    pub reason: String,
}

impl Need {
    /// How the need is called in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nic => "network adapter",
            Self::Nvme => "NVMe controller",
            Self::NvmeCli => "nvme-cli",
            Self::ScratchNamespace => "a scratch namespace",
            Self::Sriov => "SR-IOV in the kernel",
            Self::SeveralVfs => "two VFs or more",
            Self::SecondPf => "a second PF of the profile",
            Self::PfDriver => "the profile's PF driver",
            Self::VfDriver => "VFs that bind by themselves",
            Self::Iommu => "IOMMU groups",
            Self::Netdev => "network interface",
            Self::Express => "readable PCI Express capability",
            Self::ClaimedMsix => "claim vf_msix",
            Self::ClaimedReset => "claim vf_reset",
            Self::ClaimedMtu => "claim max_mtu",
            Self::ClaimedPersistence => "claim persistence",
            Self::Libvirt => "libvirt",
            Self::Kvm => "KVM",
            Self::InterruptRemapping => "interrupt remapping",
            Self::Vfio => "vfio-pci",
            Self::Isolation => "isolation by ACS",
        }
    }

    /// Why it is not met, or `None` where it is.
    pub fn missing(self, profile: &Profile, facts: &Facts) -> Option<Missing> {
        let claims = &profile.claims;
        match self {
            Self::Nic => not_claimed(
                profile.kind == Kind::Nic,
                "an NVMe controller has no network interface",
            ),
            Self::Nvme => not_claimed(
                profile.kind == Kind::Nvme,
                "a network adapter has no secondary controllers",
            ),
            Self::NvmeCli => unasked(&facts.device),
            // Which one the user names is no fact: the plan says it.
            Self::ScratchNamespace => fixed(&facts.device),
            Self::VfDriver => not_claimed(
                profile.kind == Kind::Nic,
                "an NVMe VF is offline until it is given queues and vectors",
            ),
            Self::ClaimedMsix => {
                not_claimed(claims.vf_msix.is_some(), "the profile claims no vf_msix")
            }
            Self::ClaimedReset => not_claimed(
                !claims.vf_reset.is_empty(),
                "the profile claims no vf_reset",
            ),
            Self::ClaimedMtu => {
                not_claimed(claims.max_mtu.is_some(), "the profile claims no max_mtu")
            }
            Self::ClaimedPersistence => not_claimed(
                claims.persistence.is_some(),
                "the profile claims no persistence",
            ),
            Self::Libvirt => unmet(facts.host.virtualization.libvirt.is_some(), || {
                "libvirt does not answer: see host::virtualization".into()
            }),
            Self::Kvm => no_guests(facts),
            Self::InterruptRemapping => unmet(isolates_interrupts(facts), || {
                "interrupts are not remapped, so the kernel gives no device to a guest: see host::interrupt_remapping".into()
            }),
            Self::Vfio => unmet(facts.host.vfio.available, || {
                "the kernel has no vfio-pci: see host::vfio".into()
            }),
            Self::Isolation => unmet(is_apart(&facts.device), || {
                "a bridge above the device shares its IOMMU group: see device::acs_path".into()
            }),
            Self::Sriov => unmet(total(facts) > 0, || no_sriov(facts)),
            Self::SeveralVfs => several_vfs(claims.total_vfs, total(facts)),
            Self::SecondPf => second_pf(profile, facts),
            Self::PfDriver => unmet(pf_driver(&facts.device) == Some(&profile.driver.pf), || {
                wrong_driver(profile, facts)
            }),
            Self::Iommu => unmet(facts.host.iommu.groups > 0, || {
                "the kernel has no IOMMU groups: see host::iommu_active".into()
            }),
            Self::Netdev => unmet(!facts.device.net.is_empty(), || {
                "the PF has no network interface".into()
            }),
            Self::Express => unmet(facts.device.capabilities.express.is_some(), || {
                "no PCI Express capability could be read (root is needed)".into()
            }),
        }
    }
}

/// One VF is too few to ask, but nothing is left open where no more are claimed.
fn several_vfs(claimed: Option<u16>, total: u16) -> Option<Missing> {
    match (claimed, total) {
        (Some(1), 1) => not_claimed(false, "the profile claims only one VF"),
        (_, total) => unmet(total != 1, || "the kernel allows only one VF".into()),
    }
}

/// A device that is alone is none the worse for it.
fn second_pf(profile: &Profile, facts: &Facts) -> Option<Missing> {
    let Some(second) = &facts.second else {
        let alone = "this run has no second PF of the profile (--device leaves others out)";
        return not_claimed(false, alone);
    };
    unmet(is_fit(profile, second), || {
        format!(
            "{}, the second PF of the profile, is not fit for guests: it needs the profile's driver, an interface, VFs and isolation",
            second.bdf
        )
    })
}

/// Why the controller could not be asked for its secondary ones.
fn unasked(device: &DeviceFacts) -> Option<Missing> {
    let Some(nvme) = &device.nvme else {
        return unmet(false, || {
            "the PF has no controller: see device::identity".into()
        });
    };
    let why = nvme.unasked.as_deref();
    unmet(why.is_none(), || {
        format!(
            "the controller cannot be asked: {}",
            why.unwrap_or_default()
        )
    })
}

/// Why the data of a namespace cannot be come by from one function alone.
fn fixed(device: &DeviceFacts) -> Option<Missing> {
    let nvme = device.nvme.as_ref()?;
    unmet(nvme.attaches != Some(false), || {
        "the controller attaches and detaches no namespaces (OACS, bit 3)".into()
    })
}

/// Why no probe guest can run.
fn no_guests(facts: &Facts) -> Option<Missing> {
    let architecture = &facts.host.architecture;
    unmet(architecture == "x86_64", || {
        format!("probe guests are made for x86_64 only, this machine is {architecture}")
    })
    .or_else(|| {
        unmet(facts.host.kvm, || {
            "there is no /dev/kvm: see host::virtualization".into()
        })
    })
}

/// Without, the kernel gives a device to a guest only where it was told not to mind (Linux 6.12
/// drivers/vfio/vfio_iommu_type1.c, `vfio_iommu_type1_attach_group`).
fn isolates_interrupts(facts: &Facts) -> bool {
    let unsafe_allowed = facts.host.vfio.unsafe_interrupts == Some(true);
    facts.host.iommu.interrupt_remapping || unsafe_allowed
}

fn not_claimed(met: bool, reason: &str) -> Option<Missing> {
    (!met).then(|| Missing {
        kind: SkipKind::NotClaimed,
        reason: reason.into(),
    })
}

fn unmet(met: bool, reason: impl FnOnce() -> String) -> Option<Missing> {
    (!met).then(|| Missing {
        kind: SkipKind::UnmetNeed,
        reason: reason(),
    })
}

/// The kernel puts a bridge that does not isolate into one group with all that is behind it, VFs
/// included (Linux 6.12 drivers/iommu/iommu.c, `pci_device_group`).
fn is_apart(device: &DeviceFacts) -> bool {
    let group = device.iommu_group.as_ref();
    let shares = |port: &Port| group.is_some_and(|group| group.members.contains(&port.bdf));
    !device.path.iter().any(shares)
}

/// Whether another PF meets what a device must to hand a VF to a guest: what it lacks is for its own checks to find.
fn is_fit(profile: &Profile, pf: &DeviceFacts) -> bool {
    pf_driver(pf) == Some(&profile.driver.pf)
        && pf.sriov.is_some_and(|sriov| sriov.totalvfs > 0)
        && !pf.net.is_empty()
        && is_apart(pf)
}

fn total(facts: &Facts) -> u16 {
    facts.device.sriov.map_or(0, |sriov| sriov.totalvfs)
}

fn no_sriov(facts: &Facts) -> String {
    match facts.device.sriov {
        Some(_) => "sriov_totalvfs is 0: see device::sriov_capability".into(),
        None => "the kernel shows no sriov_totalvfs: see device::sriov_capability".into(),
    }
}

fn pf_driver(device: &DeviceFacts) -> Option<&String> {
    device.driver.as_ref().map(|driver| &driver.name)
}

fn wrong_driver(profile: &Profile, facts: &Facts) -> String {
    let bound = pf_driver(&facts.device).map_or("no driver", |name| name);
    format!(
        "{bound} is bound to the PF, the profile needs {}",
        profile.driver.pf
    )
}

#[cfg(test)]
mod tests {
    use reports::SkipKind;

    use super::several_vfs;

    #[test]
    fn a_vf_that_is_missing_is_another_matter_than_one_that_nobody_claims() {
        let kind = |claimed, total| several_vfs(claimed, total).map(|missing| missing.kind);
        assert_eq!(kind(Some(1), 1), Some(SkipKind::NotClaimed));
        assert_eq!(kind(Some(2), 1), Some(SkipKind::UnmetNeed));
        assert_eq!(kind(None, 1), Some(SkipKind::UnmetNeed));
        assert_eq!(kind(Some(1), 2), None);
    }
}
