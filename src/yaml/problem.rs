//! Problems found while one file is read, before they are given lines and columns.

use std::cell::RefCell;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Severity, SourceText};

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
    /// A span; offsets beyond `u32` are cut, and no text is that long (see
    /// [`super::MAX_FILE_BYTES`]).
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
    severity: Severity,
    message: String,
    span: Span,
    label: Option<String>,
    hint: Option<String>,
    related: Option<(String, Span)>,
}

impl Problem {
    /// An error.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span,
            label: None,
            hint: None,
            related: None,
        }
    }

    /// A warning.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(span, message)
        }
    }

    /// Says something at the place itself.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what to do, where that is known.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Names a second place of the same file.
    #[must_use]
    pub fn related(mut self, message: impl Into<String>, span: Span) -> Self {
        self.related = Some((message.into(), span));
        self
    }

    /// With lines and columns.
    pub fn locate(self, source: &SourceText) -> Diagnostic {
        Diagnostic {
            severity: self.severity,
            message: self.message,
            place: Some(source.place(self.span.range())),
            label: self.label,
            hint: self.hint,
            related: self.related.map(|(message, span)| {
                let place = source.place(span.range());
                crate::diagnostic::Related { message, place }
            }),
        }
    }
}

/// The problems of one file, and the places of texts that must not be shown.
#[derive(Debug, Default)]
pub struct Problems {
    kept: RefCell<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    problems: Vec<Problem>,
    errors: usize,
    warnings: usize,
    secrets: Vec<Span>,
}

impl Problems {
    /// Adds a problem; over [`MAX_PROBLEMS`] it is counted only.
    pub fn push(&self, problem: Problem) {
        let mut kept = self.kept.borrow_mut();
        let count = match problem.severity {
            Severity::Error => &mut kept.errors,
            Severity::Warning => &mut kept.warnings,
        };
        *count += 1;
        if *count <= MAX_PROBLEMS {
            kept.problems.push(problem);
        }
    }

    /// Number of errors so far.
    pub fn errors(&self) -> usize {
        self.kept.borrow().errors
    }

    /// Keeps a text out of every snippet.
    pub fn mask(&self, span: Span) {
        self.kept.borrow_mut().secrets.push(span);
    }

    /// Hands everything over to a project's tally; `source` learns what to mask.
    pub fn settle(self, source: &mut SourceText, tally: &mut Tally) {
        let kept = self.kept.into_inner();
        source.mask(kept.secrets.into_iter().map(Span::range));
        tally.errors += kept.errors;
        tally.warnings += kept.warnings;
        tally
            .kept
            .extend(kept.problems.into_iter().map(|found| found.locate(source)));
    }
}

/// The problems of a project.
#[derive(Debug, Default)]
pub struct Tally {
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Tally {
    /// Adds a problem that has its place already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let count = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MAX_PROBLEMS {
            self.kept.push(diagnostic);
        }
    }

    /// Number of errors so far, also those over the limit.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Number of warnings so far, also those over the limit.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// By file and place; what is over the limit becomes one line at the end.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut kept = self.kept;
        kept.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut shown = [0_usize; 2];
        kept.retain(|found| {
            let count = &mut shown[usize::from(!found.is_error())];
            *count += 1;
            *count <= MAX_PROBLEMS
        });
        for (total, severity, word) in [
            (self.errors, Severity::Error, "errors"),
            (self.warnings, Severity::Warning, "warnings"),
        ] {
            if total > MAX_PROBLEMS {
                let more = total - MAX_PROBLEMS;
                kept.push(Diagnostic::new(
                    severity,
                    format!("{more} more {word} are not shown, limit {MAX_PROBLEMS}"),
                ));
            }
        }
        kept
    }
}

/// Problems without a place come last.
fn order(diagnostic: &Diagnostic) -> (bool, &str, usize, usize) {
    diagnostic.place.as_ref().map_or((true, "", 0, 0), |place| {
        (false, &place.file, place.span.start, place.span.end)
    })
}
