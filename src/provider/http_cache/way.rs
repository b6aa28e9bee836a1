//! How one kind of target is purged on a node, as a manifest or a preset declares it.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::json;

use super::template::{PLACEHOLDERS, placeholders, unknown};
use crate::credential::header::{HeaderText, header_texts, token};
use crate::diagnostic::{listed, shown};
use crate::field::{
    Shape, Value, Wrong, block, boolean, field, is_header_text, is_http_token, list, list_of,
    nested, parsed, text, whole, wrong,
};

/// Longest header line that all caches accept: nginx stops at 8 KiB including the name `[R]`.
pub(super) const MAX_HEADER_BYTES: usize = 7500;

block! {
    /// How one kind of target is purged on a node. In `target` and `headers`, `{path}`, `{path_query}`, `{host}`, `{url}` and `{tags}` are replaced by what is purged, and `{path_regex}` and so on by a pattern that matches only
    /// that.
    pub struct Way(WayDraft): Default {
        /// HTTP method. Default: `PURGE`.
        method: Option<&'static str> = field("method", token("method")).optional(),
        /// Path and query of the request. Default: `{path_query}`.
        target: Option<String> = field("target", target()).optional(),
        /// Further header fields of the request.
        headers: Option<BTreeMap<&'static str, HeaderText>> = field("headers", texts()).optional(),
        /// The answer that confirms the purge.
        confirm: Option<Confirm> = field("confirm", nested()).optional(),
        /// Statuses, such as 404 and 412, that mean "nothing was cached", if the answer also has the marks of `confirm`. Caches often answer the same way for a wrong host or variant.
        absent: Option<Vec<u16>> = field("absent", list(whole(100..=599))).optional(),
        /// For `directory`: the only directories that the nodes can purge, as paths.
        trees: Option<Vec<String>> = field("trees", list(tree())).optional(),
        /// For `tag`: the separator of tags in `{tags}`. Default: a blank.
        separator: Option<String> = field("separator", separator()).optional(),
        /// For `tag`: longest `{tags}` or `{tags_regex}` of one request, in bytes.
        max_bytes: Option<usize> = field("maxBytes", whole(1..=MAX_HEADER_BYTES as u64)).optional(),
        /// For `tag`: marks objects as stale instead of removing them, if the preset supports it.
        soft: Option<bool> = field("soft", boolean()).optional(),
    }
}

block! {
    /// The answer that confirms a purge: its status, and marks that only the cache's own answer has. A status alone proves nothing: the answer may come from an origin that got the request.
    #[derive(PartialEq, Eq)]
    pub struct Confirm(ConfirmDraft): Default {
        /// Statuses of success. Default: 200.
        status: Option<Vec<u16>> = field("status", list_of(whole(200..=599), 1..=usize::MAX, "name at least one, such as 200")).optional(),
        /// Patterns (regular expressions) that header fields of the answer must match.
        header: Option<BTreeMap<String, String>> = field("header", patterns()).optional(),
        /// Header fields that the answer must not have.
        without: Option<Vec<&'static str>> = field("without", list(token("header field"))).optional(),
        /// A pattern (regular expression) that the body must match; `^$` for an empty one.
        body: Option<String> = field("body", pattern()).optional(),
    }
}

impl Way {
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &str> {
        let texts = self.headers.iter().flat_map(BTreeMap::values);
        let texts = texts.filter_map(|text| match text {
            HeaderText::Text(text) => Some(text.as_str()),
            HeaderText::Secret(_) => None,
        });
        let target = self.target.as_deref();
        texts.chain(target).flat_map(placeholders)
    }
}

fn template(text: &str) -> Result<String, Wrong> {
    if !is_header_text(text) {
        return Err(wrong("the text must be printable ASCII", ""));
    }
    match unknown(text) {
        Some(word) => {
            let known = listed(PLACEHOLDERS);
            Err(wrong(
                format!("`{{{}}}` is no placeholder", shown(word)),
                &format!("there are {known}"),
            ))
        }
        None => Ok(text.to_owned()),
    }
}

fn target() -> Shape<String> {
    let parse = |text: &str| match text.starts_with('/') || text.starts_with("{path") {
        true if !text.contains([' ', '#']) => template(text),
        true | false => Err(wrong(
            "a target is a path, without blanks and `#`",
            "write it like `/` or `{path_query}`",
        )),
    };
    parsed("target", parse)
}

fn tree() -> Shape<String> {
    let parse = |text: &str| match text.starts_with('/') && text.ends_with('/') {
        true => Ok(text.to_owned()),
        false => Err(wrong(
            "a tree starts and ends in `/`",
            "write it like `/pictures/`",
        )),
    };
    parsed("path", parse)
}

fn separator() -> Shape<String> {
    text::<String>().with("examples", json!([" ", ","]))
}

fn compiled(text: &str) -> Result<String, Wrong> {
    match Regex::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default();
            let last = last.strip_prefix("error: ").unwrap_or(last);
            Err(wrong(format!("not a regular expression: {last}"), ""))
        }
    }
}

fn pattern() -> Shape<String> {
    parsed("pattern", compiled)
}

fn patterns() -> Shape<BTreeMap<String, String>> {
    let read = |value: Value<'_>| {
        let read = |(name, pattern): (&str, Value<'_>)| {
            if !is_http_token(name) {
                return pattern.push(format!("`{}` is no header field", shown(name)), None);
            }
            let found = self::pattern().read(pattern)?.value;
            Some((name.to_owned(), found))
        };
        let all: Vec<_> = value.entries()?.map(read).collect();
        all.into_iter().collect()
    };
    let schema = || json!({ "title": "patterns", "type": "object", "additionalProperties": { "type": "string" } });
    Shape::new(schema, read, |patterns| json!(patterns))
}

pub(super) fn texts() -> Shape<BTreeMap<&'static str, HeaderText>> {
    header_texts("PURGE_TOKEN", |name, text| {
        if name.eq_ignore_ascii_case("host") {
            let hint = "`host` says which host requests name";
            return Err(wrong("`Host` is no header field of its own", hint));
        }
        template(text)
    })
}
