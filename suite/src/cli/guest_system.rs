//! From the word of a bench file to the guest system that it means, checked before anything is touched.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use harness::guest::{self, System};
use harness::settings::Settings;
use sha2::{Digest, Sha256};

use super::{output, usage};

/// How much of an image is read at once, in bytes.
const CHUNK: usize = 1 << 20;

/// The guest system that a bench file names. Its image must be the one that was pinned.
pub(super) fn named(settings: &Settings) -> anyhow::Result<Option<System>> {
    let Some(name) = &settings.guest else {
        return Ok(None);
    };
    let system = listed(name, &path())?;
    is_pinned(&system)?;
    Ok(Some(system))
}

/// Where the manifest is: in the source tree, or on any other machine.
fn path() -> PathBuf {
    PathBuf::from(if output::in_source_tree() {
        "vm-images/manifest.toml"
    } else {
        "/etc/sriov-certify/manifest.toml"
    })
}

fn listed(name: &str, path: &Path) -> anyhow::Result<System> {
    let shown = path.display();
    let unreadable = |error: io::Error| {
        usage(format!(
            "the bench file names the guest `{name}`, but the manifest {shown} cannot be read: {error}"
        ))
    };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let path = path.canonicalize().map_err(unreadable)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let systems = guest::manifest(&text, folder);
    let systems = systems.map_err(|error| usage(format!("{shown}: {error}")))?;
    let names: Vec<String> = systems.iter().map(|system| system.name.clone()).collect();
    let found = systems.into_iter().find(|system| system.name == name);
    found.ok_or_else(|| {
        let there = match names.as_slice() {
            [] => "names none".to_owned(),
            names => format!("has {}", names.join(", ")),
        };
        usage(format!(
            "no guest `{name}`: the manifest {shown} {there}; see its comments"
        ))
    })
}

/// Whether the image is the one that the manifest means.
pub(super) fn is_pinned(system: &System) -> anyhow::Result<()> {
    let System {
        name,
        image,
        sha256,
        ..
    } = system;
    let found = checksum(Path::new(image)).map_err(|error| {
        usage(format!(
            "the image {image} of the guest `{name}` cannot be read: {error}"
        ))
    })?;
    if found == *sha256 {
        return Ok(());
    }
    Err(usage(format!(
        "the image {image} of the guest `{name}` has the sha256 {found}, and the manifest pins {sha256}: put the right one there, or pin this one"
    )))
}

fn checksum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => hasher.update(&chunk[..read]),
        }
    }
    Ok(hasher
        .finalize()
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{is_pinned, listed};

    /// Of "an image".
    const SHA256: &str = "a5df3fde7b200c3fa2791144c7e05c5c2bced4c6ad863d3a4cf76c972c1712f9";

    #[test]
    fn what_is_not_there_or_not_the_same_is_told_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.toml");
        let shown = folder.path().canonicalize().unwrap().display().to_string();
        let refusal = |name: &str| {
            let error = listed(name, &path).and_then(|system| is_pinned(&system));
            error.unwrap_err().to_string().replace(&shown, "DIR")
        };
        let mut all = vec![refusal("a")];
        fs::write(&path, "").unwrap();
        all.push(refusal("a"));
        let entry = |name: &str| {
            format!(
                "[[guest]]\nname = '{name}'\nimage = 'image'\nsha256 = '{SHA256}'\nmemory = 512\n"
            )
        };
        fs::write(&path, entry("a") + &entry("b")).unwrap();
        all.push(refusal("c"));
        all.push(refusal("a"));
        fs::write(folder.path().join("image"), "another image").unwrap();
        all.push(refusal("a"));
        fs::write(&path, entry("a") + &entry("a")).unwrap();
        all.push(refusal("a"));
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn an_image_that_was_pinned_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.toml");
        fs::write(folder.path().join("image"), "an image").unwrap();
        let entry =
            format!("[[guest]]\nname = 'a'\nimage = 'image'\nsha256 = '{SHA256}'\nmemory = 512\n");
        fs::write(&path, entry).unwrap();
        is_pinned(&listed("a", &path).unwrap()).unwrap();
    }
}
