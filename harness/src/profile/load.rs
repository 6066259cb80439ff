//! A profile from a file of the user's.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{Diagnostics, Profile};

/// Why a profile could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file could not be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not text.
    NotText {
        /// The file.
        path: PathBuf,
        /// How many bytes are UTF-8.
        valid: usize,
    },
    /// The file's name cannot be a profile's name.
    Name {
        /// The file.
        path: PathBuf,
    },
    /// The text is not a profile.
    Invalid(Diagnostics),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => {
                write!(
                    f,
                    "cannot read profile {}: {source}; check the path",
                    path.display()
                )
            }
            Self::NotText { path, valid } => {
                write!(
                    f,
                    "profile {} is not UTF-8 text: byte {valid} is not; save it as UTF-8",
                    path.display()
                )
            }
            Self::Name { path } => write!(
                f,
                "profile {} needs a name of letters, digits, `-` and `_` that ends in `.toml`; rename it",
                path.display()
            ),
            Self::Invalid(diagnostics) => diagnostics.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

/// Loads the profile in a file.
pub fn load(path: &Path, known_checks: &[&str]) -> Result<Profile, LoadError> {
    let id = id(path).ok_or_else(|| LoadError::Name {
        path: path.to_owned(),
    })?;
    let bytes = std::fs::read(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| LoadError::NotText {
        path: path.to_owned(),
        valid: error.valid_up_to(),
    })?;
    let name = path.display().to_string();
    Profile::parse(id, &name, text, known_checks).map_err(LoadError::Invalid)
}

/// What the file's name calls the profile. The id becomes a folder's name and part of a class name
/// in the report, so it must be safe as both.
fn id(path: &Path) -> Option<&str> {
    let id = path.file_name()?.to_str()?.strip_suffix(".toml")?;
    let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (!id.is_empty() && id.chars().all(safe)).then_some(id)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{LoadError, load};

    fn refusal(path: &Path) -> String {
        load(path, &[]).expect_err("is no profile").to_string()
    }

    #[test]
    fn a_missing_file_and_a_folder_are_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.toml");
        assert!(
            refusal(&missing)
                .ends_with("none.toml: No such file or directory (os error 2); check the path")
        );
        let inner = folder.path().join("folder.toml");
        fs::create_dir(&inner).unwrap();
        assert!(refusal(&inner).contains("Is a directory"));
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_with_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        fs::write(&path, b"name = \"\xff\"").unwrap();
        assert!(matches!(
            load(&path, &[]),
            Err(LoadError::NotText { valid: 8, .. })
        ));
        assert!(refusal(&path).ends_with("is not UTF-8 text: byte 8 is not; save it as UTF-8"));
    }

    #[test]
    fn a_name_that_could_leave_the_result_folder_is_refused() {
        for name in ["...toml", "a b.toml", "x.tml", ".toml", "a.b.toml"] {
            assert!(
                refusal(Path::new(name)).contains("needs a name of"),
                "{name}"
            );
        }
    }

    #[test]
    fn errors_in_the_text_become_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        fs::write(&path, "name = 1\n").unwrap();
        let line = refusal(&path);
        assert!(line.contains("x.toml: 5 errors, first: line 1: "), "{line}");
        assert_eq!(line.lines().count(), 1);
    }
}
