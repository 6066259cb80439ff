//! Where words go: results to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use harness::run::Progress;
use reports::{Outcome, Run, Verdict};

use super::usage;

/// Prints a result. That nobody reads on (`sriov-certify checks | head`) is no error, and must not
/// change the exit code.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match print_line(text.strip_suffix('\n').unwrap_or(text)) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("cannot write to the standard output"),
    }
}

fn print_line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// Says something that is not a result. Nobody is left to hear it where stderr is closed.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Says what went wrong, in one line.
pub(super) fn complain(text: &str) {
    say(&format!("sriov-certify: {}", one_line(text)));
}

/// Words of the user's, of a file's or of a device's may hold what a terminal obeys.
fn one_line(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' => " ".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(visible).collect()
}

/// Whether what is said may be coloured (<https://no-color.org>).
pub(super) fn coloured() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !unwanted
}

/// Tells how one check ended, prefixed with its device.
pub(super) fn tell(device: &str, progress: &Progress<'_>) {
    if let Progress::Restart(checks) = progress {
        say(&format!(
            "{device}  the machine restarts; checks that then go on by themselves: {checks}"
        ));
    }
    if let Progress::End(record) = progress {
        let line = format!(
            "{device}  {} {:<30} {:>7.2} s  {}",
            word(record.outcome),
            record.check,
            record.seconds,
            one_line(&record.message)
        );
        say(line.trim_end());
    }
}

/// As [`tell`], but silent about what went well: simulators are many and quick.
pub(super) fn tell_bad(device: &str, progress: &Progress<'_>) {
    if let Progress::End(record) = progress
        && matches!(record.outcome, Outcome::Failed | Outcome::Error)
    {
        tell(device, progress);
    }
}

fn word(outcome: Outcome) -> &'static str {
    let (plain, coloured) = match outcome {
        Outcome::Passed => ("passed     ", "\x1b[32mpassed\x1b[0m     "),
        Outcome::Failed => ("FAILED     ", "\x1b[31mFAILED\x1b[0m     "),
        Outcome::Error => ("ERROR      ", "\x1b[35mERROR\x1b[0m      "),
        Outcome::Skipped => ("skipped    ", "\x1b[33mskipped\x1b[0m    "),
        Outcome::KnownIssue => ("known issue", "\x1b[33mknown issue\x1b[0m"),
    };
    if self::coloured() { coloured } else { plain }
}

/// The result folder: what the user named, `target/certification` in the source tree, or
/// `/var/lib/sriov-certify`. It must take files before anything is touched.
pub(super) fn folder(out: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = out.map_or_else(default_folder, Path::to_path_buf);
    writable(&folder).map_err(|error| {
        usage(format!(
            "cannot write to {}: {error}; choose another folder with --out",
            folder.display()
        ))
    })?;
    Ok(folder)
}

/// Where results go when the user names no folder.
pub(super) fn default_folder() -> PathBuf {
    PathBuf::from(if in_source_tree() {
        "target/certification"
    } else {
        "/var/lib/sriov-certify"
    })
}

/// Whether this is the folder of the project's own source.
pub(super) fn in_source_tree() -> bool {
    Path::new("Cargo.toml").exists() && Path::new("profiles").is_dir()
}

/// A disk may be full although the folder can be made, so a page is really written.
fn writable(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".writable-{}", std::process::id()));
    let result = std::fs::File::create(&probe).and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    let _ = std::fs::remove_file(&probe);
    result
}

/// Prints a line per device and writes `summary.json`. Returns the exit code of them all, or why
/// they are not all there.
pub(super) fn conclude(
    out: &Path,
    runs: Vec<(Run, PathBuf)>,
    ended: anyhow::Result<()>,
) -> anyhow::Result<u8> {
    if runs.is_empty() {
        ended?;
        return Ok(worst(&[]));
    }
    let mut codes = Vec::new();
    for (run, folder) in &runs {
        print(&format!(
            "{}\n    {}",
            reports::table_line(run),
            folder.join("summary.txt").display()
        ))?;
        codes.push(Verdict::of(run).0.exit_code());
    }
    let relative = |path: PathBuf| {
        path.strip_prefix(out)
            .map(Path::to_path_buf)
            .unwrap_or(path)
    };
    let runs: Vec<_> = runs
        .into_iter()
        .map(|(run, path)| (run, relative(path)))
        .collect();
    reports::write_file(&out.join("summary.json"), &reports::summary_json(&runs))?;
    ended?;
    Ok(worst(&codes))
}

/// The exit code for several devices: a rejected one outweighs an inconclusive one. Nothing at all
/// is inconclusive too.
pub(super) fn worst(codes: &[u8]) -> u8 {
    if codes.contains(&1) {
        1
    } else {
        codes.iter().copied().max().unwrap_or(2)
    }
}
