//! Resetting a function, and the choice of how.
//!
//! Source: Linux 6.12 drivers/pci/pci.c, `reset_method_store` and `__pci_reset_function_locked`;
//! drivers/pci/pci-sysfs.c, `reset_store`.

use std::time::Duration;

use nix::errno::Errno;

use crate::pci::Bdf;

use super::agenda::FOR_EVER;
use super::fault::Fault;
use super::function::{Function, default_reset_methods};
use super::log::Level;
use super::{Step, World, kstrto};

/// What a function may take for a reset (`pcie_flr` sleeps as long).
const RESET: Duration = Duration::from_millis(100);

/// All that the kernel knows (`pci_reset_fn_methods`).
const METHODS: &[&str] = &[
    "device_specific",
    "acpi",
    "flr",
    "af_flr",
    "pm",
    "bus",
    "cxl_bus",
];

impl World {
    /// A write to `reset_method`.
    pub(super) fn choose_reset(&mut self, bdf: Bdf, text: &str) -> Step {
        let known = default_reset_methods(&self.model, bdf != self.device.pf.bdf);
        let chosen = match kstrto::line(text) {
            "default" => Ok(known),
            names => self.chosen(bdf, &known, names),
        };
        let result = chosen.map(|methods| {
            if let Some(function) = self.device.function(bdf) {
                function.reset_methods = methods;
            }
        });
        self.publish(bdf);
        Step::of(result)
    }

    /// The methods named, if the function has them all.
    fn chosen(&mut self, bdf: Bdf, known: &[String], names: &str) -> Result<Vec<String>, Errno> {
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        let driver = self
            .device
            .function(bdf)
            .and_then(|function| function.driver.clone())
            .unwrap_or_else(|| "pci".into());
        if let Some(other) = names.iter().find(|name| !known.contains(name)) {
            let word = if METHODS.contains(&other.as_str()) {
                "Unsupported"
            } else {
                "Invalid"
            };
            self.say(
                Level::Error,
                format!("{driver} {bdf}: {word} reset method '{other}'"),
            );
            return Err(Errno::EINVAL);
        }
        if names.is_empty() {
            self.say(
                Level::Warning,
                format!("{driver} {bdf}: All device reset methods disabled by user"),
            );
        }
        Ok(names)
    }

    /// A write to `reset`.
    pub(super) fn reset(&mut self, bdf: Bdf, text: &str) -> Step {
        if kstrto::number(text) != Ok(1) {
            return Step::of(Err(Errno::EINVAL));
        }
        let fault = self.model.fault;
        match self.device.function(bdf).map(|own| own.index) {
            Some(Some(vf)) => self.device.controllers.reset_vf(vf),
            Some(None) => self.device.controllers.reset_pf(),
            None => {}
        }
        let Some(function) = self.device.function(bdf) else {
            return Step::of(Err(Errno::ENODEV));
        };
        if function.reset_methods.is_empty() {
            return Step::of(Err(Errno::ENOTTY));
        }
        if function.stuck || hangs(function) {
            function.stuck = true;
            return Step {
                result: Ok(()),
                takes: FOR_EVER,
            };
        }
        match fault.filter(|_| function.index.is_some()) {
            Some(Fault::VfResetFails) => {
                self.say(Level::Error, format!("pci {bdf}: timed out waiting for pending transaction; performing function level reset anyway"));
                Step {
                    result: Err(Errno::ENOTTY),
                    takes: RESET,
                }
            }
            Some(Fault::VfResetLosesVf) => {
                function.dead = true;
                self.publish(bdf);
                Step {
                    result: Ok(()),
                    takes: RESET,
                }
            }
            _ => Step {
                result: Ok(()),
                takes: RESET,
            },
        }
    }
}

/// igbvf disables NAPI a second time when its interface is down already, and waits for ever
/// (Linux 6.12 drivers/net/ethernet/intel/igbvf/netdev.c, `igbvf_io_prepare`; seen with QEMU's igb).
fn hangs(function: &Function) -> bool {
    function.driver.as_deref() == Some("igbvf")
        && function
            .interface
            .as_ref()
            .is_some_and(|interface| !interface.up)
}
