//! udev: the administrator's rules, applied when a network interface appears, and what it knows of devices.
//!
//! Source: udev(7); systemd src/udev/udev-rules.c, `udev_rule_apply_token_to_event`: a rule's writes to
//! sysfs are made by a worker for each event, whose failures only the journal hears.

mod rule;

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::agenda::{Effect, Ruling};
use super::commands::{failed, printed};
use super::fault::Fault;
use super::model::port_of;
use super::publish::folder;
use super::{Simulator, World};
use crate::machine::Output;
use crate::sysfs::UDEV_RULES;
use rule::{Condition, Rule, rules};

/// When udev begins to handle what the kernel has found: seen in the lab, 2 to 3 s after the kernel's start.
pub(super) const UDEV: Duration = Duration::from_secs(2);
/// When it does so for rules under [`Fault::LateAfterLibvirt`].
const LATE: Duration = Duration::from_secs(20);
/// How long `udevadm settle` waits unless it is told otherwise, in seconds (udevadm(8)).
const SETTLE: u64 = 120;

impl Simulator {
    /// `udevadm settle`: until udev has handled everything.
    pub(super) async fn settle(&self, options: &[&str]) -> Output {
        let timeout = options
            .iter()
            .find_map(|option| option.strip_prefix("--timeout="));
        let seconds = timeout.and_then(|text| text.parse().ok()).unwrap_or(SETTLE);
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while let Some(until) = self.at_present(|world| world.udev_busy()) {
            if until > deadline {
                sleep_until(deadline).await;
                return failed(1, "");
            }
            sleep_until(until).await;
        }
        printed("")
    }
}

impl World {
    /// The PF's interface has appeared: each rule that is meant for it will be applied, in order.
    pub(super) fn interface_appeared(&mut self) {
        let boots = self.model.restarts > 0 && self.now == self.booted;
        let time = match self.model.fault {
            Some(Fault::VfsLostAtReboot) if boots => return,
            Some(Fault::LateAfterLibvirt) if boots => self.booted + LATE,
            _ if boots => self.booted + UDEV,
            _ => self.now,
        };
        for Rule { numvfs, .. } in self.rules_for_pf(boots) {
            let ruling = Ruling { numvfs, boots };
            self.device.agenda.at(time, Effect::Rule(ruling));
        }
    }

    /// A worker of udev writes what a rule says. Like everybody it waits for the device lock.
    pub(super) fn follow(&mut self, ruling: &Ruling) {
        if let Some(until) = self.device.agenda.locked(self.now) {
            self.device.agenda.at(until, Effect::Rule(ruling.clone()));
            return;
        }
        // Without its interface the file is not found.
        let found = self.device.pf.interface.is_some() && self.model.is_physfn();
        let Ok(count) = self.numvfs_asked(&ruling.numvfs) else {
            return;
        };
        if !found {
            return;
        }
        let before = self.device.num_vfs;
        let step = self.numvfs_store(count);
        self.device.agenda.lock(self.now + step.takes);
        self.device.agenda.occupy_udev(self.now + step.takes);
        let warns = ruling.boots && self.model.has(Fault::KernelWarnsAtBoot);
        if warns && step.result.is_ok() && count > before {
            self.warn_of_creation();
        }
    }

    fn rules_for_pf(&self, boots: bool) -> Vec<Rule> {
        let copies = if boots {
            self.initramfs.as_slice()
        } else {
            &[]
        };
        let texts = self.rules_on_disk();
        let all = texts.iter().chain(copies).flat_map(|text| rules(text));
        all.filter(|rule| {
            rule.conditions
                .iter()
                .all(|condition| self.holds(condition, boots))
        })
        .collect()
    }

    /// The files with rules, sorted by name.
    fn rules_on_disk(&self) -> Vec<String> {
        let names = self.tree.list(UDEV_RULES).unwrap_or_default();
        let is_rules = |name: &&String| Path::new(name).extension() == Some(OsStr::new("rules"));
        let files = names.iter().filter(is_rules);
        let texts = files.filter_map(|name| self.tree.read(&format!("{UDEV_RULES}/{name}")).ok());
        texts
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    /// Whether a condition holds for the PF's interface. `KERNELS` looks at the names of all devices
    /// above it. What the simulated udev does not know holds for nobody.
    fn holds(&self, condition: &Condition, boots: bool) -> bool {
        let pf = self.device.pf.bdf;
        let strays = boots && self.model.has(Fault::VfsOnWrongPort);
        let value = condition.value.as_str();
        let is_value = match condition.key.as_str() {
            "ACTION" => value == "add",
            "SUBSYSTEM" => value == "net",
            "KERNELS" => strays || [pf, port_of(pf)].iter().any(|bdf| bdf.to_string() == value),
            "ENV{ID_NET_DRIVER}" => self.device.pf.driver.as_deref() == Some(value),
            _ => return false,
        };
        is_value == condition.equal
    }

    /// With [`Fault::RuleNotRemoved`] the boot files hold a copy of every rule there was at a boot.
    pub(super) fn copy_rules(&mut self) {
        if !self.model.has(Fault::RuleNotRemoved) {
            return;
        }
        for text in self.rules_on_disk() {
            if !self.initramfs.contains(&text) {
                self.initramfs.push(text);
            }
        }
    }

    /// `udevadm info --query=property --path=…` of a device of ours.
    pub(super) fn udev_info(&self, path: &str) -> Output {
        let path = path.strip_prefix("--path=").unwrap_or(path);
        let device = self.tree.canonical(path).unwrap_or_default();
        let Some((subsystem, since)) = self.known_to_udev(&device) else {
            return failed(1, &format!("Unknown device \"{path}\": No such device"));
        };
        let uptime = since.saturating_duration_since(self.booted).max(UDEV);
        printed(format!(
            "DEVPATH={}\nSUBSYSTEM={subsystem}\nUSEC_INITIALIZED={}\n",
            device.trim_start_matches("/sys"),
            uptime.as_micros()
        ))
    }

    /// Whether the folder is that of a function or of its interface, and since when that is there.
    fn known_to_udev(&self, device: &str) -> Option<(&'static str, Instant)> {
        self.functions().find_map(|function| {
            let own = folder(function.bdf);
            if device == own {
                return Some(("pci", function.since));
            }
            let interface = function.interface.as_ref()?;
            (device == format!("{own}/net/{}", interface.name)).then_some(("net", interface.since))
        })
    }
}
