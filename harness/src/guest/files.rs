//! The files of a guest, all called after it.

/// Where libvirt and its emulator log what guests do (libvirt docs/kbase/debuglogs.rst).
const LOGS: &str = "/var/log/libvirt/qemu";

/// Where libvirt lets guests start from; so does the policy of SELinux (container-selinux and
/// selinux-policy, virt.fc: `virt_content_t`).
pub const BOOT: &str = "/var/lib/libvirt/boot";

/// Paths, where libvirt lets guests read and write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Its description.
    pub definition: String,
    /// Its kernel: a copy, since libvirt gives what a guest starts with to the emulator's user
    /// (libvirt src/security/security_dac.c, `virSecurityDACSetAllLabel`).
    pub kernel: String,
    /// Its initramfs.
    pub initramfs: String,
    /// What a guest system writes, over its image.
    pub overlay: String,
    /// A disk that holds this program.
    pub program: String,
    /// What is plugged into it while it runs, where that needs a description.
    pub plug: String,
    /// What its console has shown.
    pub console: String,
    /// What libvirt and its emulator log of it. libvirt makes it.
    pub log: String,
}

impl Files {
    /// Those of a guest of that name.
    pub fn of(name: &str) -> Self {
        let path = |ending: &str| format!("{BOOT}/{name}.{ending}");
        Self {
            definition: path("xml"),
            kernel: path("kernel"),
            initramfs: path("initramfs"),
            overlay: path("qcow2"),
            program: path("program"),
            plug: path("plug.xml"),
            console: format!("{LOGS}/{name}-console.log"),
            log: format!("{LOGS}/{name}.log"),
        }
    }

    /// All of them.
    pub fn all(&self) -> [&str; 8] {
        [
            &self.definition,
            &self.kernel,
            &self.initramfs,
            &self.overlay,
            &self.program,
            &self.plug,
            &self.console,
            &self.log,
        ]
    }
}
