//! What a process that certifies has undertaken, on disk: so that another one can go on with it, or
//! undo it, whatever became of the first.

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use harness::lock::{self, Lock, LockError};
use harness::machine::disk;
use harness::pci::Bdf;
use harness::plan::Choice;
use harness::profile::Profile;
use reports::Run;
use serde::{Deserialize, Serialize};

use crate::evidence;

const FOLDER: &str = "/var/lib/sriov-certify/.sessions";

/// What one process has undertaken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// When it began, as local time.
    pub started: String,
    /// What tells its program from any other ([`program`]).
    pub program: String,
    /// The folder for the results.
    pub out: PathBuf,
    /// What the user chose.
    pub choice: Choice,
    /// Its devices, in order.
    pub devices: Vec<Charge>,
    /// The ports at the other ends of their cables, which their checks may change too.
    #[serde(default)]
    pub companions: Vec<Bdf>,
}

/// One device of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// Where it is.
    pub bdf: Bdf,
    /// What the profile is called.
    pub profile_id: String,
    /// The claims.
    pub profile: Profile,
    /// The folder of its run, once that has begun.
    pub folder: Option<PathBuf>,
}

impl Session {
    /// Holds all its devices: a run may have changed another one beside its own.
    pub fn lock(&self) -> Result<Vec<Lock>, LockError> {
        let devices = self.devices.iter().map(|charge| charge.bdf);
        let all = devices.chain(self.companions.iter().copied());
        all.map(Lock::take).collect()
    }
}

impl Charge {
    /// The run as its journal tells it; `None` while it has not begun, so that nothing was touched.
    pub fn run(&self) -> anyhow::Result<Option<Run>> {
        match &self.folder {
            Some(folder) if self.has_begun(folder)? => evidence::journal(folder).map(Some),
            _ => Ok(None),
        }
    }
}

impl Charge {
    fn has_begun(&self, folder: &Path) -> anyhow::Result<bool> {
        evidence::has_begun(folder).with_context(|| {
            format!(
                "the results are needed to undo what the run of {} has left: mount their disk; where they are lost, undo it by hand and remove the run's file in {FOLDER}",
                self.bdf
            )
        })
    }
}

/// Whether nobody has to go on with a run, or to undo what it left.
pub fn is_settled(run: &Run) -> bool {
    run.complete && run.pending.is_empty()
}

/// A session that belongs to this process.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    /// What was undertaken.
    pub session: Session,
    _lock: Lock,
}

impl Held {
    /// Writes down how far it has come.
    pub fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.session)?;
        disk::replace(&self.path, text.as_bytes()).with_context(|| {
            format!(
                "cannot write {}: free some space there",
                self.path.display()
            )
        })
    }

    /// Forgets a session of which nothing is left to be done. One that a restart is to come to, or
    /// that has left something behind, stays.
    pub fn end(self) -> anyhow::Result<bool> {
        for charge in &self.session.devices {
            if charge.run()?.is_some_and(|run| !is_settled(&run)) {
                return Ok(false);
            }
        }
        let removed = disk::remove(&self.path);
        removed.with_context(|| format!("cannot remove {}", self.path.display()))?;
        Ok(true)
    }
}

/// How long another process may take to begin: it looks at every device of the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// All sessions of a machine.
#[derive(Debug)]
pub struct Sessions {
    folder: PathBuf,
    locks: PathBuf,
}

/// What is known of the sessions of a machine.
#[derive(Debug, Default)]
pub struct Found {
    /// Those whose process has ended before its work: they now belong to this process.
    pub dead: Vec<Held>,
    /// Those under way, with their processes.
    pub living: Vec<(Session, String)>,
}

impl Sessions {
    /// Those of this machine.
    pub fn of_this_machine() -> Self {
        Self::in_folders(Path::new(FOLDER), Path::new(lock::FOLDER))
    }

    /// Those in that folder, which must last over a restart, with locks that must not.
    pub fn in_folders(folder: &Path, locks: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            locks: locks.to_owned(),
        }
    }

    /// Writes down what this process undertakes.
    pub fn begin(&self, session: Session) -> anyhow::Result<Held> {
        let name = format!(
            "{}-{}",
            session.started.replace(':', ""),
            std::process::id()
        );
        disk::make_folder(&self.folder)
            .with_context(|| format!("cannot make {}", self.folder.display()))?;
        let held = Held {
            path: self.folder.join(format!("{name}.json")),
            session,
            _lock: Lock::take_in(&self.locks, &format!("session-{name}"))?,
        };
        held.save()?;
        Ok(held)
    }

    /// Waits, not for long, until no other process looks for sessions or begins one. Until the lock
    /// is dropped none will.
    pub fn alone(&self) -> anyhow::Result<Lock> {
        let end = Instant::now() + PATIENCE;
        loop {
            match Lock::take_in(&self.locks, "sessions") {
                Err(LockError::Held { .. }) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(LockError::Held { holder, .. }) => anyhow::bail!(
                    "another sriov-certify (process {holder}) is just beginning: try again in a moment"
                ),
                lock => return Ok(lock?),
            }
        }
    }

    /// Looks for all of them. Must be [`Sessions::alone`] with it: each that is dead is held from then on.
    pub fn find(&self) -> anyhow::Result<Found> {
        let mut found = Found::default();
        for path in self.files()? {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let lock = Lock::take_in(&self.locks, &format!("session-{name}"));
            // After the lock: its owner may have come to an end just now.
            let Some(session) = read(&path)? else {
                continue;
            };
            match lock {
                Ok(lock) => found.dead.push(Held {
                    path,
                    session,
                    _lock: lock,
                }),
                Err(LockError::Held { holder, .. }) => found.living.push((session, holder)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read {}", self.folder.display()))?,
        };
        let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
        let mut paths = paths?;
        paths.retain(|path| path.extension() == Some(OsStr::new("json")));
        paths.sort();
        Ok(paths)
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Session>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("cannot read {}", path.display()))?,
    };
    serde_json::from_str(&text).map(Some).with_context(|| {
        format!(
            "{} is of another version of this program: restore with that one, or remove the file once the machine is as it was",
            path.display()
        )
    })
}

/// What tells this program from any other: its version and a checksum of its file.
pub fn program() -> anyhow::Result<String> {
    // The process's own file, also where another one has taken its name.
    program_at(Path::new("/proc/self/exe"))
}

/// The same of a file that is of this version.
pub fn program_at(path: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Ok(format!(
        "{} ({:016x})",
        env!("CARGO_PKG_VERSION"),
        hasher.finish()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            started: "2026-01-01T00:00:00.123".into(),
            program: "1.0".into(),
            out: "/out".into(),
            choice: Choice::default(),
            devices: Vec::new(),
            companions: Vec::new(),
        }
    }

    #[test]
    fn a_session_lives_as_long_as_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::in_folders(&folder.path().join("s"), &folder.path().join("l"));
        assert!(sessions.find().unwrap().dead.is_empty());
        let held = sessions.begin(session()).unwrap();
        let found = sessions.find().unwrap();
        assert_eq!(found.living, [(session(), std::process::id().to_string())]);
        drop((held, found));
        let found = sessions.find().unwrap();
        assert_eq!(found.dead[0].session, session());
        assert!(found.dead.into_iter().all(|held| held.end().unwrap()));
        assert!(sessions.find().unwrap().dead.is_empty());
    }

    /// What is missing may only be unmounted; what was never begun has touched nothing.
    #[test]
    fn results_that_are_missing_are_told_from_a_run_that_has_not_begun() {
        let folder = tempfile::tempdir().unwrap();
        let mut charge = Charge {
            bdf: "0000:01:00.0".parse().unwrap(),
            profile_id: "mock".into(),
            profile: harness::profile::shipped(&crate::checks::ids()).remove(0),
            folder: Some(folder.path().join("nowhere")),
        };
        let error = charge.run().unwrap_err().to_string();
        assert!(
            error.contains("0000:01:00.0 has left: mount their disk"),
            "{error}"
        );
        charge.folder = Some(folder.path().to_owned());
        fs::write(folder.path().join("facts.json"), "{}").unwrap();
        assert_eq!(charge.run().unwrap(), None);
        fs::write(folder.path().join("journal.jsonl"), "{\"seq\":1").unwrap();
        assert_eq!(charge.run().unwrap(), None);
        fs::write(folder.path().join("journal.jsonl"), "damaged\n").unwrap();
        assert!(charge.run().is_err(), "something was begun");
    }

    #[test]
    fn a_session_of_another_version_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::in_folders(folder.path(), folder.path());
        fs::write(folder.path().join("a.json"), "{}").unwrap();
        let error = sessions.find().unwrap_err().to_string();
        assert!(error.contains("a.json is of another version"), "{error}");
    }
}
