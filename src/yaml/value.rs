//! Reading one value of a manifest as the type that its field wants.
//!
//! Every method returns `None` after it has reported why. Plain text serves as text whatever it
//! looks like, so that `revision: 1.10` stays `1.10`.

use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::fields::Fields;
use super::problem::{Problem, Problems, Span};
use super::{Content, Node, Scalar};

/// Longest text of a field, in bytes. Names, reasons, revisions, paths and globs; a URL has a
/// limit of its own.
pub const MAX_TEXT_BYTES: usize = 4096;

/// A value, and the field it belongs to.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    problems: &'a Problems,
    name: &'static str,
    /// Where to point when the value itself has no good place.
    key_span: Span,
    node: &'a Node<'a>,
}

impl<'a> Value<'a> {
    pub(super) fn of_field(
        problems: &'a Problems,
        name: &'static str,
        key_span: Span,
        node: &'a Node<'a>,
    ) -> Self {
        Self {
            problems,
            name,
            key_span,
            node,
        }
    }

    /// The root of a document.
    pub(crate) fn of_document(problems: &'a Problems, node: &'a Node<'a>) -> Self {
        Self::of_field(problems, "document", node.span, node)
    }

    /// Where it stands; for lists, mappings and nothing, where its field stands.
    pub fn span(&self) -> Span {
        match self.node.content() {
            Content::Scalar(_) => self.node.span,
            Content::Null | Content::Sequence(_) | Content::Mapping(_) | Content::Shared(_) => {
                self.key_span
            }
        }
    }

    /// An error at this value, to be completed and handed to [`Value::push`].
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::error(self.span(), message)
    }

    /// Reports a problem of this file.
    pub fn push(&self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Keeps this value out of every snippet.
    pub fn mask(&self) {
        self.problems.mask(self.node.span);
    }

    /// Whether it is text of any look.
    pub fn is_scalar(&self) -> bool {
        matches!(self.node.content(), Content::Scalar(_))
    }

    /// Number of errors in this file so far.
    pub fn errors(&self) -> usize {
        self.problems.errors()
    }

    /// Reports that the value is of the wrong shape. Does not repeat it: a credential may have
    /// been put in the place of a mapping.
    fn expected<T>(&self, what: &str, hint: Option<&str>) -> Option<T> {
        let name = self.name;
        let (message, hint) = match self.node.content() {
            Content::Null => (
                format!("`{name}` has no value, expected {what}"),
                Some(hint.unwrap_or("give it a value, or remove the line")),
            ),
            other => (
                format!("`{name}`: expected {what}, found {}", other.describe()),
                hint,
            ),
        };
        let problem = self.problem(message).maybe_hint(hint.map(str::to_owned));
        self.problems.push(problem);
        None
    }

    /// Reports that a scalar is not what its field wants.
    fn unfit<T>(&self, what: &str, hint: Option<&str>) -> Option<T> {
        let Some(scalar) = self.scalar() else {
            return self.expected(what, hint);
        };
        let found = crate::diagnostic::shown(&scalar.text);
        let text = if scalar.plain { "" } else { "the text " };
        let message = format!("`{}`: expected {what}, found {text}`{found}`", self.name);
        self.push(self.problem(message).maybe_hint(hint.map(str::to_owned)));
        None
    }

    fn scalar(&self) -> Option<&'a Scalar<'a>> {
        match self.node.content() {
            Content::Scalar(scalar) => Some(scalar),
            Content::Null | Content::Sequence(_) | Content::Mapping(_) | Content::Shared(_) => None,
        }
    }

    /// Text of any length, not empty.
    pub fn long_text(&self) -> Option<&'a str> {
        let Some(scalar) = self.scalar() else {
            return self.expected("text", None);
        };
        if scalar.text.is_empty() {
            self.push(self.problem(format!("`{}` is empty", self.name)));
            return None;
        }
        Some(&scalar.text)
    }

    /// Text of up to [`MAX_TEXT_BYTES`], not empty and without control characters.
    pub fn text(&self) -> Option<&'a str> {
        let text = self.long_text()?;
        if text.len() > MAX_TEXT_BYTES {
            let (name, length) = (self.name, text.len());
            let message = format!("`{name}` has {length} bytes, limit {MAX_TEXT_BYTES}");
            self.push(self.problem(message));
            return None;
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            self.push(self.problem(format!("`{}` has a control character", self.name)));
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        let hint = match self.scalar() {
            Some(scalar) if scalar.plain => match &*scalar.text {
                "true" | "True" | "TRUE" => return Some(true),
                "false" | "False" | "FALSE" => return Some(false),
                "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" => Some("write `true`"),
                "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" => Some("write `false`"),
                _ => None,
            },
            Some(scalar) if matches!(&*scalar.text, "true" | "false") => Some(UNQUOTE),
            Some(_) | None => None,
        };
        self.unfit("`true` or `false`", hint)
    }

    /// A whole number in a range.
    pub fn unsigned(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let (low, high) = (range.start(), range.end());
        let what = format!("a whole number from {low} to {high}");
        let Some(scalar) = self.scalar() else {
            return self.expected(&what, None);
        };
        let number = scalar.text.parse::<u64>();
        if !scalar.plain {
            return self.unfit(&what, number.is_ok().then_some(UNQUOTE));
        }
        match number {
            Ok(number) if range.contains(&number) => Some(number),
            _ => self.unfit(&what, None),
        }
    }

    /// A number in a range, with or without a fraction.
    pub fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let what = format!("a number from {} to {}", range.start(), range.end());
        let Some(scalar) = self.scalar() else {
            return self.expected(&what, None);
        };
        // Rust's `inf` and `nan` are not numbers of YAML.
        let looks = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
        let shape = scalar.text.contains(|c: char| c.is_ascii_digit());
        let number = (shape && scalar.text.chars().all(looks))
            .then(|| scalar.text.parse::<f64>().ok())
            .flatten();
        if !scalar.plain {
            return self.unfit(&what, number.map(|_| UNQUOTE));
        }
        match number {
            Some(number) if range.contains(&number) => Some(number),
            Some(_) | None => self.unfit(&what, None),
        }
    }

    /// A duration in a range, such as `90s` or `1h30m`.
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let what = format!(
            "a duration from {} to {}",
            humantime::format_duration(*range.start()),
            humantime::format_duration(*range.end())
        );
        let Some(scalar) = self.scalar() else {
            return self.expected(&what, None);
        };
        match parse_duration(&scalar.text) {
            Some(duration) if range.contains(&duration) => Some(duration),
            Some(_) => self.unfit(&what, None),
            None => {
                let hint = match scalar.text.parse::<u64>() {
                    Ok(number) => format!("write `{number}s` for seconds"),
                    Err(_) => "write it like `90s`, `10m` or `1h30m`".to_owned(),
                };
                self.unfit(&what, Some(&hint))
            }
        }
    }

    /// An instant: RFC 3339, or a date for its first moment in UTC.
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        let what = "a date or an RFC 3339 time";
        let Some(scalar) = self.scalar() else {
            return self.expected(what, None);
        };
        let instant = DateTime::parse_from_rfc3339(&scalar.text).map(|time| time.to_utc());
        let date = || NaiveDate::parse_from_str(&scalar.text, "%Y-%m-%d").ok();
        // chrono takes `2026-1-2`, which the format of a date does not.
        let date = || date().filter(|date| date.to_string() == scalar.text);
        let instant = instant
            .ok()
            .or_else(|| Some(date()?.and_time(NaiveTime::MIN).and_utc()));
        let hint = "write it like `2026-12-01` or `2026-12-01T08:00:00+08:00`";
        instant.or_else(|| self.unfit(what, Some(hint)))
    }

    /// A path of a file below the root.
    pub fn relative_path(&self) -> Option<PathBuf> {
        let text = self.text()?;
        match relative_path(text) {
            Ok(path) => Some(path),
            Err(why) => {
                self.push(self.problem(format!("`{}` {why}", self.name)));
                None
            }
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Option<impl ExactSizeIterator<Item = Self> + use<'a>> {
        let Content::Sequence(items) = self.node.content() else {
            let hint = match self.node.content() {
                Content::Scalar(_) => Some("write `[…]`, or one line that starts with `- ` each"),
                Content::Null => Some("write `[]` for none, or remove the line"),
                Content::Mapping(_) | Content::Sequence(_) | Content::Shared(_) => None,
            };
            return self.expected("a list", hint);
        };
        let (problems, name) = (self.problems, self.name);
        Some(
            items
                .iter()
                .map(move |node| Self::of_field(problems, name, node.span, node)),
        )
    }

    /// Reads a mapping; fields that `read` does not ask for are reported as unknown.
    pub fn mapping<T>(&self, read: impl FnOnce(&mut Fields<'a>) -> T) -> Option<T> {
        let Content::Mapping(pairs) = self.node.content() else {
            return self.expected("a mapping", None);
        };
        let mut fields = Fields::new(self.problems, pairs, self.key_span);
        let out = read(&mut fields);
        fields.finish();
        Some(out)
    }
}

const UNQUOTE: &str = "remove the quotes";

/// Digits with a unit, one or several times: `100ms`, `90s`, `10m`, `1h30m`, `2d`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if unit.len() == rest.len() {
            return None;
        }
        rest = ["ms", "s", "m", "h", "d"]
            .into_iter()
            .find_map(|word| unit.strip_prefix(word))?;
    }
    humantime::parse_duration(text).ok()
}

/// A folder with `/` that stays below the root; empty for the root itself.
pub(crate) fn relative_folder(text: &str) -> Result<PathBuf, &'static str> {
    match text.trim_end_matches('/') {
        "" if text.starts_with('/') => Err("must be a path relative to the root"),
        "." => Ok(PathBuf::new()),
        trimmed => relative_path(trimmed),
    }
}

/// A path with `/` that stays below the root.
pub(crate) fn relative_path(text: &str) -> Result<PathBuf, &'static str> {
    if text.contains('\\') {
        return Err("must use `/` between folders");
    }
    let mut path = PathBuf::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err("must not leave the root (`..`)"),
            Component::RootDir | Component::Prefix(_) => {
                return Err("must be a path relative to the root");
            }
        }
    }
    if path.as_os_str().is_empty() || text.ends_with('/') {
        return Err("must name a file");
    }
    Ok(path)
}
