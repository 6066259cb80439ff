//! How a change is changed back. Plain data: it goes into the journal before the change is made.

mod attached;
mod created;
mod disk;
mod drive;
mod functions;
mod guest;
mod held;
mod link;
mod rate;
mod secondaries;

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::facts::VfFacts;
use crate::machine::Host;
use crate::nvme::{Scratch, SecondaryController};
use crate::pci::Bdf;
use crate::sysfs;
use attached::restore_attached;
use created::delete_created;
use disk::{remove_unit, restore_file};
use functions::{restore_driver, restore_functions};
use guest::{remove_guest, take_back};
use held::restore_held;
use link::{put_up, restore_link};
use rate::restore_rate;
pub(crate) use rate::set_rate;
use secondaries::restore_secondaries;

/// How long one step of an undo may take. Longer than a check waits: the kernel may still be at
/// what a check has given up on, and what follows has to wait for it.
const STEP_LIMIT: Duration = Duration::from_secs(90);

/// How to bring back one thing as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// The PF's driver, its virtual functions and their drivers.
    Functions {
        /// The PF.
        pf: Bdf,
        /// Its driver.
        driver: Option<String>,
        /// `sriov_drivers_autoprobe`.
        autoprobe: bool,
        /// Its VFs.
        vfs: Vec<VfFacts>,
    },
    /// A function's first network interface, found by its device since a new driver may name it anew.
    Link {
        /// The device.
        bdf: Bdf,
        /// Whether it was up.
        up: bool,
        /// Its MTU in bytes.
        mtu: u32,
    },
    /// A function's first network interface, which was put down. It is up before what was done
    /// earlier is undone: bnx2x removes no VFs while it is down (Linux 6.12
    /// drivers/net/ethernet/broadcom/bnx2x/bnx2x_sriov.c, `bnx2x_sriov_configure`).
    Down {
        /// The device.
        bdf: Bdf,
    },
    /// What a VF may send at most.
    Rate {
        /// Its PF.
        pf: Bdf,
        /// Which of the VFs it is.
        vf: u16,
        /// In Mbit/s; 0 is no limit.
        most: u32,
    },
    /// What the secondary controllers of a PF's `NVMe` controller have.
    Secondaries {
        /// The PF.
        pf: Bdf,
        /// All of them.
        before: Vec<SecondaryController>,
    },
    /// What the primary controller of a drive has of the flexible resources.
    Held {
        /// The PF.
        pf: Bdf,
        /// The serial number of the drive.
        serial: String,
        /// How many VQ and VI.
        held: [u16; 2],
    },
    /// Namespaces that are to be created.
    Created {
        /// The PF.
        pf: Bdf,
        /// The serial number of the drive.
        serial: String,
        /// Those that there were before.
        before: Vec<u32>,
        /// How many blocks each of the new ones has.
        nsze: u64,
    },
    /// Which controllers are attached to a namespace.
    Attached {
        /// The PF.
        pf: Bdf,
        /// The namespace, by its drive.
        namespace: Scratch,
        /// The identifiers of the controllers.
        controllers: Vec<u16>,
    },
    /// A file, such as a rule of udev.
    File {
        /// Where it is.
        path: String,
        /// What it held; `None` where there was none.
        content: Option<String>,
    },
    /// A guest, which was not there.
    Guest {
        /// What libvirt calls it.
        name: String,
    },
    /// What was handed to a guest, which had nothing.
    Attachments {
        /// What libvirt calls the guest.
        guest: String,
    },
    /// A unit of systemd, which was not there.
    Unit {
        /// Its name.
        name: String,
    },
}

impl Undo {
    /// What it is about. One change per subject is enough: the first knows the original.
    pub fn subject(&self) -> String {
        match self {
            Self::Functions { pf, .. } => format!("functions of {pf}"),
            Self::Link { bdf, .. } => format!("link of {bdf}"),
            Self::Down { bdf } => format!("{bdf} put down"),
            Self::Rate { pf, vf, .. } => format!("rate of VF {vf} of {pf}"),
            Self::Secondaries { pf, .. } => format!("secondary controllers of {pf}"),
            Self::Held { serial, .. } => format!("what the primary controller of {serial} has"),
            Self::Created { serial, .. } => format!("namespaces created on {serial}"),
            Self::Attached { namespace, .. } => format!("controllers of namespace {namespace}"),
            Self::File { path, .. } => path.clone(),
            Self::Guest { name } | Self::Unit { name } => name.clone(),
            Self::Attachments { guest } => format!("functions in {guest}"),
        }
    }

    /// What is done to a drive as a whole waits until it has no VFs any more, though these were promised to go before it was.
    pub fn comes_last(&self) -> bool {
        matches!(self, Self::Held { .. } | Self::Created { .. })
    }

    /// The device that it is lost with, unlike what is on disk, or in a drive.
    pub fn device(&self) -> Option<Bdf> {
        match self {
            Self::Functions { pf: bdf, .. }
            | Self::Link { bdf, .. }
            | Self::Down { bdf }
            | Self::Rate { pf: bdf, .. }
            | Self::Secondaries { pf: bdf, .. } => Some(*bdf),
            _ => None,
        }
    }

    /// Brings it back. Does nothing where it is already as it was, or where the device is gone and
    /// all that the kernel kept about it with it.
    pub async fn apply(&self, host: &dyn Host) -> io::Result<()> {
        if let Some(bdf) = self.device()
            && gone(host, bdf).await
        {
            return Ok(());
        }
        match self {
            Self::Functions {
                pf,
                driver,
                autoprobe,
                vfs,
            } => {
                restore_driver(host, *pf, driver.as_deref()).await?;
                restore_functions(host, *pf, *autoprobe, vfs).await
            }
            Self::Link { bdf, up, mtu } => restore_link(host, *bdf, *up, *mtu).await,
            Self::Down { bdf } => put_up(host, *bdf).await,
            Self::Rate { pf, vf, most } => restore_rate(host, *pf, *vf, *most).await,
            Self::Secondaries { pf, before } => restore_secondaries(host, *pf, before).await,
            Self::Held { pf, serial, held } => restore_held(host, *pf, serial, *held).await,
            Self::Created {
                pf,
                serial,
                before,
                nsze,
            } => delete_created(host, *pf, serial, before, *nsze).await,
            Self::Attached {
                pf,
                namespace,
                controllers,
            } => restore_attached(host, *pf, namespace, controllers).await,
            Self::File { path, content } => restore_file(host, path, content.as_deref()).await,
            Self::Guest { name } => remove_guest(host, name).await,
            Self::Attachments { guest } => take_back(host, guest).await,
            Self::Unit { name } => remove_unit(host, name).await,
        }
    }
}

async fn gone(host: &dyn Host, bdf: Bdf) -> bool {
    let absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
    host.list(&sysfs::device(bdf)).await.is_err_and(absent)
}

/// Runs a command that must succeed.
async fn command(host: &dyn Host, argv: &[&str]) -> io::Result<()> {
    let output = bounded(&argv.join(" "), host.run(argv)).await?;
    if output.success() {
        Ok(())
    } else {
        let command = argv.join(" ");
        Err(io::Error::other(format!("`{command}`: {}", output.stderr)))
    }
}

/// Runs a command of nvme-cli, whose words are made as they are typed.
async fn tell(host: &dyn Host, words: &[String]) -> io::Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    command(host, &words).await
}

async fn write(host: &dyn Host, path: &str, value: &str) -> io::Result<()> {
    let what = format!("echo {} > {path}", value.trim());
    bounded(&what, host.write(path, value.as_bytes())).await
}

async fn bounded<T>(what: &str, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(STEP_LIMIT, step).await {
        Ok(result) => {
            result.map_err(|error| io::Error::new(error.kind(), format!("{what}: {error}")))
        }
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("{what}: no answer within {} s", STEP_LIMIT.as_secs()),
        )),
    }
}
