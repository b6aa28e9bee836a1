//! Narrowing a plan: `--target` and `--exclude`.

use globset::{GlobBuilder, GlobMatcher};
use thiserror::Error;

use crate::diff::Change;
use crate::escape;

#[derive(Debug, Clone, Default)]
pub struct Selection {
    targets: Vec<Pattern>,
    excludes: Vec<Pattern>,
}

/// An address, the beginning of one up to a `/`, or either with `*` for any text.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum SelectError {
    #[error("`{0}` is not an address")]
    BadPattern(String),
    #[error("no entry has an address like `{0}`")]
    NoMatch(String),
}

impl Selection {
    pub fn new(targets: &[String], excludes: &[String]) -> Result<Self, SelectError> {
        let read = |texts: &[String]| -> Result<Vec<_>, _> {
            texts.iter().map(|text| Pattern::new(text)).collect()
        };
        Ok(Self {
            targets: read(targets)?,
            excludes: read(excludes)?,
        })
    }

    pub fn is_all(&self) -> bool {
        self.targets.is_empty() && self.excludes.is_empty()
    }

    pub fn selects(&self, address: &str) -> bool {
        let hit = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(address));
        (self.targets.is_empty() || hit(&self.targets)) && !hit(&self.excludes)
    }

    /// Checks that every pattern matches some entry: a typo must not make an empty plan.
    pub fn check(&self, known: impl Iterator<Item = String>) -> Result<(), SelectError> {
        let mut unmatched: Vec<&Pattern> = self.targets.iter().chain(&self.excludes).collect();
        for address in known {
            if unmatched.is_empty() {
                break;
            }
            unmatched.retain(|pattern| !pattern.matches(&address));
        }
        match unmatched.first() {
            Some(pattern) => Err(SelectError::NoMatch(pattern.text.clone())),
            None => Ok(()),
        }
    }

    /// Keeps the selected changes; `known` are the addresses of all entries.
    pub(super) fn apply(
        &self,
        mut changes: Vec<Change>,
        known: impl Iterator<Item = String>,
    ) -> Result<Vec<Change>, SelectError> {
        if !self.is_all() {
            self.check(known)?;
            changes.retain(|change| self.selects(&change.key.address()));
        }
        Ok(changes)
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, SelectError> {
        let bad = || SelectError::BadPattern(text.to_owned());
        let trimmed = text.trim_end_matches('/');
        if trimmed.is_empty() {
            return Err(bad());
        }
        // Only `*` is special: `?` and brackets occur in real URLs.
        let mut glob = String::with_capacity(trimmed.len() + 8);
        for letter in trimmed.chars() {
            if "?[]{}!\\".contains(letter) {
                glob.push('\\');
            }
            glob.push(letter);
        }
        let matcher = GlobBuilder::new(&glob)
            .backslash_escape(true)
            .build()
            .map_err(|_| bad())?
            .compile_matcher();
        Ok(Self {
            text: text.to_owned(),
            matcher,
        })
    }

    fn matches(&self, address: &str) -> bool {
        // The pattern may be copied from output, where addresses are escaped.
        self.matches_front(address)
            || self.text.contains("\\u{") && self.matches_front(&escape::line(address))
    }

    fn matches_front(&self, address: &str) -> bool {
        // The whole address, or the part of it before any `/`.
        self.matcher.is_match(address)
            || self.matcher.is_match(address.trim_end_matches('/'))
            || address
                .match_indices('/')
                .any(|(at, _)| self.matcher.is_match(&address[..at]))
    }
}
