//! Reads one mapping of a manifest, field by field.

use super::value::Value;
use crate::diagnostic::{did_you_mean, listed, shown};
use crate::yaml::Pair;
use crate::yaml::problem::{Problem, Problems, Span};

/// A mapping that is being read. Fields that were never asked for are reported as unknown, so there is no
/// list of names that could become outdated.
pub struct Fields<'a> {
    mapping: Value<'a>,
    pairs: &'a [Pair<'a>],
    known: Vec<&'static str>,
    missing: Vec<&'static str>,
    ignore_rest: bool,
}

pub(crate) fn mapping<'a, T>(
    value: Value<'a>,
    read: impl FnOnce(&mut Fields<'a>) -> T,
) -> Option<T> {
    let mut fields = Fields {
        mapping: value,
        pairs: value.pairs()?,
        known: Vec::new(),
        missing: Vec::new(),
        ignore_rest: false,
    };
    let out = read(&mut fields);
    fields.finish();
    Some(out)
}

impl<'a> Fields<'a> {
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<Value<'a>> {
        self.known.push(name);
        self.peek(name)
    }

    pub(crate) fn required(&mut self, name: &'static str) -> Option<Value<'a>> {
        let value = self.optional(name);
        if value.is_none() {
            self.missing.push(name);
        }
        value
    }

    /// The value of a field that is read elsewhere.
    pub(crate) fn peek(&self, name: &'static str) -> Option<Value<'a>> {
        let pair = self.pairs.iter().find(|pair| pair.key == name)?;
        Some(self.mapping.field(name, pair))
    }

    /// Whether exactly one of these fields is present; reports it otherwise.
    pub(crate) fn exactly_one(&self, names: &[&'static str], hint: Option<String>) -> bool {
        let given = names
            .iter()
            .filter(|name| self.peek(name).is_some())
            .count();
        if given != 1 {
            let names = listed(names.iter().copied());
            let message = format!("expected exactly one of {names}, found {given} of them");
            let problem = Problem::error(self.span(), message);
            self.problems().push(problem.maybe_hint(hint));
        }
        given == 1
    }

    /// The mapping's key, or its start.
    pub(crate) fn span(&self) -> Span {
        self.mapping.key_span
    }

    pub(crate) fn problems(&self) -> &'a Problems {
        self.mapping.problems
    }

    /// Does not report the remaining fields, whose meaning is unknown.
    pub(crate) fn ignore_rest(&mut self) {
        self.ignore_rest = true;
    }

    fn finish(self) {
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
            self.problems()
                .push(Problem::error(pair.key_span, message).hint(hint));
        }
        for name in &self.missing {
            // Report a misspelt field once, not also as missing.
            if !meant.contains(name) {
                let message = format!("missing field `{name}`");
                self.problems().push(Problem::error(self.span(), message));
            }
        }
    }
}
