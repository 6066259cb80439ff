//! The manifest of guest images: a lab's own guest systems, by name.

use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::System;
use crate::settings::{line, one_line};

/// Less than any distribution starts with, and more than a machine for guests has, in MiB.
const MEMORY: RangeInclusive<u32> = 256..=1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(default)]
    guest: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    image: Spanned<String>,
    sha256: Spanned<String>,
    memory: Spanned<u32>,
}

/// The guest systems that a manifest names, from its text, which is TOML. Images are looked for from its `folder`. The error
/// is one line.
pub fn manifest(text: &str, folder: &Path) -> Result<Vec<System>, String> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| one_line(text, &error))?;
    let mut systems: Vec<System> = Vec::new();
    for entry in manifest.guest {
        let at = entry.name.span().start;
        let system = entry.system(folder);
        let system = system.map_err(|(at, why)| format!("line {}: {why}", line(text, at)))?;
        if systems.iter().any(|other| other.name == system.name) {
            let (line, name) = (line(text, at), system.name);
            return Err(format!(
                "line {line}: there are two guests called {name:?}: rename one"
            ));
        }
        systems.push(system);
    }
    Ok(systems)
}

/// A manifest that names only this one.
pub fn manifest_of(system: &System) -> String {
    let entry = toml::to_string(system).unwrap_or_default();
    format!("[[guest]]\n{entry}")
}

impl Entry {
    /// What it names, or where it is wrong and why.
    fn system(self, folder: &Path) -> Result<System, (usize, String)> {
        let at = self.sha256.span().start;
        let sha256 = checksum(self.sha256.get_ref()).map_err(|why| (at, why))?;
        let at = self.memory.span().start;
        let memory = memory(*self.memory.get_ref()).map_err(|why| (at, why))?;
        for (key, word) in [("name", &self.name), ("image", &self.image)] {
            if word.get_ref().is_empty() {
                return Err((word.span().start, format!("{key} is empty: give it one")));
            }
        }
        Ok(System {
            image: folder.join(self.image.get_ref()).display().to_string(),
            name: self.name.into_inner(),
            sha256,
            memory,
        })
    }
}

fn checksum(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(
        "sha256 must be 64 hexadecimal digits: take those that `sha256sum` prints of the image"
            .into(),
    )
}

fn memory(memory: u32) -> Result<u32, String> {
    if MEMORY.contains(&memory) {
        return Ok(memory);
    }
    let (least, most) = (MEMORY.start(), MEMORY.end());
    Err(format!(
        "memory is {memory}, and must be from {least} to {most} (MiB)"
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{manifest, manifest_of};

    const SHA256: &str = "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn entry(name: &str) -> String {
        format!(
            "[[guest]]\nname = '{name}'\nimage = 'a.qcow2'\nsha256 = '{SHA256}'\nmemory = 2048\n"
        )
    }

    #[test]
    fn images_are_looked_for_from_the_manifests_folder() {
        let text = entry("one") + &entry("two").replace("a.qcow2", "/srv/b.qcow2");
        let systems = manifest(&text, Path::new("/etc/lab")).unwrap();
        let images: Vec<&str> = systems.iter().map(|it| it.image.as_str()).collect();
        assert_eq!(images, ["/etc/lab/a.qcow2", "/srv/b.qcow2"]);
        assert_eq!((systems[0].name.as_str(), systems[0].memory), ("one", 2048));
        assert_eq!(systems[0].sha256, SHA256.to_lowercase());
        assert_eq!(manifest("# nothing yet\n", Path::new("/")), Ok(Vec::new()));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = entry("one").replace("'one'", r#""it's \"one\"""#);
        let systems = manifest(&text, Path::new("/srv")).unwrap();
        let written = manifest_of(&systems[0]);
        assert_eq!(manifest(&written, Path::new("/")), Ok(systems));
    }

    #[test]
    fn the_shipped_manifest_names_none_and_explains_each_key() {
        let text = include_str!("../../../vm-images/manifest.toml");
        assert_eq!(manifest(text, Path::new("/")), Ok(Vec::new()));
        let example = text.split_once("# [[guest]]").unwrap().1;
        let example = format!("[[guest]]{}", example.replace("\n# ", "\n"));
        assert_eq!(manifest(&example, Path::new("/")).unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_used_is_told_in_one_line() {
        let good = entry("one");
        let error = |text: &str| manifest(text, Path::new("/")).unwrap_err();
        insta::assert_snapshot!(
            [
                error("[[guest]]\nname = 'one'\n"),
                error("[[guests]]\nname = 'one'\n"),
                error(&good.replace("memory", "ram")),
                error(&good.replace("2048", "'2 GiB'")),
                error(&good.replace("2048", "64")),
                error(&good.replace("E3b0", "xyz0")),
                error(&good.replace("E3b0", "")),
                error(&good.replace("a.qcow2", "")),
                error(&(good.clone() + &good)),
                error("[[guest]"),
            ]
            .join("\n")
        );
    }
}
