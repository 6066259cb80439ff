//! The folder of a run: what it is about, and its reports.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use harness::facts::Facts;
use harness::machine::disk;
use harness::profile::Profile;
use harness::run::Progress;
use reports::{Durability, Environment, Run};
use serde::de::DeserializeOwned;

const JOURNAL: &str = "journal.jsonl";
const FACTS: &str = "facts.json";
const PROFILE: &str = "profile.json";

/// Makes the folder of a run, and writes down what it is about: it may have to be gone on with, or
/// undone, from this alone.
pub(crate) fn begin(
    folder: &Path,
    profile: &Profile,
    facts: &Facts,
    durability: Durability,
) -> anyhow::Result<()> {
    let lasts = durability == Durability::PowerCut;
    let made = if lasts {
        disk::make_folder(folder)
    } else {
        fs::create_dir_all(folder)
    };
    made.with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in [
        (PROFILE, serde_json::to_string_pretty(profile)?),
        (FACTS, serde_json::to_string_pretty(facts)?),
    ] {
        let path = folder.join(name);
        let written = if lasts {
            disk::replace(&path, text.as_bytes())
        } else {
            reports::write_file(&path, &text)
        };
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The claims and the facts that a run was begun with. `id` is what its profile is called.
pub(crate) fn read(folder: &Path, id: &str) -> anyhow::Result<(Profile, Facts)> {
    let profile: Profile = parse(&folder.join(PROFILE))?;
    let id = id.to_owned();
    Ok((Profile { id, ..profile }, parse(&folder.join(FACTS))?))
}

/// Whether the first line of the journal, which comes before any change, was written to its end.
pub fn has_begun(folder: &Path) -> anyhow::Result<bool> {
    let path = folder.join(JOURNAL);
    match fs::read(&path) {
        // What comes before the journal is there to stay.
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.join(FACTS).exists() => {
            Ok(false)
        }
        bytes => {
            let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
            Ok(bytes.contains(&b'\n'))
        }
    }
}

/// What became of the run in a folder so far.
pub fn journal(folder: &Path) -> anyhow::Result<Run> {
    let path = folder.join(JOURNAL);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Run::from_journal(&bytes).with_context(|| format!("{}", path.display()))
}

/// Renders the reports of a result folder from its journal.
pub fn render(folder: &Path) -> anyhow::Result<Run> {
    let run = journal(folder)?;
    reports::write_reports(folder, &run)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(run)
}

/// Renders the reports also after each check, so that a run that is killed leaves one. A simulator
/// leaves nothing that anybody would have to look into.
pub(crate) fn kept<'a>(
    folder: &'a Path,
    environment: Environment,
    progress: &'a mut dyn FnMut(Progress<'_>),
) -> impl FnMut(Progress<'_>) + 'a {
    move |event| {
        if environment != Environment::Simulator {
            // Where this fails, so will the journal or the last rendering, which say why.
            let _ = journal(folder).map(|run| reports::write_summaries(folder, &run));
        }
        progress(event);
    }
}

fn parse<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is damaged, or of another version of this program",
            path.display()
        )
    })
}
