//! `profile check` and `profile schema`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use harness::profile::{self, LoadError};

use super::output;
use crate::checks;

#[derive(Subcommand)]
pub(super) enum ProfileCommand {
    /// Show all errors of profiles at once, with line, caret and suggestion.
    Check {
        /// The TOML files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of a profile.
    Schema,
}

pub(super) fn run(command: &ProfileCommand) -> anyhow::Result<u8> {
    match command {
        ProfileCommand::Schema => output::print(&profile::schema()).map(|()| 0),
        ProfileCommand::Check { files } => {
            let mut code = 0;
            for file in files {
                if !check(file)? {
                    code = super::USAGE;
                }
            }
            Ok(code)
        }
    }
}

/// Says what is wrong with a file. Returns whether nothing is.
fn check(file: &Path) -> anyhow::Result<bool> {
    match profile::load(file, &checks::ids()) {
        Ok(profile) => {
            let line = format!("{}: ok ({})", file.display(), profile.name);
            return output::print(&line).map(|()| true);
        }
        Err(LoadError::Invalid(all)) => output::say(&all.render(output::coloured())),
        Err(error) => output::complain(&error.to_string()),
    }
    Ok(false)
}
