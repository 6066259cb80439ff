//! `report DIR`: renders reports again from the journal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use reports::Verdict;

use super::{USAGE, output, usage};
use crate::evidence::render;

#[derive(Args)]
pub(super) struct ReportArgs {
    /// A result folder, or a folder above several.
    dir: PathBuf,
}

/// Exits as the run did: with the worst of the verdicts. A folder without one does not keep the
/// others from being rendered.
pub(super) fn run(args: &ReportArgs) -> anyhow::Result<u8> {
    let mut folders = Vec::new();
    find(&args.dir, &mut folders)?;
    if folders.is_empty() {
        return Err(usage(format!(
            "no journal.jsonl in or below {}: name a result folder",
            args.dir.display()
        )));
    }
    let mut codes = Vec::new();
    for folder in folders {
        codes.push(report(&folder)?);
    }
    Ok(output::worst(&codes))
}

fn report(folder: &Path) -> anyhow::Result<u8> {
    match render(folder) {
        Ok(run) => {
            output::print(&reports::summary_text(&run))?;
            Ok(Verdict::of(&run).0.exit_code())
        }
        Err(error) => {
            output::complain(&format!("{error:#}"));
            Ok(USAGE)
        }
    }
}

fn find(dir: &Path, folders: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if dir.join("journal.jsonl").is_file() {
        folders.push(dir.to_path_buf());
        return Ok(());
    }
    for path in below(dir).map_err(|error| unreadable(dir, &error))? {
        if path.is_dir() && !path.is_symlink() {
            find(&path, folders)?;
        }
    }
    Ok(())
}

fn below(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn unreadable(dir: &Path, error: &io::Error) -> anyhow::Error {
    let dir = dir.display();
    usage(format!(
        "cannot read {dir}: {error}; name a result folder, or one above several"
    ))
}
