//! Looking at a machine without changing it, in verbs.

use std::io;
use std::time::Duration;

use anyhow::Context;

use super::{Bench, STEP_LIMIT, within};
use crate::finding::Problem;
use crate::pci::{Bdf, Capabilities, ConfigSpace};
use crate::sysfs;

impl Bench {
    /// The text of a file, trimmed; `None` where there is no such file.
    pub async fn read_if_there(&mut self, path: &str) -> Result<Option<String>, Problem> {
        match within(STEP_LIMIT, self.host.read(path)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.log.step(format!("$ cat {path}\n(no such file)"))?;
                Ok(None)
            }
            Err(error) => Err(anyhow::Error::new(error)
                .context(format!("cannot read {path}"))
                .into()),
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).trim().to_owned();
                self.log.step(format!("$ cat {path}\n{text}"))?;
                Ok(Some(text))
            }
        }
    }

    /// The hexadecimal number in a file, with or without `0x`.
    pub async fn read_hex(&mut self, path: &str) -> Result<u32, Problem> {
        let text = self.read(path).await?;
        let number = u32::from_str_radix(text.trim_start_matches("0x"), 16);
        Ok(number.with_context(|| format!("{path} holds no hexadecimal number: {text:?}"))?)
    }

    /// The names in a folder; `None` where there is no such folder.
    pub async fn list(&mut self, path: &str) -> Result<Option<Vec<String>>, Problem> {
        match self.host.list(path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.log.step(format!("$ ls {path}\n(no such folder)"))?;
                Ok(None)
            }
            Err(error) => Err(anyhow::Error::new(error)
                .context(format!("cannot list {path}"))
                .into()),
            Ok(names) => {
                self.log.step(format!("$ ls {path}\n{}", names.join(" ")))?;
                Ok(Some(names))
            }
        }
    }

    /// The last component of where a link points; `None` where there is no such link.
    pub async fn target(&mut self, path: &str) -> Result<Option<String>, Problem> {
        let target = match self.host.link(path).await {
            Ok(target) => target.rsplit('/').next().map(str::to_owned),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(anyhow::Error::new(error)
                    .context(format!("cannot follow {path}"))
                    .into());
            }
        };
        self.log.step(format!(
            "$ readlink {path}\n{}",
            target.as_deref().unwrap_or("(no such link)")
        ))?;
        Ok(target)
    }

    /// The config space of a function as it is now.
    pub async fn config_of(&mut self, bdf: Bdf) -> Result<ConfigSpace, Problem> {
        let path = sysfs::attribute(bdf, "config");
        let bytes = within(STEP_LIMIT, self.host.read(&path))
            .await
            .with_context(|| format!("cannot read {path}"))?;
        self.log
            .step(format!("$ lspci -xxxx -s {bdf}\n{} bytes", bytes.len()))?;
        Ok(ConfigSpace::new(bytes))
    }

    /// The capabilities of a function as its config space has them now.
    pub async fn capabilities_of(&mut self, bdf: Bdf) -> Result<Capabilities, Problem> {
        Ok(Capabilities::read(&self.config_of(bdf).await?))
    }

    /// Waits until a function's driver has registered something of that class, such as `net`.
    /// Returns the names of what is there in the end.
    pub async fn wait_for_class(
        &mut self,
        bdf: Bdf,
        class: &str,
        limit: Duration,
    ) -> Result<Vec<String>, Problem> {
        let (host, path) = (self.host.clone(), sysfs::attribute(bdf, class));
        self.until(limit, async || match host.list(&path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            names => Ok((!names?.is_empty()).then_some(())),
        })
        .await?;
        Ok(self.list(&path).await?.unwrap_or_default())
    }
}
