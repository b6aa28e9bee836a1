//! Templates with placeholders, from which requests are made. Pure.
//!
//! Patterns match whole, escaped texts: special characters of regular expressions become classes of one
//! character, so that no backslash has to survive a cache's own quoting.

use crate::url::CdnUrl;

pub(super) const PLACEHOLDERS: [&str; 10] = [
    "path",
    "path_query",
    "host",
    "url",
    "tags",
    "path_regex",
    "path_query_regex",
    "host_regex",
    "url_regex",
    "tags_regex",
];

#[derive(Debug, Clone, Default)]
pub(super) struct Values<'v> {
    pub(super) url: Option<&'v CdnUrl>,
    pub(super) host: &'v str,
    pub(super) tags: &'v [&'v str],
    pub(super) separator: &'v str,
}

/// Texts and placeholders in turn, starting with a text.
fn parts(template: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(template);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let known = |at: usize| {
            let (name, behind) = text[at + 1..].split_once('}')?;
            PLACEHOLDERS.contains(&name).then_some((at, name, behind))
        };
        let Some((at, name, behind)) = text.match_indices('{').find_map(|(at, _)| known(at)) else {
            return Some((text, None));
        };
        rest = Some(behind);
        Some((&text[..at], Some(name)))
    })
}

pub(super) fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    parts(template).filter_map(|(_, name)| name)
}

/// The first unknown `{word}`.
pub(super) fn unknown(template: &str) -> Option<&str> {
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
    parts(template).find_map(|(text, _)| {
        let mut braces = text.match_indices('{');
        braces.find_map(|(at, _)| {
            let (word, _) = text[at + 1..].split_once('}')?;
            (!word.is_empty() && word.chars().all(is_word)).then_some(word)
        })
    })
}

fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    let parts = parts(template);
    parts
        .map(|(text, name)| text.to_owned() + &name.map_or_else(String::new, &value))
        .collect()
}

pub(super) fn render(template: &str, values: &Values<'_>) -> String {
    fill(template, |name| values.value(name))
}

/// The same for a request's target, where a question mark in a pattern would start the query.
pub(super) fn render_target(template: &str, values: &Values<'_>) -> String {
    fill(template, |name| match name.ends_with("_regex") {
        true => values.value(name).replace('?', "%3F"),
        false => values.value(name),
    })
}

impl Values<'_> {
    fn value(&self, name: &str) -> String {
        let of = |get: fn(&CdnUrl) -> &str| self.url.map_or("", get);
        let (base, is_pattern) = match name.strip_suffix("_regex") {
            Some(base) => (base, true),
            None => (name, false),
        };
        let text = match base {
            "path" => of(CdnUrl::path),
            "path_query" => of(CdnUrl::path_and_query),
            "host" => self.host,
            "url" => of(CdnUrl::as_str),
            "tags" if is_pattern => {
                let tags: Vec<_> = self.tags.iter().map(|tag| escaped(tag)).collect();
                return tags.join("|");
            }
            "tags" => return self.tags.join(self.separator),
            _ => "",
        };
        match is_pattern {
            true => escaped(text),
            false => text.to_owned(),
        }
    }
}

/// A pattern that matches only this text.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '.' | '+' | '*' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '$' => {
                out.extend(['[', c, ']']);
            }
            // In a class of its own it would mean the opposite, or nothing.
            '^' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}
