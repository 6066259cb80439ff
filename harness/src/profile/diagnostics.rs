//! Everything wrong in one profile, for a person to read.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::problem::Problem;

/// Everything wrong in one profile: at least one problem, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    file: String,
    text: String,
    problems: Vec<Problem>,
}

impl Diagnostics {
    /// The problems of a text; `None` where there are none.
    pub(super) fn of(file: &str, text: &str, mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by_key(|problem| problem.span.start);
        let (file, text) = (file.to_owned(), text.to_owned());
        (!problems.is_empty()).then_some(Self {
            file,
            text,
            problems,
        })
    }

    /// The one problem of a text.
    pub(super) fn of_one(file: &str, text: &str, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            problems: vec![problem],
        }
    }

    /// How many problems there are.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// Every problem with its line, a caret and the way out, and the count at the end.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let blocks = self
            .problems
            .iter()
            .map(|problem| self.render_one(&renderer, problem));
        let total = format!("{}: {}", self.file, self.total());
        blocks.chain([total]).collect::<Vec<_>>().join("\n\n")
    }

    fn render_one(&self, renderer: &Renderer, problem: &Problem) -> String {
        let here = AnnotationKind::Primary.span(self.within(&problem.span));
        let mut snippet = Snippet::source(self.text.as_str())
            .path(self.file.as_str())
            .annotation(here.label(problem.label.as_str()));
        if let Some((span, label)) = &problem.against {
            let there = AnnotationKind::Context.span(self.within(span));
            snippet = snippet.annotation(there.label(label.as_str()));
        }
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let mut group: Group<'_> = title.element(snippet);
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }

    /// A span that surely lies within the text and on its characters: the renderer panics on others.
    fn within(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end.min(self.text.len()));
        start..end.max(start)
    }

    fn total(&self) -> String {
        let plural = if self.count() == 1 { "" } else { "s" };
        format!("{} error{plural}", self.count())
    }

    fn line(&self, problem: &Problem) -> usize {
        let before = &self.text[..self.within(&problem.span).start];
        before.matches('\n').count() + 1
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, problems, .. } = self;
        write!(f, "{file}: {}", self.total())?;
        let Some(first) = problems.first() else {
            return Ok(());
        };
        let (line, message) = (self.line(first), &first.message);
        write!(
            f,
            ", first: line {line}: {message}; run `sriov-certify profile check {file}` for all"
        )
    }
}

impl std::error::Error for Diagnostics {}
