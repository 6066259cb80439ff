//! Drivers and resets of one function, in verbs.

use std::time::Duration;

use super::{Attempt, Bench};
use crate::facts;
use crate::finding::Problem;
use crate::pci::Bdf;
use crate::sysfs;

impl Bench {
    /// The name of the driver bound to a function.
    pub async fn driver_of(&mut self, bdf: Bdf) -> Result<Option<String>, Problem> {
        let driver = facts::driver_name(self.host.as_ref(), bdf).await?;
        self.log.step(format!(
            "$ readlink {}/driver\n{}",
            sysfs::device(bdf),
            driver.as_deref().unwrap_or("(none)")
        ))?;
        Ok(driver)
    }

    /// Takes the driver from a function of this device.
    pub async fn unbind(&mut self, bdf: Bdf, driver: &str) -> Result<Attempt, Problem> {
        let undo = self.functions_undo();
        self.attempt(&sysfs::unbind(driver), &bdf.to_string(), undo)
            .await
    }

    /// Gives a driver to a function of this device.
    pub async fn bind(&mut self, bdf: Bdf, driver: &str) -> Result<Attempt, Problem> {
        let undo = self.functions_undo();
        self.attempt(&sysfs::bind(driver), &bdf.to_string(), undo)
            .await
    }

    /// Names the only driver a VF may have; empty lifts that.
    pub async fn override_driver(&mut self, vf: Bdf, driver: &str) -> Result<(), Problem> {
        let undo = self.functions_undo();
        let value = if driver.is_empty() { "\n" } else { driver };
        self.write(&sysfs::attribute(vf, "driver_override"), value, undo)
            .await
    }

    /// Waits until that driver is bound to a function. Returns what is bound in the end.
    pub async fn wait_for_driver(
        &mut self,
        bdf: Bdf,
        driver: &str,
        limit: Duration,
    ) -> Result<Option<String>, Problem> {
        let host = self.host.clone();
        self.until(limit, async || {
            let bound = facts::driver_name(host.as_ref(), bdf).await?;
            Ok((bound.as_deref() == Some(driver)).then_some(()))
        })
        .await?;
        self.driver_of(bdf).await
    }

    /// The reset methods the kernel has for a function, first choice first.
    pub async fn reset_methods(&mut self, bdf: Bdf) -> Result<Vec<String>, Problem> {
        let path = sysfs::attribute(bdf, "reset_method");
        let text = self.read_if_there(&path).await?;
        Ok(text
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect())
    }

    /// Resets a VF of this device by one of the methods its `reset_method` lists.
    pub async fn reset_vf(&mut self, vf: Bdf, method: &str) -> Result<Attempt, Problem> {
        let undo = self.functions_undo();
        self.write(&sysfs::attribute(vf, "reset_method"), method, undo.clone())
            .await?;
        self.attempt(&sysfs::attribute(vf, "reset"), "1", undo)
            .await
    }
}
