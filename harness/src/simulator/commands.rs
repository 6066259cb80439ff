//! The few commands that the suite runs, with the words of the real ones.

use crate::machine::Output;

use super::World;
use super::fault::Fault;
use super::ip;

/// `uname -r`.
pub(super) const KERNEL: &str = "6.12.107+deb13-amd64";

/// The same under [`Fault::KernelChangesAtReboot`].
pub(super) const OTHER_KERNEL: &str = "6.12.108+deb13-amd64";

impl World {
    /// Runs a command to its end.
    pub(super) fn command(&mut self, argv: &[&str]) -> Output {
        match argv {
            ["uname", "-m"] => printed(if self.model.has(Fault::WrongArchitecture) {
                "i686\n"
            } else {
                "x86_64\n"
            }),
            ["uname", "-r"] => printed(format!("{}\n", self.model.kernel())),
            ["id", "-u"] => printed("0\n"),
            ["dmesg", "-r"] => printed(self.log.raw()),
            ["udevadm", "control", ..] => printed(""),
            ["udevadm", "info", "--query=property", path] => self.udev_info(path),
            ["systemctl", arguments @ ..] => self.systemctl(arguments),
            ["modinfo", "-n", module] => self.modinfo(module),
            ["virsh", words @ ..] => self.virsh(words),
            ["qemu-img", "create", "-q", .., "-b", image, overlay] => self.qemu_img(image, overlay),
            ["sh", "-c", line] if line.contains("kill -9 ") => self.kill_if(line),
            ["ethtool", "-i", name] => self.ethtool(name),
            ["nvme", words @ ..] => self.nvme(words),
            // What was never written has nothing to be found.
            ["blkid", "--probe", ..] => failed(2, ""),
            ["ip", arguments @ ..] => ip::run(self, arguments),
            [program, ..] => failed(
                127,
                &format!(
                    "{program}: the simulated machine has no answer to `{}`",
                    argv.join(" ")
                ),
            ),
            [] => failed(127, "no command was given"),
        }
    }

    /// Whether a command never comes to an end.
    pub(super) fn hangs(&self, argv: &[&str]) -> bool {
        let detaches = argv.starts_with(&["virsh", "detach-interface"]) && argv.contains(&"--live");
        detaches && argv.contains(&"hostdev") && self.model.has(Fault::DetachHangs)
    }

    fn modinfo(&self, module: &str) -> Output {
        if module == "vfio-pci" && !self.model.has(Fault::NoVfio) {
            return printed(format!(
                "/lib/modules/{}/kernel/drivers/vfio/pci/vfio-pci.ko.xz\n",
                self.model.kernel()
            ));
        }
        failed(1, &format!("modinfo: ERROR: Module {module} not found."))
    }

    fn ethtool(&self, name: &str) -> Output {
        let Some(function) = self.owner(name) else {
            return failed(71, "Cannot get driver information: No such device");
        };
        let (bdf, driver) = (function.bdf, function.driver.clone().unwrap_or_default());
        let kernel = self.model.kernel();
        printed(format!(
            "driver: {driver}\nversion: {kernel}\nfirmware-version: 1.0 (simulated)\nexpansion-rom-version: \nbus-info: {bdf}\n\
             supports-statistics: yes\nsupports-test: yes\nsupports-eeprom-access: yes\nsupports-register-dump: yes\nsupports-priv-flags: no\n"
        ))
    }
}

/// A command that succeeded.
pub(super) fn printed(text: impl Into<String>) -> Output {
    Output {
        status: 0,
        stdout: text.into().into_bytes(),
        stderr: String::new(),
    }
}

/// A command that failed.
pub(super) fn failed(status: i32, complaint: &str) -> Output {
    Output {
        status,
        stdout: Vec::new(),
        stderr: complaint.to_owned(),
    }
}
