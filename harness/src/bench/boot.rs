//! How the machine has come up, in verbs: what was there when, and what the kernel said of it.

use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::{Bench, STEP_LIMIT, Vf, within};
use crate::finding::Problem;
use crate::kernel_log;
use crate::machine::Output;
use crate::pci::Bdf;

/// How often systemd is asked while something is waited for: a machine that starts has other things to do.
const ASK_EVERY: Duration = Duration::from_millis(500);

impl Bench {
    /// When udev was first done with a device, by the machine's monotonic clock. `None` where udev has not
    /// handled it yet, or keeps nothing about it. Where the initramfs hands its database over, a time of
    /// then is kept; otherwise it is the later one of the machine proper.
    ///
    /// Source: systemd src/udev/udev-event.c, `udev_event_execute_rules`, which stamps a device after its
    /// rules and its new name; src/libsystemd/sd-device/device-private.c, `device_ensure_usec_initialized`,
    /// which keeps an older stamp.
    pub async fn initialized(&mut self, path: &str) -> Result<Option<Duration>, Problem> {
        let argument = format!("--path={path}");
        let argv = ["udevadm", "info", "--query=property", &argument];
        let output = self.look(&argv).await?;
        if output.success() {
            Ok(initialized(&output.text())?)
        } else {
            Err(anyhow!("`{}`: {}", argv.join(" "), output.stderr).into())
        }
    }

    /// Waits until systemd has started one of these services. Returns the first that was started, and
    /// when by the machine's monotonic clock.
    pub async fn wait_for_start(
        &mut self,
        units: &[&'static str],
        limit: Duration,
    ) -> Result<Option<(&'static str, Duration)>, Problem> {
        let host = self.host.clone();
        let first = self
            .until_every(ASK_EVERY, limit, async || {
                let mut first: Option<(&'static str, Duration)> = None;
                for unit in units {
                    let output = within(STEP_LIMIT, host.run(&question(unit))).await?;
                    let at = started(&output).map_err(io::Error::other)?;
                    let earlier = at.filter(|at| first.is_none_or(|(_, least)| *at < least));
                    first = earlier.map(|at| (*unit, at)).or(first);
                }
                Ok(first)
            })
            .await?;
        for unit in units {
            self.look(&question(unit)).await?;
        }
        Ok(first)
    }

    /// Asks libvirt for its version, as its first client would: where only its socket is there, systemd
    /// starts it now.
    pub async fn wake_libvirt(&mut self) -> Result<(), Problem> {
        let output = self.look(&["virsh", "version"]).await?;
        if output.success() {
            Ok(())
        } else {
            Err(anyhow!("libvirt does not answer: {}", output.stderr).into())
        }
    }

    /// What the kernel has complained of since it started, as far as it is about this device, one of
    /// these VFs or the drivers of both, and nobody expects it.
    pub async fn complaints_since_boot(&mut self, vfs: &[Vf]) -> Result<Vec<String>, Problem> {
        let lines = kernel_log::since_boot(self.host.as_ref())
            .await
            .context("cannot read the kernel log")?;
        let bdfs = std::iter::once(self.pf()).chain(vfs.iter().map(|vf| vf.bdf));
        let drivers = [&self.profile.driver.pf, &self.profile.driver.vf];
        let names: Vec<String> = bdfs
            .flat_map(names)
            .chain(drivers.map(Clone::clone))
            .collect();
        let known = self.profile.kernel_log.iter();
        let expected: Vec<&str> = known.map(|log| log.contains.as_str()).collect();
        let complaints = kernel_log::grave_about(&lines, &names, &expected);
        self.log.step(format!(
            "$ dmesg -r\n({} lines)\n{}",
            lines.len(),
            complaints.join("\n")
        ))?;
        Ok(complaints)
    }
}

/// How the kernel's log names a function. The IOMMU's driver leaves out the domain (Linux 6.12
/// drivers/iommu/intel/dmar.c, `dmar_fault_do_one`).
fn names(bdf: Bdf) -> Vec<String> {
    let name = bdf.to_string();
    let short = name.strip_prefix("0000:").map(str::to_owned);
    std::iter::once(name.clone()).chain(short).collect()
}

fn question(unit: &str) -> [&str; 6] {
    let property = "ExecMainStartTimestampMonotonic";
    ["systemctl", "show", "-p", property, "--value", unit]
}

/// `USEC_INITIALIZED` among the properties that `udevadm info` prints.
fn initialized(properties: &str) -> anyhow::Result<Option<Duration>> {
    let mut lines = properties.lines();
    lines
        .find_map(|line| line.strip_prefix("USEC_INITIALIZED="))
        .map(microseconds)
        .transpose()
}

/// The time that `systemctl show` prints, of CLOCK_MONOTONIC; 0 stands for a service that was never
/// started, or that nobody knows (org.freedesktop.systemd1(5), `ExecMainStartTimestampMonotonic`).
fn started(output: &Output) -> anyhow::Result<Option<Duration>> {
    if !output.success() {
        return Err(anyhow!("`systemctl show`: {}", output.stderr));
    }
    let at = microseconds(output.text().trim())?;
    Ok((!at.is_zero()).then_some(at))
}

fn microseconds(text: &str) -> anyhow::Result<Duration> {
    let number = text.parse();
    let number = number.with_context(|| format!("{text:?} is no number of microseconds"))?;
    Ok(Duration::from_micros(number))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{initialized, names, started};
    use crate::machine::Output;

    /// Of the lab's 82576 with Debian 13.
    const PROPERTIES: &str = "DEVPATH=/devices/pci0000:00/0000:00:05.0/0000:01:10.0/net/enp1s0v0\n\
        SUBSYSTEM=net\nINTERFACE=enp1s0v0\nIFINDEX=4\nUSEC_INITIALIZED=126634635\n\
        ID_NET_DRIVER=igbvf\nID_BUS=pci\nID_PATH=pci-0000:01:10.0\nTAGS=:systemd:\n";

    #[test]
    fn when_udev_was_done_with_a_device() {
        let at = Duration::from_micros(126_634_635);
        assert_eq!(initialized(PROPERTIES).unwrap(), Some(at));
        assert_eq!(initialized("DEVPATH=/devices/a\n").unwrap(), None);
        let error = initialized("USEC_INITIALIZED=soon\n").unwrap_err();
        assert_eq!(error.to_string(), "\"soon\" is no number of microseconds");
    }

    #[test]
    fn when_a_service_was_started() {
        let printed = |status, text: &str| Output {
            status,
            stdout: text.into(),
            stderr: "System has not been booted with systemd".into(),
        };
        assert_eq!(started(&printed(0, "0\n")).unwrap(), None);
        let at = Duration::from_micros(8_000_123);
        assert_eq!(started(&printed(0, "8000123\n")).unwrap(), Some(at));
        let error = started(&printed(1, "")).unwrap_err().to_string();
        assert!(error.ends_with("not been booted with systemd"), "{error}");
    }

    #[test]
    fn the_kernel_names_a_function_with_and_without_its_domain() {
        let of = |text: &str| names(text.parse().unwrap());
        assert_eq!(of("0000:01:10.0"), ["0000:01:10.0", "01:10.0"]);
        assert_eq!(of("0001:01:10.0"), ["0001:01:10.0"]);
    }
}
