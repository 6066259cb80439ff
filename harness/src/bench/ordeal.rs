//! What can happen to a guest that runs, in verbs.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::time::Instant;

use super::{BOOT_ID, Bench, GUEST_LOST, Running, STEP_LIMIT, within};
use crate::finding::Problem;

/// How long to wait for an answer of a guest that may be on its way down, before it is asked anew.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How often libvirt or a guest is asked while something is waited for.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// How long libvirt's daemon may take to restart. It waits for its own threads for 30 s and then ends by force (libvirt
/// src/rpc/virnetdaemon.c, `virNetDaemonRun`). libvirt 11.3 comes to that where a device appears meanwhile: it waits
/// for the thread that handles it with the lock that the thread needs (src/node_device/node_device_udev.c,
/// `nodeStateShutdownWait`). Seen with 2 of 21 restarts right after VFs were created.
const RESTART_LIMIT: Duration = Duration::from_mins(2);

/// How libvirt says that a guest cannot be migrated to where it is, once nothing else is against it
/// (libvirt src/qemu/qemu_migration_cookie.c, `qemuMigrationCookieXMLParse`).
const SAME_HOST: &str = "to the same host";

/// A way for a guest to leave the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Its memory is saved to disk.
    Save,
    /// It is migrated: to this very machine, which libvirt refuses only after all that would be
    /// against another one.
    Migrate,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Save => "saving the guest",
            Self::Migrate => "migrating the guest",
        })
    }
}

/// What came of an attempt to move a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whether nothing was against it.
    pub allowed: bool,
    /// What libvirt answered.
    pub answer: String,
}

impl Bench {
    /// Pauses a guest (`suspend`) or lets it go on (`resume`). Returns its state afterwards.
    pub async fn guest_does(&mut self, guest: &Running, verb: &str) -> Result<String, Problem> {
        self.hand(&[verb, guest.name()]).await?;
        self.state_of(guest.name()).await
    }

    /// Restarts a guest's kernel, and waits for its agent.
    pub async fn restart_guest(&mut self, guest: &Running) -> Result<(), Problem> {
        let host = guest.host.clone();
        let before = within(STEP_LIMIT, host.read(BOOT_ID)).await?;
        let left = String::from_utf8_lossy(&before).trim().to_owned();
        self.is_at(guest, &left)?;
        self.log.step(format!("{}$ reboot", guest.name()))?;
        within(STEP_LIMIT, host.reboot()).await?;
        let end = Instant::now() + self.boot_limit();
        let silent = |finding| Problem::Found {
            finding,
            message: format!("{} did not come back from its restart", guest.name()),
        };
        if self.system.is_some() {
            let up = self.bring_up(guest.name(), &left, end).await?;
            up.map_err(silent)?;
        }
        let limit = end.saturating_duration_since(Instant::now());
        let up = self
            .until_every(ASK_EVERY, limit, async || {
                let id = within(ASK_AGAIN, host.read(BOOT_ID)).await;
                Ok(id.ok().filter(|id| *id != before))
            })
            .await?;
        let boot = up.ok_or_else(|| silent(&GUEST_LOST))?;
        for known in self.guests.values_mut() {
            if known.name() == guest.name() {
                String::from_utf8_lossy(&boot)
                    .trim()
                    .clone_into(&mut known.boot);
            }
        }
        Ok(())
    }

    /// Tries to save or to migrate a guest. One that was saved has ended, and what was saved is thrown
    /// away.
    pub async fn attempt_move(&mut self, guest: &Running, how: Move) -> Result<Moved, Problem> {
        let name = guest.name();
        let here = self.own_address().await?;
        let words = match how {
            Move::Save => vec!["managedsave", name],
            // A guest with disks libvirt else refuses before it comes to the rest (src/qemu/qemu_migration.c,
            // `qemuMigrationSrcIsSafe`): another machine would need the same disks.
            Move::Migrate => vec!["migrate", "--live", "--unsafe", name, &here],
        };
        let has_vfs = !self.told(name, false).await?.hostdevs.is_empty();
        let output = if has_vfs {
            self.hand(&words).await?
        } else {
            self.try_out(&words).await?
        };
        if output.success() {
            self.has_ended(guest);
            self.must_take(&["managedsave-remove", name]).await?;
        }
        let allowed = output.success() || output.stderr.contains(SAME_HOST);
        let answer = if output.success() {
            "done".to_owned()
        } else {
            output.stderr
        };
        Ok(Moved { allowed, answer })
    }

    /// The address of this machine's libvirt (libvirt docs/uri.rst, `qemu+unix`; docs/daemons.rst,
    /// the sockets).
    async fn own_address(&mut self) -> Result<String, Problem> {
        let sockets = within(STEP_LIMIT, self.host.list("/run/libvirt")).await?;
        let socket = ["virtqemud-sock", "libvirt-sock"]
            .into_iter()
            .find(|known| sockets.iter().any(|socket| socket == known))
            .context("libvirt has no socket in /run/libvirt")?;
        Ok(format!("qemu+unix:///system?socket=/run/libvirt/{socket}"))
    }

    /// Asks a guest to keep only so much of its memory, in KiB, and waits until it does.
    pub async fn set_balloon(
        &mut self,
        guest: &Running,
        kib: u64,
        limit: Duration,
    ) -> Result<(), Problem> {
        let text = kib.to_string();
        self.must_take(&["setmem", guest.name(), &text, "--live"])
            .await?;
        let expected = format!("actual {kib}");
        let argv = ["virsh", "dommemstat", guest.name()];
        let host = self.host.clone();
        let set = self
            .until_every(ASK_EVERY, limit, async || {
                let output = within(STEP_LIMIT, host.run(&argv)).await?;
                Ok(output
                    .text()
                    .lines()
                    .any(|line| line == expected)
                    .then_some(()))
            })
            .await?;
        self.look(&argv).await?;
        set.ok_or_else(|| {
            anyhow!("the balloon of {} does not come to {kib} KiB", guest.name()).into()
        })
    }

    /// Restarts libvirt's daemon for guests: the modular one where it is in use (libvirt
    /// docs/daemons.rst).
    pub async fn restart_libvirt(&mut self) -> Result<(), Problem> {
        let modular = self
            .look(&["systemctl", "is-active", "virtqemud.socket"])
            .await?;
        let unit = if modular.success() {
            "virtqemud.service"
        } else {
            "libvirtd.service"
        };
        let output = self
            .look_for(RESTART_LIMIT, &["systemctl", "restart", unit])
            .await?;
        if output.success() {
            Ok(())
        } else {
            Err(anyhow!("cannot restart {unit}: {}", output.stderr).into())
        }
    }
}
