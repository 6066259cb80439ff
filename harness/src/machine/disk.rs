//! Files that are there whole or not at all, and that a power cut does not take back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Puts a file on disk in place of an older one. When this returns it lasts.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = unfinished(path);
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

/// Makes a folder, and those above it that are missing. When this returns they last.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_folder(above)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(path),
    }
}

/// Removes a file and what a cut-off [`replace`] may have left of it.
pub fn remove(path: &Path) -> io::Result<()> {
    for path in [&unfinished(path), path] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_folder(path)
}

/// The name a file has until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// A file's name is part of its folder, which has to reach the disk by itself.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder.exists() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{make_folder, remove, replace, unfinished};

    #[test]
    fn folders_are_made_down_to_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c");
        make_folder(&path).unwrap();
        make_folder(&path).unwrap();
        assert!(path.is_dir());
        replace(&folder.path().join("file"), b"").unwrap();
        assert!(make_folder(&folder.path().join("file/a")).is_err());
    }

    #[test]
    fn a_file_is_replaced_and_removed_with_its_remains() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rules");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        fs::write(unfinished(&path), "half").unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_folder_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/a.rules");
        assert!(replace(&path, b"one").is_err());
        remove(&path).unwrap();
    }
}
