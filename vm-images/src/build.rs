//! Builds the image: runs the recipe's commands in a folder that gets its final name only when all of them succeeded.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use nix::unistd::Uid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::recipe::{self, FILES};

/// Builds into `dir`; the caller holds the lock.
pub(crate) async fn build(dir: &Path, progress: &mut impl FnMut(&str)) -> Result<()> {
    let (begin, as_root) = (Instant::now(), Uid::effective().is_root());
    progress("building the lab image, once; this takes a minute or two");
    let work = dir.with_extension("building");
    clear(&work, as_root, progress).await?;
    write_recipe(&work)
        .with_context(|| format!("cannot write the recipe to {}", work.display()))?;
    for step in recipe::build_steps(&work, as_root) {
        perform(&step, progress).await?;
    }
    fs::rename(&work, dir)
        .with_context(|| format!("cannot name the finished image {}", dir.display()))?;
    progress(&format!(
        "built the lab image in {} s: {}",
        begin.elapsed().as_secs(),
        dir.display()
    ));
    Ok(())
}

/// Takes away what a killed build left.
async fn clear(work: &Path, as_root: bool, progress: &mut impl FnMut(&str)) -> Result<()> {
    if !work.exists() {
        return Ok(());
    }
    let remove = recipe::words(&["rm", "-rf", &work.display().to_string()]);
    perform(&recipe::in_namespace(as_root, &remove), progress).await
}

/// Writes the files the commands read. The user namespace of a build without root maps to other ids, which must be able
/// to create the disk in the folder; nothing secret lies in it.
fn write_recipe(work: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let files = work.join("recipe");
    fs::create_dir_all(&files)?;
    fs::set_permissions(work, fs::Permissions::from_mode(0o777))?;
    FILES
        .iter()
        .try_for_each(|(name, text)| fs::write(files.join(name), text))
}

/// Runs one command to its end, and passes on what it says.
async fn perform(step: &[String], progress: &mut impl FnMut(&str)) -> Result<()> {
    let (program, arguments) = step
        .split_first()
        .context("the recipe has an empty command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| cannot_start(program, &error))?;
    let mut last = String::new();
    if let Some(said) = child.stderr.take() {
        let mut lines = BufReader::new(said).lines();
        while let Some(line) = lines.next_line().await? {
            progress(&line);
            last = line;
        }
    }
    let status = child.wait().await?;
    if status.code() == Some(NOT_FOUND) {
        return Err(not_installed(named(step)));
    }
    if !status.success() {
        bail!("cannot build the lab image: {program} ended with {status}: {last}");
    }
    Ok(())
}

/// What env(1) ends with when there is no such program.
const NOT_FOUND: i32 = 127;

/// The program a command is about: behind `env` and its settings.
fn named(step: &[String]) -> &str {
    step.iter()
        .find(|word| *word != "env" && !word.contains('='))
        .map_or("env", String::as_str)
}

fn cannot_start(program: &str, error: &io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => not_installed(program),
        _ => anyhow!("cannot build the lab image: cannot start {program}: {error}"),
    }
}

/// Says which packages bring it.
fn not_installed(program: &str) -> anyhow::Error {
    anyhow!(
        "cannot build the lab image: {program} is not installed; \
         on Debian: apt-get install mmdebstrap e2fsprogs; \
         on Fedora, or RHEL with EPEL, where they carry it: dnf install mmdebstrap e2fsprogs"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_program_names_the_packages() {
        let step = recipe::words(&["no-such-mmdebstrap"]);
        let error = perform(&step, &mut |_| {}).await.unwrap_err();
        insta::assert_snapshot!(error, @"cannot build the lab image: no-such-mmdebstrap is not installed; on Debian: apt-get install mmdebstrap e2fsprogs; on Fedora, or RHEL with EPEL, where they carry it: dnf install mmdebstrap e2fsprogs");
        let behind_env = perform(
            &recipe::words(&["env", "A=b", "no-such-mmdebstrap"]),
            &mut |_| {},
        )
        .await
        .unwrap_err();
        assert_eq!(behind_env.to_string(), error.to_string());
    }

    #[tokio::test]
    async fn a_failed_command_says_its_last_line() {
        let step = recipe::words(&[
            "sh",
            "-c",
            "echo first >&2; echo no space left on device >&2; exit 3",
        ]);
        let error = perform(&step, &mut |_| {}).await.unwrap_err();
        insta::assert_snapshot!(error, @"cannot build the lab image: sh ended with exit status: 3: no space left on device");
    }

    #[tokio::test]
    async fn what_a_command_says_is_passed_on() {
        let mut said = Vec::new();
        let step = recipe::words(&["sh", "-c", "echo one >&2; echo two >&2"]);
        perform(&step, &mut |line| said.push(line.to_owned()))
            .await
            .unwrap();
        assert_eq!(said, ["one", "two"]);
    }

    #[test]
    fn the_recipe_lies_beside_the_image() {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("lab.building");
        write_recipe(&work).unwrap();
        assert!(work.join("recipe/packages").is_file());
    }
}
