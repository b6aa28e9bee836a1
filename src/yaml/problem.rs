//! Problems found while one file is read, before they are given lines and columns.

use std::cell::RefCell;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Related, Severity, SourceText};

/// Errors reported of one project, and as many warnings. Nobody reads more before mending the
/// first; the rest is counted.
pub const MAX_PROBLEMS: usize = 1000;

/// Bytes of a text, from `start` up to but not including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

impl Span {
    /// A span; offsets beyond `u32` are cut, and no text is that long (see [`super::MAX_FILE_BYTES`]).
    pub fn new(start: usize, end: usize) -> Self {
        let cut = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            start: cut(start),
            end: cut(end.max(start)),
        }
    }

    /// As a range of offsets.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A problem at a place of the file that is being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    diagnostic: Diagnostic,
    span: Span,
    related: Option<(String, Span)>,
}

impl Problem {
    fn new(span: Span, diagnostic: Diagnostic) -> Self {
        Self {
            diagnostic,
            span,
            related: None,
        }
    }

    /// An error.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self::new(span, Diagnostic::error(message))
    }

    /// A warning.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self::new(span, Diagnostic::warning(message))
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint.into()))
    }

    /// Says what to do, where that is known.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.diagnostic.hint = hint;
        self
    }

    /// Names a second place of the same file.
    #[must_use]
    pub fn related(mut self, message: impl Into<String>, span: Span) -> Self {
        self.related = Some((message.into(), span));
        self
    }

    /// With lines and columns.
    fn locate(self, source: &SourceText) -> Diagnostic {
        let place = |span: Span| source.place(span.range());
        let related = self.related.map(|(message, span)| Related {
            message,
            place: place(span),
        });
        Diagnostic {
            place: Some(place(self.span)),
            related,
            ..self.diagnostic
        }
    }
}

/// Problems up to a limit; the others are counted only.
#[derive(Debug)]
struct Kept<T> {
    problems: Vec<T>,
    errors: usize,
    warnings: usize,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            problems: Vec::new(),
            errors: 0,
            warnings: 0,
        }
    }
}

impl<T> Kept<T> {
    fn push(&mut self, severity: Severity, problem: T) {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// The problems of one file, and the places of texts that must not be shown.
#[derive(Debug, Default)]
pub struct Problems {
    kept: RefCell<Kept<Problem>>,
    secrets: RefCell<Vec<Span>>,
}

impl Problems {
    /// Adds a problem; over [`MAX_PROBLEMS`] it is counted only.
    pub fn push(&self, problem: Problem) {
        let severity = problem.diagnostic.severity;
        self.kept.borrow_mut().push(severity, problem);
    }

    /// Number of errors so far.
    pub fn errors(&self) -> usize {
        self.kept.borrow().errors
    }

    /// Keeps a text out of every snippet.
    pub fn mask(&self, span: Span) {
        self.secrets.borrow_mut().push(span);
    }

    /// Hands everything over to a project's tally; `source` learns what to mask.
    pub fn settle(self, source: &mut SourceText, tally: &mut Tally) {
        let (kept, secrets) = (self.kept.into_inner(), self.secrets.into_inner());
        source.mask(secrets.into_iter().map(Span::range));
        let Tally(all) = tally;
        all.errors += kept.errors;
        all.warnings += kept.warnings;
        let located = kept.problems.into_iter().map(|found| found.locate(source));
        all.problems.extend(located);
    }
}

/// The problems of a project.
#[derive(Debug, Default)]
pub struct Tally(Kept<Diagnostic>);

impl Tally {
    /// Adds a problem that has its place already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic.severity, diagnostic);
    }

    /// Number of errors so far, also those over the limit.
    pub fn errors(&self) -> usize {
        self.0.errors
    }

    /// Number of warnings so far, also those over the limit.
    pub fn warnings(&self) -> usize {
        self.0.warnings
    }

    /// By file and place, problems without a place last; what is over the limit becomes one line at
    /// the end.
    pub fn finish(self) -> Vec<Diagnostic> {
        let (errors, warnings) = (self.errors(), self.warnings());
        let mut kept = self.0.problems;
        kept.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut shown = [0_usize; 2];
        kept.retain(|found| {
            let count = &mut shown[usize::from(!found.is_error())];
            *count += 1;
            *count <= MAX_PROBLEMS
        });
        for (total, severity, word) in [
            (errors, Severity::Error, "errors"),
            (warnings, Severity::Warning, "warnings"),
        ] {
            if total > MAX_PROBLEMS {
                let more = total - MAX_PROBLEMS;
                let message = format!("{more} more {word} are not shown, limit {MAX_PROBLEMS}");
                kept.push(Diagnostic::new(severity, message));
            }
        }
        kept
    }
}

fn order(diagnostic: &Diagnostic) -> (bool, &str, usize, usize) {
    diagnostic.place.as_ref().map_or((true, "", 0, 0), |place| {
        (false, &place.file, place.span.start, place.span.end)
    })
}
