//! Reading a mapping of a manifest field by field, collecting every problem.
//!
//! The fields that are asked for are the fields there are: whatever is left over in the end is
//! reported as unknown, so no list of names can go stale. Knows no kind of manifest.

use super::Pair;
use super::problem::{Problem, Problems, Span};
use super::value::Value;
use crate::diagnostic::{did_you_mean, listed, shown};

/// One mapping, being read. Handed out by [`Value::mapping`], which reports what was not asked for.
pub struct Fields<'a> {
    problems: &'a Problems,
    pairs: &'a [Pair<'a>],
    /// Where to say that something is missing.
    span: Span,
    known: Vec<&'static str>,
    missing: Vec<&'static str>,
    ignore_rest: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(problems: &'a Problems, pairs: &'a [Pair<'a>], span: Span) -> Self {
        Self {
            problems,
            pairs,
            span,
            known: Vec::new(),
            missing: Vec::new(),
            ignore_rest: false,
        }
    }

    /// The value of a field that may be absent.
    pub fn optional(&mut self, name: &'static str) -> Option<Value<'a>> {
        self.known.push(name);
        let pair = self.pairs.iter().find(|pair| pair.key == name)?;
        Some(Value::of_field(
            self.problems,
            name,
            pair.key_span,
            &pair.value,
        ))
    }

    /// The value of a field that must be there; otherwise that is reported.
    pub fn required(&mut self, name: &'static str) -> Option<Value<'a>> {
        let value = self.optional(name);
        if value.is_none() {
            self.missing.push(name);
        }
        value
    }

    /// Where the mapping belongs: its key, or its start.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Reports a problem of this file.
    pub fn push(&self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Number of errors in this file so far: to tell whether some piece was read without any.
    pub fn errors(&self) -> usize {
        self.problems.errors()
    }

    /// Says nothing of the fields that were not asked for: what they mean is not known.
    pub fn ignore_rest(&mut self) {
        self.ignore_rest = true;
    }

    pub(super) fn finish(self) {
        let is_absent = |name: &&str| self.pairs.iter().all(|pair| pair.key != *name);
        let absent: Vec<_> = self.known.iter().copied().filter(is_absent).collect();
        let mut meant = Vec::new();
        let rest = if self.ignore_rest { &[] } else { self.pairs };
        for pair in rest {
            if self.known.iter().any(|known| *known == pair.key) {
                continue;
            }
            let guess = did_you_mean(&pair.key, absent.iter().copied());
            let hint = guess.map_or_else(
                || format!("known fields: {}", listed(self.known.iter().copied())),
                |guess| format!("did you mean `{guess}`?"),
            );
            meant.extend(guess);
            let message = format!("unknown field `{}`", shown(&pair.key));
            self.problems
                .push(Problem::error(pair.key_span, message).hint(hint));
        }
        for name in self.missing {
            // A misspelt field is one problem, not two.
            if !meant.contains(&name) {
                let message = format!("missing field `{name}`");
                self.problems.push(Problem::error(self.span, message));
            }
        }
    }
}
