//! The tree, and the limits of its size.

use std::borrow::Cow;
use std::rc::Rc;

use super::problem::Span;

/// Largest manifest, in bytes: a million URLs of 100 bytes fit.
pub const MAX_FILE_BYTES: usize = 128 * 1024 * 1024;

/// Deepest nesting of collections; the deepest field of a manifest is at level six.
pub const MAX_DEPTH: usize = 24;

/// Most nodes per file (texts and collections): two million URLs, which take about 100 MB.
pub const MAX_NODES: usize = 2_000_000;

/// Most nodes that all aliases of a file may expand to: enough to share lists of a few thousand URLs.
pub const MAX_ALIASED_NODES: usize = 50_000;

#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub bytes: usize,
    pub depth: usize,
    pub nodes: usize,
    pub aliased: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: MAX_FILE_BYTES,
            depth: MAX_DEPTH,
            nodes: MAX_NODES,
            aliased: MAX_ALIASED_NODES,
        }
    }
}

#[derive(Debug, Default)]
pub struct Stream<'s> {
    /// The documents that could be parsed, except empty ones.
    pub documents: Vec<Node<'s>>,
    pub unreadable: usize,
}

#[derive(Debug, Clone)]
pub struct Node<'s> {
    /// Where the node is; for an alias, where the alias is.
    pub span: Span,
    pub(super) content: Content<'s>,
}

impl<'s> Node<'s> {
    /// The value; for an alias, that of its anchor.
    pub fn content(&self) -> &Content<'s> {
        match &self.content {
            Content::Shared(shared) => shared,
            own => own,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Content<'s> {
    /// An empty value, `~` or `null`.
    Null,
    /// A text, number or boolean; the reader decides which.
    Scalar(Scalar<'s>),
    Sequence(Vec<Node<'s>>),
    /// A mapping with unique keys, in order.
    Mapping(Vec<Pair<'s>>),
    /// A node with an anchor. Never nested, and never returned by [`Node::content`].
    Shared(Rc<Content<'s>>),
}

impl Content<'_> {
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "text",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
            Self::Shared(shared) => shared.describe(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Scalar<'s> {
    /// Its text, with escapes and folding resolved.
    pub text: Cow<'s, str>,
    /// Whether it is unquoted, so that it may be a number or a boolean.
    pub plain: bool,
}

#[derive(Debug, Clone)]
pub struct Pair<'s> {
    pub key: Cow<'s, str>,
    pub key_span: Span,
    pub value: Node<'s>,
}
