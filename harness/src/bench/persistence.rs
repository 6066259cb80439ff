//! What lasts over a restart of the machine, in verbs.

use std::collections::BTreeMap;
use std::io;

use anyhow::{Context, anyhow};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Bench, STEP_LIMIT, within};
use crate::facts;
use crate::finding::Problem;
use crate::pci::Bdf;
use crate::sysfs;
use crate::undo::Undo;

/// The unit that goes on with a run after a restart.
pub const RESUME_UNIT: &str = "sriov-certify-resume.service";

impl Bench {
    /// Keeps something for this check's part after the restart.
    pub fn carry(&mut self, what: &impl Serialize) -> Result<(), Problem> {
        self.log.carry(serde_json::to_value(what)?);
        Ok(())
    }

    /// What this check's part before the restart has kept.
    pub fn carried<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let value = self.log.carried().clone();
        Ok(serde_json::from_value(value).context("what was kept over the restart is not there")?)
    }

    /// Makes sure that the run goes on after a restart, and that what a restart changes by itself is
    /// brought back in the end.
    pub(crate) async fn survive_restart(&mut self, unit: &str) -> Result<(), Problem> {
        let undo = Undo::Unit {
            name: RESUME_UNIT.into(),
        };
        self.promise(&format!("install {RESUME_UNIT}"), undo)?;
        self.lose_over_restart()?;
        if self.facts.second.is_some() {
            self.at_second()?.lose_over_restart()?;
        }
        self.keep(&sysfs::unit(RESUME_UNIT), unit).await?;
        for argv in [
            &["systemctl", "daemon-reload"][..],
            &["systemctl", "enable", RESUME_UNIT],
        ] {
            let output = self.look(argv).await?;
            if !output.success() {
                return Err(anyhow!("`{}`: {}", argv.join(" "), output.stderr).into());
            }
        }
        Ok(())
    }

    /// A restart takes VFs, and what was set by hand.
    fn lose_over_restart(&mut self) -> Result<(), Problem> {
        self.promise("restart the machine", self.functions_undo())?;
        if !self.facts.device.net.is_empty() {
            self.promise("restart the machine", self.link_undo()?)?;
        }
        Ok(())
    }

    /// The rule of the requirement, narrowed to this device: makes that many VFs whenever the PF's
    /// interface appears (RHEL 9, 14.7.2, step 4). Without `KERNELS` it would match every port that
    /// the driver drives.
    pub async fn install_vf_rule(&mut self, count: u16) -> Result<(), Problem> {
        let path = self.rule_path();
        let undo = Undo::File {
            path: path.clone(),
            content: self.content(&path).await?,
        };
        self.promise(&format!("write {path}"), undo)?;
        let (pf, driver) = (self.pf(), &self.profile.driver.pf);
        let rule = format!(
            "ACTION==\"add\", SUBSYSTEM==\"net\", KERNELS==\"{pf}\", ENV{{ID_NET_DRIVER}}==\"{driver}\", ATTR{{device/sriov_numvfs}}=\"{count}\"\n"
        );
        self.keep(&path, &rule).await
    }

    /// What the rule's file holds now; `None` where there is none.
    pub async fn vf_rule(&mut self) -> Result<Option<String>, Problem> {
        let path = self.rule_path();
        self.read_if_there(&path).await
    }

    /// Takes the rule away.
    pub async fn remove_vf_rule(&mut self) -> Result<(), Problem> {
        let path = self.rule_path();
        self.log.step(format!("$ rm -f {path}"))?;
        let removed = within(STEP_LIMIT, self.host.put(&path, None)).await;
        Ok(removed.with_context(|| format!("cannot remove {path}"))?)
    }

    /// How many VFs every other PF of the machine has.
    pub async fn vfs_of_others(&mut self) -> Result<BTreeMap<Bdf, u16>, Problem> {
        let mut counts = BTreeMap::new();
        for (bdf, _) in facts::list(self.host.as_ref()).await? {
            let sriov = facts::sriov(self.host.as_ref(), bdf).await?;
            counts.extend(
                sriov
                    .filter(|_| bdf != self.pf())
                    .map(|sriov| (bdf, sriov.numvfs)),
            );
        }
        let list: Vec<_> = counts
            .iter()
            .map(|(bdf, count)| format!("{}:{count}", sysfs::attribute(*bdf, "sriov_numvfs")))
            .collect();
        self.log.step(format!(
            "$ grep . /sys/bus/pci/devices/*/sriov_numvfs\n{}",
            list.join("\n")
        ))?;
        Ok(counts)
    }

    /// Files of this run that outlast a restart and are still there.
    pub(crate) async fn lasting_files(&self) -> Vec<String> {
        let mut there = Vec::new();
        let (rule, unit) = (self.rule_path(), sysfs::unit(RESUME_UNIT));
        for path in [rule, unit] {
            match within(STEP_LIMIT, self.host.read(&path)).await {
                Ok(_) => there.push(format!("{path} is still there")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => there.push(format!("cannot tell whether {path} is there: {error}")),
            }
        }
        there
    }

    fn rule_path(&self) -> String {
        format!("{}/sriov-certify-{}.rules", sysfs::UDEV_RULES, self.pf())
    }

    /// Puts a file on disk whose undo is promised.
    pub(super) async fn keep(&mut self, path: &str, text: &str) -> Result<(), Problem> {
        self.log
            .step(format!("$ cat > {path} <<'END'\n{}\nEND", text.trim_end()))?;
        let kept = within(STEP_LIMIT, self.host.put(path, Some(text.as_bytes()))).await;
        Ok(kept.with_context(|| format!("cannot write {path}"))?)
    }

    /// What a file holds; `None` where there is none.
    async fn content(&self, path: &str) -> Result<Option<String>, Problem> {
        match within(STEP_LIMIT, self.host.read(path)).await {
            Ok(bytes) => Ok(Some(String::from_utf8(bytes).with_context(|| {
                format!("{path} is not text, so that it could not be restored")
            })?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(anyhow!("cannot read {path}: {error}").into()),
        }
    }
}
