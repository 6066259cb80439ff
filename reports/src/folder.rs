//! The folder of a run: everything that can be rendered from its journal.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::Path;

use crate::clean::clean;
use crate::run::Checked;
use crate::{Run, junit, plot, summary_text};

/// Writes `junit.xml`, `summary.txt` and each check's evidence. The same run always gives the same bytes.
pub fn write_reports(dir: &Path, run: &Run) -> io::Result<()> {
    for checked in run.checks.iter().filter(|checked| checked.started) {
        write_evidence(&dir.join(checks_folder(&checked.record.check)), checked)?;
    }
    write_summaries(dir, run)
}

/// Writes `summary.txt` and `junit.xml` alone: quick enough to be done after each check of a run.
pub fn write_summaries(dir: &Path, run: &Run) -> io::Result<()> {
    write_file(&dir.join("summary.txt"), &summary_text(run))?;
    write_file(&dir.join("junit.xml"), &junit(run)?)
}

/// Writes a file that is either there as a whole or not at all, also for a reader who looks meanwhile.
pub fn write_file(path: &Path, text: &str) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // Nothing may be left but an earlier version of the file; the error of the write matters, not this one's.
        let _ = fs::remove_file(&temporary);
        cannot_write(path, &error)
    })
}

/// The folder of a check's evidence, below that of its run.
pub(crate) fn checks_folder(check: &str) -> String {
    format!("checks/{}", folder(check))
}

/// The name of a check's folder: its id, as scripts expect it. A journal may come from anywhere, so an id that could
/// lead out of the folder, or hide in it, gets a harmless name instead, which stays unique by the id's checksum.
pub fn folder(check: &str) -> Cow<'_, str> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-' | '.');
    if check.chars().all(harmless) && !check.starts_with('.') && (1..=200).contains(&check.len()) {
        return Cow::Borrowed(check);
    }
    let name: String = check
        .chars()
        .map(|c| if harmless(c) { c } else { '_' })
        .take(200)
        .collect();
    Cow::Owned(format!("_{name}-{:08x}", crc32fast::hash(check.as_bytes())))
}

fn write_evidence(dir: &Path, checked: &Checked) -> io::Result<()> {
    fs::create_dir_all(dir).map_err(|error| cannot_write(dir, &error))?;
    write_file(&dir.join("transcript.txt"), &transcript(checked))?;
    write_samples(dir, checked)?;
    if checked.record.kernel_log.is_empty() {
        return Ok(());
    }
    write_file(
        &dir.join("kernel.log"),
        &(clean(&checked.record.kernel_log.join("\n")) + "\n"),
    )
}

/// All that was measured, for machines, and a picture of each for people.
fn write_samples(dir: &Path, checked: &Checked) -> io::Result<()> {
    if checked.measured.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string_pretty(&checked.measured)?;
    write_file(&dir.join("samples.json"), &(json + "\n"))?;
    for (number, measured) in (1..).zip(&checked.measured) {
        write_file(&dir.join(format!("samples-{number}.svg")), &plot(measured))?;
    }
    Ok(())
}

/// The transcript, with what it is about as a comment, so that its commands can still be pasted into a shell.
fn transcript(checked: &Checked) -> String {
    let heading = format!("# {}: {}", checked.record.check, checked.proves).replace('\n', " ");
    let lines = [heading]
        .into_iter()
        .chain(checked.transcript.iter().cloned());
    clean(&lines.collect::<Vec<_>>().join("\n")).into_owned() + "\n"
}

fn cannot_write(path: &Path, error: &io::Error) -> io::Error {
    let way_out = "look at its space and rights, or choose another folder with --out";
    io::Error::new(
        error.kind(),
        format!("{} cannot be written: {error}; {way_out}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    /// Every file below a folder, by its path in it.
    fn files(dir: &Path) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(dir).unwrap() {
            let (path, name) = entry
                .map(|entry| (entry.path(), entry.file_name().into_string().unwrap()))
                .unwrap();
            if path.is_dir() {
                found.extend(
                    files(&path)
                        .into_iter()
                        .map(|(below, text)| (format!("{name}/{below}"), text)),
                );
            } else {
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
        found
    }

    #[test]
    fn rendering_again_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        write_reports(dir.path(), &fixture::rich()).unwrap();
        let first = files(dir.path());
        write_reports(dir.path(), &fixture::rich()).unwrap();
        assert_eq!(files(dir.path()), first);
        insta::assert_snapshot!(first.keys().cloned().collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_transcript_reads_in_order() {
        let dir = tempfile::tempdir().unwrap();
        write_reports(dir.path(), &fixture::rich()).unwrap();
        insta::assert_snapshot!(files(dir.path())["checks/vf::create_maximum/transcript.txt"]);
    }

    #[test]
    fn attachments_exist() {
        let dir = tempfile::tempdir().unwrap();
        write_reports(dir.path(), &fixture::rich()).unwrap();
        let xml = fs::read_to_string(dir.path().join("junit.xml")).unwrap();
        let paths: Vec<_> = xml
            .split("[[ATTACHMENT|")
            .skip(1)
            .map(|rest| rest.split_once("]]").unwrap().0)
            .collect();
        assert!(!paths.is_empty());
        assert!(
            paths.iter().all(|path| dir.path().join(path).is_file()),
            "{paths:?}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("junit.xml/in the way")).unwrap();
        let error = write_file(&dir.path().join("junit.xml"), "text")
            .unwrap_err()
            .to_string();
        insta::assert_snapshot!(error.replace(&dir.path().display().to_string(), "DIR"), @"DIR/junit.xml cannot be written: Is a directory (os error 21); look at its space and rights, or choose another folder with --out");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_id_is_its_folder() {
        assert_eq!(folder("vf::create_maximum"), "vf::create_maximum");
    }

    proptest! {
        #[test]
        fn no_id_leads_out_of_its_folder(check in r"(\.|/|\x00|[a-z:]|é){0,12}") {
            let name = folder(&check);
            prop_assert!(!name.starts_with('.') && !name.contains(['/', '\0']) && (1..=255).contains(&name.len()));
        }
    }
}
