//! One value of a manifest, with its field's name and its place.

use crate::diagnostic::shown;
use crate::yaml::problem::{Problem, Problems, Span};
use crate::yaml::{Content, Node, Pair, Scalar};

/// Longest text of a field, in bytes: names, reasons, revisions, paths and globs. URLs have their own limit.
const MAX_TEXT_BYTES: usize = 4096;

/// Why a text does not fit its field, and what to write instead.
pub(crate) struct Wrong(pub(crate) String, pub(crate) Option<String>);

/// An empty hint means none.
pub(crate) fn wrong(message: impl Into<String>, hint: &str) -> Wrong {
    Wrong(
        message.into(),
        Some(hint.to_owned()).filter(|hint| !hint.is_empty()),
    )
}

#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) problems: &'a Problems,
    name: &'static str,
    /// Where to point if the value has no good place of its own: its key, or the list item.
    pub(super) key_span: Span,
    node: &'a Node<'a>,
    is_item: bool,
}

impl<'a> Value<'a> {
    pub(crate) fn of_document(problems: &'a Problems, node: &'a Node<'a>) -> Self {
        Self {
            problems,
            name: "document",
            key_span: node.span,
            node,
            is_item: false,
        }
    }

    pub(super) fn field(&self, name: &'static str, pair: &'a Pair<'a>) -> Self {
        Self {
            name,
            key_span: pair.key_span,
            node: &pair.value,
            is_item: false,
            ..*self
        }
    }

    /// The same value, reporting to other problems.
    pub(crate) fn reporting_to<'b>(self, problems: &'b Problems) -> Value<'b>
    where
        'a: 'b,
    {
        Value { problems, ..self }
    }

    /// The value's place; for lists, mappings and empty values, the place of the field.
    pub(crate) fn span(&self) -> Span {
        self.scalar().map_or(self.key_span, |_| self.node.span)
    }

    pub(crate) fn push<T>(&self, message: impl Into<String>, hint: Option<String>) -> Option<T> {
        let problem = Problem::error(self.span(), message);
        self.problems.push(problem.maybe_hint(hint));
        None
    }

    pub(crate) fn refuse<T>(&self, Wrong(message, hint): Wrong) -> Option<T> {
        match self.is_item {
            true => self.push(message, hint),
            false => self.push(format!("`{}`: {message}", self.name), hint),
        }
    }

    /// Keeps this value out of every snippet.
    pub(crate) fn mask(&self) {
        self.problems.mask(self.node.span);
    }

    /// Reports that the value does not fit its field. Quotes it only if a text was expected: there may be a
    /// credential where a mapping should be.
    pub(crate) fn unfit<T>(&self, what: &str, hint: Option<&str>) -> Option<T> {
        let name = self.name;
        let found = match self.node.content() {
            Content::Null => {
                let hint = hint.unwrap_or("give it a value, or remove the line");
                let message = format!("`{name}` has no value, expected {what}");
                return self.push(message, Some(hint.to_owned()));
            }
            Content::Scalar(scalar) if !matches!(what, LIST | MAPPING) => {
                let text = if scalar.plain { "" } else { "the text " };
                format!("{text}`{}`", shown(&scalar.text))
            }
            other => other.describe().to_owned(),
        };
        let message = format!("`{name}`: expected {what}, found {found}");
        self.push(message, hint.map(str::to_owned))
    }

    /// The text with its style; `None` for a list, a mapping or an empty value.
    pub(crate) fn scalar(&self) -> Option<&'a Scalar<'a>> {
        match self.node.content() {
            Content::Scalar(scalar) => Some(scalar),
            Content::Null | Content::Sequence(_) | Content::Mapping(_) | Content::Shared(_) => None,
        }
    }

    /// A non-empty text of any length. Plain text stays as written, whatever it looks like:
    /// `revision: 1.10` is not `1.1`.
    pub(crate) fn long_text(&self) -> Option<&'a str> {
        match self.scalar() {
            None => self.unfit("text", None),
            Some(scalar) if scalar.text.is_empty() => {
                let item = if self.is_item { "an item of " } else { "" };
                self.push(format!("{item}`{}` is empty", self.name), None)
            }
            Some(scalar) => Some(&scalar.text),
        }
    }

    /// A non-empty text of up to [`MAX_TEXT_BYTES`] without control characters.
    pub(crate) fn text(&self) -> Option<&'a str> {
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

    pub(crate) fn items(&self) -> Option<impl ExactSizeIterator<Item = Self> + use<'a>> {
        let list = *self;
        let item = move |node: &'a Node<'a>| Self {
            key_span: node.span,
            node,
            is_item: true,
            ..list
        };
        let hint = match self.node.content() {
            Content::Sequence(items) => return Some(items.iter().map(item)),
            Content::Scalar(_) => Some("write `[…]`, or one line that starts with `- ` each"),
            Content::Null => Some("write `[]` for none, or remove the line"),
            Content::Mapping(_) | Content::Shared(_) => None,
        };
        self.unfit(LIST, hint)
    }

    /// The names and values of a mapping whose names the user chooses.
    pub(crate) fn entries(&self) -> Option<impl Iterator<Item = (&'a str, Self)> + use<'a>> {
        let mapping = *self;
        let entry = move |pair: &'a Pair<'a>| (&*pair.key, mapping.field(mapping.name, pair));
        Some(self.pairs()?.iter().map(entry))
    }

    pub(super) fn pairs(&self) -> Option<&'a [Pair<'a>]> {
        match self.node.content() {
            Content::Mapping(pairs) => Some(pairs),
            Content::Null | Content::Scalar(_) | Content::Sequence(_) | Content::Shared(_) => {
                self.unfit(MAPPING, None)
            }
        }
    }
}

const LIST: &str = "a list";
const MAPPING: &str = "a mapping";
