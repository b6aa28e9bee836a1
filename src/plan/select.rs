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

/// An address, the front of one up to a `/`, or either with `*` for any text.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

/// Why a selection cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SelectError {
    #[error("`{0}` is not an address")]
    BadPattern(String),
    /// It selects nothing that is declared or observed.
    #[error("no entry has an address like `{0}`")]
    NoMatch(String),
}

impl Selection {
    /// Reads the values of `--target` and `--exclude`.
    pub fn new(targets: &[String], excludes: &[String]) -> Result<Self, SelectError> {
        let read = |texts: &[String]| -> Result<Vec<_>, _> {
            texts.iter().map(|text| Pattern::new(text)).collect()
        };
        Ok(Self {
            targets: read(targets)?,
            excludes: read(excludes)?,
        })
    }

    /// Whether nothing is narrowed.
    pub fn is_all(&self) -> bool {
        self.targets.is_empty() && self.excludes.is_empty()
    }

    pub fn selects(&self, address: &str) -> bool {
        let hit = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(address));
        (self.targets.is_empty() || hit(&self.targets)) && !hit(&self.excludes)
    }

    /// Checks that every pattern is like an address of some entry.
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

    /// Leaves the selected changes; `known` are the addresses of all entries.
    ///
    /// # Errors
    /// [`SelectError::NoMatch`] for a pattern that is like none of them: a typo must not make an
    /// empty plan.
    pub(super) fn apply<'a>(
        &self,
        changes: Vec<Change>,
        known: impl Iterator<Item = String> + 'a,
    ) -> Result<Vec<Change>, SelectError> {
        if self.is_all() {
            return Ok(changes);
        }
        self.check(known)?;
        Ok(changes
            .into_iter()
            .filter(|change| self.selects(&change.key.address()))
            .collect())
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, SelectError> {
        let bad = || SelectError::BadPattern(text.to_owned());
        let trimmed = text.trim_end_matches('/');
        if trimmed.is_empty() {
            return Err(bad());
        }
        // Only `*` is special: `?` and brackets stand in real URLs.
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
        // An address may also be given as it was printed.
        self.matches_front(address)
            || self.text.contains("\\u{") && self.matches_front(&escape::line(address))
    }

    fn matches_front(&self, address: &str) -> bool {
        // The whole address, or any front of it that ends before a `/`.
        self.matcher.is_match(address)
            || self.matcher.is_match(address.trim_end_matches('/'))
            || address
                .match_indices('/')
                .any(|(at, _)| self.matcher.is_match(&address[..at]))
    }
}
