//! The ways the lab host can be wrong.

/// A way the lab host can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabFault {
    /// The IOMMU is there and the kernel was told not to use it: what a host looks like whose administrator has not
    /// done the first step of the procedure (RHEL 9, 14.7.2: put `intel_iommu=on` on the kernel line).
    NoIommu,
    /// Every adapter sits behind a switch without Access Control Services, so its functions share one IOMMU group.
    /// (`disable-acs` of QEMU's root port would be shorter; QEMU 11.1 does not have it.)
    NoAcs,
    /// The processor cannot run guests, so there is no `/dev/kvm`.
    NoKvm,
    /// libvirt's daemon was stopped, and nothing starts it again.
    NoLibvirt,
    /// The running kernel has the VF's driver, but its module is not on disk for a guest.
    GuestModuleMissing,
    /// libvirt's daemon may not raise the limit of locked memory, which is far below a guest's memory.
    MemlockTooSmall,
    /// The disk has room for no guest.
    DiskFull,
    /// The first scratch namespace has a file system that is mounted.
    NamespaceMounted,
    /// The first scratch namespace has a file system that is not mounted, and the second swap space.
    NamespaceFormatted,
}

impl LabFault {
    /// All of them, in the order they are listed for people.
    pub const ALL: [Self; 9] = [
        Self::NoIommu,
        Self::NoAcs,
        Self::NoKvm,
        Self::NoLibvirt,
        Self::GuestModuleMissing,
        Self::MemlockTooSmall,
        Self::DiskFull,
        Self::NamespaceMounted,
        Self::NamespaceFormatted,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoIommu => "no-iommu",
            Self::NoAcs => "no-acs",
            Self::NoKvm => "no-kvm",
            Self::NoLibvirt => "no-libvirt",
            Self::GuestModuleMissing => "guest-module-missing",
            Self::MemlockTooSmall => "memlock-too-small",
            Self::DiskFull => "disk-full",
            Self::NamespaceMounted => "namespace-mounted",
            Self::NamespaceFormatted => "namespace-formatted",
        }
    }

    /// What is done to the system of the lab host at each boot, by `sh`, before anything looks at it; empty where the
    /// machine is what is wrong.
    pub fn spoils(self) -> &'static str {
        match self {
            Self::NoIommu | Self::NoAcs | Self::NoKvm => "",
            Self::NoLibvirt => include_str!("fault/no-libvirt.sh"),
            Self::GuestModuleMissing => include_str!("fault/guest-module-missing.sh"),
            Self::MemlockTooSmall => include_str!("fault/memlock-too-small.sh"),
            Self::DiskFull => include_str!("fault/disk-full.sh"),
            Self::NamespaceMounted => concat!(
                include_str!("fault/namespace.sh"),
                include_str!("fault/namespace-mounted.sh")
            ),
            Self::NamespaceFormatted => concat!(
                include_str!("fault/namespace.sh"),
                include_str!("fault/namespace-formatted.sh")
            ),
        }
    }

    /// The namespaces that hold what nobody may lose. The lab host says of each whether it is as it was, when the payload ends.
    pub fn keeps(self) -> &'static [u32] {
        match self {
            Self::NamespaceMounted => &[2],
            Self::NamespaceFormatted => &[2, 3],
            _ => &[],
        }
    }
}
