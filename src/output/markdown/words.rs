//! Words of the document, as prose.

use std::collections::BTreeMap;

use super::code::{self, name};
use crate::output::json::v1::{Change, Check};
use crate::plan::CheckStatus;
use crate::plan::number;

/// Most reasons listed; this version has fewer.
const MAX_REASONS: usize = 10;

/// The noun for a kind of target or for what a quota counts.
pub(super) fn noun(kind: &str) -> &'static str {
    match kind {
        "file" => "file",
        "directory" => "directory",
        "tag" => "tag",
        "host" => "host",
        "everything" => "whole endpoint",
        "request" => "request",
        // From a later minor version.
        _ => "other target",
    }
}

/// A word of the document as prose; anything else as code.
pub(super) fn spoken(text: &str) -> String {
    match text {
        "previous_failed" => "failed before".to_owned(),
        "previous_unknown" => "in doubt before".to_owned(),
        word if word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => word.replace('_', " "),
        other => name(other),
    }
}

/// A generation or a commit, for code.
pub(super) fn shortened(generation: &str) -> String {
    code::shown(super::super::shortened(generation))
}

/// `a`, `a and b`, `a, b and c`
pub(super) fn listed(texts: &[String]) -> String {
    match texts {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

/// `2 content changed, 1 added`
pub(super) fn reasons<'c>(changes: impl IntoIterator<Item = &'c Change>) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for change in changes {
        *reasons.entry(&change.reason).or_default() += 1;
    }
    let reasons = reasons.into_iter();
    let texts = reasons.map(|(reason, changes)| format!("{} {}", number(changes), spoken(reason)));
    texts.take(MAX_REASONS).collect::<Vec<_>>().join(", ")
}

pub(super) fn is(check: &Check, status: CheckStatus) -> bool {
    check.status == status.as_str()
}
