//! From the text of a profile to a [`Profile`], or to everything that is wrong with it.

use serde::Deserialize;
use toml::de::{DeTable, Deserializer, Error};

use super::problem::Problem;
use super::{Diagnostics, Profile, rules, structure};

impl Profile {
    /// Parses the text of a profile.
    ///
    /// `id` is what the profile is called, `file_name` is for the messages, and `known_checks` are
    /// the ids that a known issue may name.
    pub fn parse(
        id: &str,
        file_name: &str,
        text: &str,
        known_checks: &[&str],
    ) -> Result<Self, Diagnostics> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let problems = problems(text, root.get_ref(), &errors, known_checks);
        if let Some(diagnostics) = Diagnostics::of(file_name, text, problems) {
            return Err(diagnostics);
        }
        match Self::deserialize(Deserializer::from(root)) {
            Ok(profile) => Ok(Self {
                id: id.to_owned(),
                ..profile
            }),
            Err(error) => Err(Diagnostics::of_one(file_name, text, misfit(&error))),
        }
    }
}

/// Everything wrong in a text.
///
/// Where the syntax is broken the rest is still looked at, but a parser that has lost its way
/// invents: what it says of the same line, and of what is absent, is worth nothing.
fn problems(
    text: &str,
    root: &DeTable<'_>,
    errors: &[Error],
    known_checks: &[&str],
) -> Vec<Problem> {
    let mut problems: Vec<Problem> = errors.iter().map(from_toml).collect();
    let broken: Vec<usize> = problems.iter().map(|problem| line(text, problem)).collect();
    let others = structure::check(root)
        .into_iter()
        .chain(rules::check(root, known_checks));
    problems.extend(others.filter(|problem| {
        broken.is_empty() || !(problem.absence || broken.contains(&line(text, problem)))
    }));
    problems
}

/// The line that a problem is on, from 0.
fn line(text: &str, problem: &Problem) -> usize {
    let start = text.floor_char_boundary(problem.span.start);
    text[..start].matches('\n').count()
}

fn from_toml(error: &Error) -> Problem {
    Problem::new(error.span().unwrap_or(0..0), error.message())
}

/// What only the types object to. No text is known that comes so far; if one does, it is refused too.
fn misfit(error: &Error) -> Problem {
    let message = format!("{MISFIT}: {}", error.message());
    Problem::new(error.span().unwrap_or(0..0), message)
}

/// How the message of a misfit begins.
pub(super) const MISFIT: &str = "this does not fit a profile's types";
