//! Changes one key of a mapping in its text and keeps every other byte, even comments beside a removed key.

use granit_parser::{Event, Options, Parser};

use super::problem::Span;
use super::tree::{Content, Node, Pair};

/// The places of all comments before the first syntax error, in order.
pub fn comments(text: &str) -> Vec<Span> {
    let mut options = Options::default();
    options.set_emit_comments(true);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let events = std::iter::from_fn(|| parser.next_event()?.ok());
    let comments = events.filter(|(event, _)| matches!(event, Event::Comment(..)));
    let ranges = comments.filter_map(|(_, span)| span.byte_range());
    ranges.map(|at| Span::new(at.start, at.end)).collect()
}

/// Sets `key` to a value, given as YAML text, or removes the key. A new key goes after the key `behind`.
/// `find` finds the mapping in a text. Returns `None` if the mapping's form cannot be edited.
pub fn set(
    text: &str,
    find: impl for<'s> Fn(&'s str) -> Option<Node<'s>>,
    behind: &str,
    key: &str,
    value: Option<&str>,
) -> Option<String> {
    let mapping = find(text)?;
    let Some(present) = pair(&mapping, key) else {
        return match value {
            Some(value) => insert(text, &mapping, pair(&mapping, behind)?, key, value),
            None => Some(text.to_owned()),
        };
    };
    let at = present.value.span;
    let is_replaceable =
        matches!(present.value.content(), Content::Scalar(_)) && !text[at.range()].contains(BREAKS);
    match value {
        None => remove(text, &mapping, present),
        Some(value) if is_replaceable => Some(spliced(text, at, value)),
        Some(_) => {
            let text = remove(text, &mapping, present)?;
            set(&text, find, behind, key, value)
        }
    }
}

const BREAKS: [char; 2] = ['\n', '\r'];

const BLANKS: [char; 2] = [' ', '\t'];

fn pair<'n, 's>(mapping: &'n Node<'s>, key: &str) -> Option<&'n Pair<'s>> {
    let Content::Mapping(pairs) = mapping.content() else {
        return None;
    };
    pairs.iter().find(|pair| pair.key == key)
}

fn spliced(text: &str, at: Span, new: &str) -> String {
    let at = at.range();
    [&text[..at.start], new, &text[at.end..]].concat()
}

fn is_flow(text: &str, mapping: &Node<'_>) -> bool {
    text[mapping.span.range()].starts_with('{')
}

/// From the key to the last character of the value.
fn extent(text: &str, pair: &Pair<'_>) -> Span {
    let value = pair.value.span.range();
    let value = value.start + text[value].trim_end().len();
    let key = pair.key_span.range();
    Span::new(key.start, value.max(key.end))
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind(BREAKS).map_or(0, |end| end + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find(BREAKS).map_or(text.len(), |end| at + end)
}

/// The line break at this offset, if any.
fn line_break(text: &str, at: usize) -> Option<&'static str> {
    let found = |end: &&str| text[at..].starts_with(*end);
    ["\r\n", "\n", "\r"].into_iter().find(found)
}

fn newline(text: &str) -> &'static str {
    line_break(text, line_end(text, 0)).unwrap_or("\n")
}

/// The indentation of a line; `None` if anything else precedes `at`.
fn indentation(text: &str, at: usize) -> Option<&str> {
    let front = &text[line_start(text, at)..at];
    front.chars().all(|c| c == ' ').then_some(front)
}

fn insert(
    text: &str,
    mapping: &Node<'_>,
    behind: &Pair<'_>,
    key: &str,
    value: &str,
) -> Option<String> {
    let extent = extent(text, behind).range();
    // In JSON, keys are quoted.
    let quote = match text[extent.clone()].starts_with('"') {
        true => "\"",
        false => "",
    };
    let new = format!("{quote}{key}{quote}: {value}");
    let (at, new) = if is_flow(text, mapping) {
        (extent.end, format!(", {new}"))
    } else {
        let indentation = indentation(text, extent.start)?;
        let newline = newline(text);
        let at = line_end(text, extent.end);
        (at, format!("{newline}{indentation}{new}"))
    };
    Some(spliced(text, Span::new(at, at), &new))
}

/// The position of the comma after a value of a flow mapping; skips blanks and comments.
fn comma(text: &str, mut at: usize) -> Option<usize> {
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        match text[at..].chars().next()? {
            ',' => return Some(at),
            '#' => at = line_end(text, at),
            _ => return None,
        }
    }
}

fn remove(text: &str, mapping: &Node<'_>, pair: &Pair<'_>) -> Option<String> {
    let extent = extent(text, pair).range();
    let (mut start, mut end) = (extent.start, extent.end);
    let comments = comments(text).into_iter().map(Span::range);
    let comments = comments.filter(|at| extent.contains(&at.start));
    let mut kept: Vec<_> = comments.map(|at| &text[at]).collect();
    let indentation = indentation(text, start);
    let mut without_comma = None;
    let mut is_last = false;
    if is_flow(text, mapping) {
        let before = text[..start].trim_end();
        if let Some(at) = comma(text, end) {
            match text[end..at].trim().is_empty() {
                true => end = at + 1,
                false => without_comma = Some(spliced(text, Span::new(at, at + 1), "")),
            }
        } else if before.ends_with(',') {
            start = before.len() - 1;
            is_last = true;
        }
    } else if indentation.is_none() {
        return None;
    }
    let text = without_comma.as_deref().unwrap_or(text);
    if !is_last {
        let rest = &text[end..];
        end += rest.len() - rest.trim_start_matches(BLANKS).len();
    }
    let ends_line = line_end(text, end) == end;
    let line_end = newline(text);
    let between = [line_end, indentation.unwrap_or_default()].concat();
    if kept.is_empty() && indentation.is_some() && ends_line && !is_last {
        // Remove the whole line; for the last line, also the line break before it.
        start = line_start(text, start);
        match line_break(text, end) {
            Some(found) => end += found.len(),
            None => start = start.saturating_sub(line_end.len()),
        }
    } else if !kept.is_empty() && !ends_line {
        kept.push("");
    }
    Some(spliced(text, Span::new(start, end), &kept.join(&between)))
}
