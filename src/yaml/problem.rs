//! Problems found while reading one file, before they have lines and columns.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Severity, SourceText};

/// Most errors reported per project, and as many warnings: nobody reads more before fixing the first.
pub const MAX_PROBLEMS: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub start: u32,
    /// After the last byte.
    pub end: u32,
}

impl Span {
    /// Offsets beyond `u32` are cut; no text is that long (see [`super::MAX_FILE_BYTES`]).
    pub fn new(start: usize, end: usize) -> Self {
        let cut = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            start: cut(start),
            end: cut(end.max(start)),
        }
    }

    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    span: Span,
    diagnostic: Diagnostic,
    related: Option<(&'static str, Span)>,
}

impl Problem {
    pub fn new(span: Span, diagnostic: Diagnostic) -> Self {
        Self {
            span,
            diagnostic,
            related: None,
        }
    }

    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self::new(span, Diagnostic::error(message))
    }

    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self::new(span, Diagnostic::warning(message))
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint.into()))
    }

    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.diagnostic.hint = hint;
        self
    }

    #[must_use]
    pub fn related(mut self, message: &'static str, span: Span) -> Self {
        self.related = Some((message, span));
        self
    }

    fn locate(self, source: &SourceText) -> Diagnostic {
        let located = self.diagnostic.at(source.place(self.span.range()));
        match self.related {
            Some((message, span)) => located.related(message, source.place(span.range())),
            None => located,
        }
    }
}

/// The problems of one file, and the ranges that must not be shown.
#[derive(Debug, Default)]
pub struct Problems {
    /// At most [`MAX_PROBLEMS`] errors and as many warnings.
    kept: RefCell<Vec<Problem>>,
    errors: Cell<usize>,
    warnings: Cell<usize>,
    secrets: RefCell<Vec<Span>>,
}

impl Problems {
    /// Above [`MAX_PROBLEMS`], problems are only counted.
    pub fn push(&self, problem: Problem) {
        let count = match problem.diagnostic.severity {
            Severity::Error => &self.errors,
            Severity::Warning => &self.warnings,
        };
        count.set(count.get() + 1);
        if count.get() <= MAX_PROBLEMS {
            self.kept.borrow_mut().push(problem);
        }
    }

    pub fn errors(&self) -> usize {
        self.errors.get()
    }

    pub fn mask(&self, span: Span) {
        self.secrets.borrow_mut().push(span);
    }
}

#[derive(Debug, Default)]
pub struct Tally {
    /// By file and place; problems without a place last.
    pub problems: Vec<Diagnostic>,
    /// Including those above the limit.
    pub errors: usize,
    /// Including those above the limit.
    pub warnings: usize,
}

impl Tally {
    pub fn add(&mut self, problems: Vec<Diagnostic>) {
        let errors = problems.iter().filter(|found| found.is_error()).count();
        self.errors += errors;
        self.warnings += problems.len() - errors;
        self.problems.extend(problems);
    }

    /// Adds the problems of a file and masks its secrets.
    pub fn settle(&mut self, source: &mut SourceText, problems: Problems) {
        source.mask(problems.secrets.into_inner().into_iter().map(Span::range));
        self.errors += problems.errors.get();
        self.warnings += problems.warnings.get();
        let located = problems.kept.into_inner().into_iter();
        self.problems
            .extend(located.map(|found| found.locate(source)));
    }

    /// Sorts the problems; those above the limit become one line at the end.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.problems.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut shown = [0_usize; 2];
        self.problems.retain(|found| {
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
                let message = format!("{more} more {word} are not shown, limit {MAX_PROBLEMS}");
                self.problems.push(Diagnostic::new(severity, message));
            }
        }
        self
    }
}

fn order(diagnostic: &Diagnostic) -> (bool, &str, usize, usize) {
    diagnostic.place.as_ref().map_or((true, "", 0, 0), |place| {
        (false, &place.file, place.span.start, place.span.end)
    })
}
