//! Problems with a place in a file, and how they are shown.
//!
//! A [`Diagnostic`] is data; [`human()`], [`github()`] and [`gitlab()`] render lists of them, and serde
//! turns them into JSON. Nothing is printed or read here: [`Sources`] holds the texts for snippets.

mod github;
mod gitlab;
mod human;
mod sources;

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::escape;
use crate::word_enum::word_enum;
pub use github::{github, notice};
pub use gitlab::{Finding, gitlab};
pub use human::human;
pub use sources::{SourceText, Sources};

word_enum! {
    serde
    /// How much a problem matters.
    pub enum Severity {
        /// Nothing is done until it is fixed.
        Error = "error",
        /// Probably not meant.
        Warning = "warning",
    }
}

/// A range in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Path relative to the root, with `/`.
    pub file: Arc<str>,
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub end_line: usize,
    /// Column after the end.
    pub end_column: usize,
    /// The range in bytes of the text in [`Sources`].
    #[serde(skip)]
    pub span: Range<usize>,
}

impl Place {
    /// The file, below the project's `root`.
    pub fn below(&self, root: &Path) -> String {
        let root = root.strip_prefix(".").unwrap_or(root);
        match root.as_os_str().is_empty() {
            true => self.file.to_string(),
            false => format!("{}/{}", root.display(), self.file),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A second place that belongs to a problem, such as the first of two equal names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    pub message: String,
    #[serde(flatten)]
    pub place: Place,
}

/// One problem. Serialises as an element of `validate --format json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// One sentence, without full stop.
    pub message: String,
    /// Where it is; `None` for problems of the project as a whole.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// Shown at the place itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
}

impl Diagnostic {
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            message: message.into(),
            place: None,
            label: None,
            hint: None,
            related: None,
        }
    }

    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn related(mut self, message: impl Into<String>, place: Place) -> Self {
        self.related = Some(Related {
            message: message.into(),
            place,
        });
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What CI systems show with each problem.
const TITLE: &str = "purgit";

/// A project's file, relative to the repository's root; `folder` is the project's, empty if both are
/// the same.
fn below(folder: &str, file: &str) -> String {
    match folder.trim_end_matches('/') {
        "" => file.to_owned(),
        folder => format!("{folder}/{file}"),
    }
}

/// Everything that a problem says, except its place.
fn sentences(diagnostic: &Diagnostic) -> Vec<String> {
    let related = diagnostic.related.as_ref();
    let related = related.map(|related| format!("{}: {}", related.message, related.place));
    let hint = diagnostic.hint.as_ref().map(|hint| format!("hint: {hint}"));
    let message = Some(diagnostic.message.clone());
    let all = [message, diagnostic.label.clone(), related, hint];
    all.into_iter().flatten().collect()
}

/// Longest part of a user's text in a message, in characters, to fit a terminal's line.
const MAX_SHOWN_CHARS: usize = 80;

/// A user's text for a message: escaped and shortened.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => escape::line(&text[..end]) + "…",
        None => escape::line(text),
    }
}

/// The word of `known` that `word` most likely misspells.
pub fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    /// One wrong letter in this many counts as a typo; one is always allowed.
    const LETTERS_PER_SLIP: usize = 3;
    /// Longest word that is compared, in bytes: the time is the product of the lengths.
    const MAX_WORD_BYTES: usize = 256;
    if word.len() > MAX_WORD_BYTES {
        return None;
    }
    let folded = word.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let slips = strsim::damerau_levenshtein(&folded, &candidate.to_lowercase());
        let shorter = folded.len().min(candidate.len());
        let allowed = (shorter / LETTERS_PER_SLIP).max(1);
        if slips <= allowed && slips < shorter && best.is_none_or(|(least, _)| slips < least) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Names for a hint: `` `a`, `b` ``, at most a few, then how many more.
pub fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    /// Longer lists are searched rather than read.
    const MAX_LISTED: usize = 12;
    let names: Vec<_> = names.into_iter().collect();
    let listed = names.iter().take(MAX_LISTED);
    let listed: Vec<_> = listed.map(|name| format!("`{}`", shown(name))).collect();
    let mut out = listed.join(", ");
    if names.len() > MAX_LISTED {
        // Writing to a String cannot fail.
        let _ = write!(out, " and {} more", names.len() - MAX_LISTED);
    }
    out
}
