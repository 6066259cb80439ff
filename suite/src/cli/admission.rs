//! What keeps a run from beginning before any device is looked at.

use std::path::Path;

use anyhow::Context;
use nix::sys::statfs::{FsType, TMPFS_MAGIC, statfs};
use nix::unistd::geteuid;

use super::usage;
use crate::session::{Found, Session};

/// Refuses an ordinary user.
pub(super) fn needs_root(why: &str) -> anyhow::Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    Err(usage(format!(
        "{why}, which needs root: use sudo, or try `run --mock`"
    )))
}

/// What another run has left must be undone first, and a restart must not end another run.
pub(super) fn makes_way(found: &Found, reboot: bool) -> anyhow::Result<()> {
    if let Some(dead) = found.dead.first() {
        let Session { started, out, .. } = &dead.session;
        return Err(usage(format!(
            "the run of {started} (results in {}) did not come to its end: `sriov-certify restore` undoes what it left, `sriov-certify resume` goes on with it after a restart",
            out.display()
        )));
    }
    let restarts = |living: &&(Session, String)| reboot || living.0.choice.reboot;
    match found.living.iter().find(restarts) {
        None => Ok(()),
        Some((_, process)) => Err(usage(format!(
            "another run is going on (process {process}), and a restart of the machine would end one of the two: wait for it, or end it with `kill {process}`"
        ))),
    }
}

/// What a restart needs must be there again afterwards. `way_out` says what to do where it is not.
pub(super) fn outlasts_a_restart(path: &Path, way_out: &str) -> anyhow::Result<()> {
    let kind = statfs(path)
        .with_context(|| format!("cannot tell on what {} lies", path.display()))?
        .filesystem_type();
    if kind == TMPFS_MAGIC || kind == RAMFS_MAGIC {
        return Err(usage(format!(
            "{} lies in memory and would not outlast the restart: {way_out}",
            path.display()
        )));
    }
    Ok(())
}

/// `RAMFS_MAGIC` of Linux include/uapi/linux/magic.h.
const RAMFS_MAGIC: FsType = FsType(0x8584_58f6);

#[cfg(test)]
mod tests {
    use harness::plan::Choice;

    use super::{Found, Session, makes_way, outlasts_a_restart};
    use crate::session::Sessions;

    fn session(reboot: bool) -> Session {
        Session {
            started: "2026-01-01T00:00:00".into(),
            program: "1.0".into(),
            out: "/srv/results".into(),
            choice: Choice {
                reboot,
                ..Choice::default()
            },
            devices: Vec::new(),
            companions: Vec::new(),
        }
    }

    fn refusal(found: &Found, reboot: bool) -> String {
        makes_way(found, reboot).unwrap_err().to_string()
    }

    #[test]
    fn a_dead_run_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::in_folders(folder.path(), folder.path());
        drop(sessions.begin(session(false)).unwrap());
        insta::assert_snapshot!(refusal(&sessions.find().unwrap(), false), @"the run of 2026-01-01T00:00:00 (results in /srv/results) did not come to its end: `sriov-certify restore` undoes what it left, `sriov-certify resume` goes on with it after a restart");
    }

    #[test]
    fn a_restart_ends_no_other_run() {
        let living = |reboot| Found {
            living: vec![(session(reboot), "4711".into())],
            ..Found::default()
        };
        assert!(makes_way(&living(false), false).is_ok());
        let words = refusal(&living(false), true);
        assert_eq!(refusal(&living(true), false), words);
        insta::assert_snapshot!(words, @"another run is going on (process 4711), and a restart of the machine would end one of the two: wait for it, or end it with `kill 4711`");
    }

    #[test]
    fn results_in_memory_are_refused() {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let way_out = "choose another folder with --out";
        let refusal = outlasts_a_restart(folder.path(), way_out)
            .unwrap_err()
            .to_string();
        assert!(
            refusal.ends_with(
                "lies in memory and would not outlast the restart: choose another folder with --out"
            ),
            "{refusal}"
        );
        assert!(outlasts_a_restart(env!("CARGO_MANIFEST_DIR").as_ref(), way_out).is_ok());
    }
}
