//! Numbers and words as prose says them.

use super::code::{self, name};
use crate::output::grouped;

/// What is counted, of a kind of target or of what a quota counts.
pub(super) fn noun(kind: &str) -> &'static str {
    match kind {
        "file" => "file",
        "directory" => "directory",
        "tag" => "tag",
        "host" => "host",
        "everything" => "whole endpoint",
        "request" => "request",
        // Of a later minor version.
        _ => "other target",
    }
}

/// A word of the document's own, as prose says it; anything else as code.
pub(super) fn said(text: &str) -> String {
    match text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        true => text.replace('_', " "),
        false => name(text),
    }
}

/// Digits of a content id, which is a git blob id, and of those that people are shown.
const CONTENT_ID_DIGITS: usize = 40;
const SHORT_ID_DIGITS: usize = 10;

pub(super) fn shortened(generation: &str) -> String {
    let is_id =
        generation.len() == CONTENT_ID_DIGITS && generation.bytes().all(|b| b.is_ascii_hexdigit());
    match is_id {
        true => generation[..SHORT_ID_DIGITS].to_owned(),
        false => code::shown(generation),
    }
}

/// `2,940 changes`
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{} {}", grouped(number), plural(noun, number as u64))
}

pub(super) fn plural(noun: &str, number: u64) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => noun.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{noun}s"),
    }
}

pub(super) fn figure(number: u64) -> String {
    usize::try_from(number).map_or_else(|_| number.to_string(), grouped)
}

/// `a`, `a and b`, `a, b and c`
pub(super) fn listed(texts: &[String]) -> String {
    match texts {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}
