//! One value of a manifest, with the name of its field and its place.

use crate::diagnostic::shown;
use crate::yaml::problem::{Problem, Problems, Span};
use crate::yaml::{Content, Node, Pair, Scalar};

/// Longest text of a field, in bytes: names, reasons, revisions, paths and globs. A URL has a limit
/// of its own.
pub const MAX_TEXT_BYTES: usize = 4096;

/// Why a text is not what its field wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Whether the text may be a secret, so that it must not be shown.
    pub secret: bool,
}

impl Wrong {
    /// With what to write instead.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..message.into().into()
        }
    }
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

impl From<&str> for Wrong {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// A value, and the field it belongs to.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    problems: &'a Problems,
    name: &'static str,
    /// Where to point when the value itself has no good place.
    key_span: Span,
    node: &'a Node<'a>,
    is_item: bool,
}

impl<'a> Value<'a> {
    /// The root of a document.
    pub fn of_document(problems: &'a Problems, node: &'a Node<'a>) -> Self {
        Self {
            problems,
            name: "document",
            key_span: node.span,
            node,
            is_item: false,
        }
    }

    /// The value of one field of this mapping.
    pub(super) fn field(&self, name: &'static str, pair: &'a Pair<'a>) -> Self {
        Self {
            name,
            key_span: pair.key_span,
            node: &pair.value,
            is_item: false,
            ..*self
        }
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

    pub(super) fn key_span(&self) -> Span {
        self.key_span
    }

    /// The problems of this file.
    pub fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// Reports an error at this value.
    pub fn push<T>(&self, message: impl Into<String>, hint: Option<String>) -> Option<T> {
        let problem = Problem::error(self.span(), message);
        self.problems.push(problem.maybe_hint(hint));
        None
    }

    /// Reports what is wrong with it, and keeps it out of every snippet if it may be a secret.
    pub fn refuse<T>(&self, wrong: Wrong) -> Option<T> {
        if wrong.secret {
            self.mask();
        }
        let message = match self.is_item {
            true => wrong.message,
            false => format!("`{}`: {}", self.name, wrong.message),
        };
        self.push(message, wrong.hint)
    }

    /// Keeps this value out of every snippet.
    pub fn mask(&self) {
        self.problems.mask(self.node.span);
    }

    /// Reports that the value is not what its field wants. Only the text of a scalar is repeated.
    pub fn unfit<T>(&self, what: &str, hint: Option<&str>) -> Option<T> {
        let name = self.name;
        let (message, hint) = match self.node.content() {
            Content::Null => (
                format!("`{name}` has no value, expected {what}"),
                Some(hint.unwrap_or("give it a value, or remove the line")),
            ),
            Content::Scalar(scalar) => {
                let text = if scalar.plain { "" } else { "the text " };
                let found = shown(&scalar.text);
                (
                    format!("`{name}`: expected {what}, found {text}`{found}`"),
                    hint,
                )
            }
            other => (self.mismatch(what, other), hint),
        };
        self.push(message, hint.map(str::to_owned))
    }

    /// Without the text itself: a credential may stand in the place of a list or a mapping.
    fn mismatch(&self, what: &str, found: &Content<'_>) -> String {
        format!(
            "`{}`: expected {what}, found {}",
            self.name,
            found.describe()
        )
    }

    /// The text with its style, unless it is a list, a mapping or nothing.
    pub fn scalar(&self) -> Option<&'a Scalar<'a>> {
        match self.node.content() {
            Content::Scalar(scalar) => Some(scalar),
            Content::Null | Content::Sequence(_) | Content::Mapping(_) | Content::Shared(_) => None,
        }
    }

    /// Text of any length, not empty. Plain text stays as it is written, whatever it looks like:
    /// `revision: 1.10` is not `1.1`.
    pub fn long_text(&self) -> Option<&'a str> {
        match self.scalar() {
            None => self.unfit("text", None),
            Some(scalar) if scalar.text.is_empty() => {
                self.push(format!("`{}` is empty", self.name), None)
            }
            Some(scalar) => Some(&scalar.text),
        }
    }

    /// Text of up to [`MAX_TEXT_BYTES`], not empty and without control characters.
    pub fn text(&self) -> Option<&'a str> {
        let text = self.long_text()?;
        let (name, length) = (self.name, text.len());
        if length > MAX_TEXT_BYTES {
            let message = format!("`{name}` has {length} bytes, limit {MAX_TEXT_BYTES}");
            return self.push(message, None);
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return self.push(format!("`{name}` has a control character"), None);
        }
        Some(text)
    }

    /// The items of a list.
    pub fn items(&self) -> Option<impl ExactSizeIterator<Item = Self> + use<'a>> {
        let hint = match self.node.content() {
            Content::Sequence(items) => {
                let list = *self;
                return Some(items.iter().map(move |node| Self {
                    key_span: node.span,
                    node,
                    is_item: true,
                    ..list
                }));
            }
            Content::Scalar(_) => Some("write `[…]`, or one line that starts with `- ` each"),
            Content::Null => {
                return self.unfit("a list", Some("write `[]` for none, or remove the line"));
            }
            Content::Mapping(_) | Content::Shared(_) => None,
        };
        let message = self.mismatch("a list", self.node.content());
        self.push(message, hint.map(str::to_owned))
    }

    /// The fields of a mapping.
    pub(super) fn pairs(&self) -> Option<&'a [Pair<'a>]> {
        match self.node.content() {
            Content::Mapping(pairs) => Some(pairs),
            Content::Null => self.unfit("a mapping", None),
            other => self.push(self.mismatch("a mapping", other), None),
        }
    }
}
