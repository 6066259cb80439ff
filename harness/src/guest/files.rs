//! The files of a guest, all called after it.

/// Where libvirt and its emulator log what guests do (libvirt docs/kbase/debuglogs.rst).
const LOGS: &str = "/var/log/libvirt/qemu";

/// Paths. What it starts with is in memory, so that a restart of the machine takes it away; what it
/// says goes where libvirt lets guests write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Its description.
    pub definition: String,
    /// Its kernel: a copy, since libvirt gives what a guest starts with to the emulator's user
    /// (libvirt src/security/security_dac.c, `virSecurityDACSetAllLabel`).
    pub kernel: String,
    /// Its initramfs.
    pub initramfs: String,
    /// What its console has shown.
    pub console: String,
    /// What libvirt and its emulator log of it. libvirt makes it.
    pub log: String,
}

impl Files {
    /// Those of a guest of that name.
    pub fn of(name: &str) -> Self {
        let path = |ending: &str| format!("/run/{name}.{ending}");
        Self {
            definition: path("xml"),
            kernel: path("kernel"),
            initramfs: path("initramfs"),
            console: format!("{LOGS}/{name}-console.log"),
            log: format!("{LOGS}/{name}.log"),
        }
    }

    /// All of them.
    pub fn all(&self) -> [&str; 5] {
        [
            &self.definition,
            &self.kernel,
            &self.initramfs,
            &self.console,
            &self.log,
        ]
    }
}
