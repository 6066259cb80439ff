//! One run per device: a lock that ends with its process, however that ends, and with the boot.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::pci::Bdf;

/// Where the locks of this boot are.
pub const FOLDER: &str = "/run/lock/sriov-certify";

/// The lock of one device, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: Flock<File>,
}

/// Why a lock could not be taken.
#[derive(Debug)]
pub enum LockError {
    /// Another run has it.
    Held {
        /// What it is the lock of.
        what: String,
        /// What the other run wrote into the lock: its process id.
        holder: String,
    },
    /// The lock's file cannot be used.
    Unusable(PathBuf, std::io::Error),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { what, holder } => write!(
                f,
                "{what} is being certified by process {holder}: wait for it, or end it with `kill {holder}`"
            ),
            Self::Unusable(path, error) => {
                write!(f, "cannot use the lock {}: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for LockError {}

impl Lock {
    /// Takes the lock of a device, or says who has it.
    pub fn take(bdf: Bdf) -> Result<Self, LockError> {
        Self::take_in(Path::new(FOLDER), &bdf.to_string())
    }

    /// Takes the lock of that name in that folder.
    pub fn take_in(folder: &Path, what: &str) -> Result<Self, LockError> {
        let path = folder.join(what);
        let open = || {
            fs::create_dir_all(folder)?;
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
        };
        let mut file = open().map_err(|error| LockError::Unusable(path.clone(), error))?;
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Self::sign(file).map_err(|error| LockError::Unusable(path, error)),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(LockError::Held {
                what: what.to_owned(),
                holder: holder.trim().to_owned(),
            }),
            Err((_, errno)) => Err(LockError::Unusable(path, errno.into())),
        }
    }

    fn sign(mut file: Flock<File>) -> std::io::Result<Self> {
        file.set_len(0)?;
        std::io::Seek::rewind(&mut *file)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::{Lock, LockError};

    #[test]
    fn a_second_run_is_told_who_has_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let bdf = "0000:01:00.0";
        let held = Lock::take_in(folder.path(), bdf).unwrap();
        let error = Lock::take_in(folder.path(), bdf).unwrap_err();
        assert!(
            matches!(&error, LockError::Held { holder, .. } if *holder == std::process::id().to_string()),
            "{error}"
        );
        Lock::take_in(folder.path(), "0000:02:00.0").unwrap();
        drop(held);
        Lock::take_in(folder.path(), bdf).unwrap();
    }
}
