//! A YAML text as a tree whose every node knows its place, and how large it may be.

use std::borrow::Cow;
use std::rc::Rc;

use super::problem::Span;

/// Largest manifest, in bytes: a million URLs of 100 bytes fit.
pub const MAX_FILE_BYTES: usize = 128 * 1024 * 1024;

/// Deepest nesting, in collections: the deepest field of a manifest is six down.
pub const MAX_DEPTH: usize = 24;

/// Nodes in one file (texts and collections): two million URLs, which take about 100 MB.
pub const MAX_NODES: usize = 2_000_000;

/// Nodes that all aliases of one file may unfold to. Enough to share some lists of a few thousand
/// URLs; reading on is linear in it.
pub const MAX_ALIASED_NODES: usize = 50_000;

/// What a text may grow to before it is refused.
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
    /// The documents that could be read, without empty ones.
    pub documents: Vec<Node<'s>>,
    pub unreadable: usize,
}

#[derive(Debug, Clone)]
pub struct Node<'s> {
    /// Where it stands; for an alias, where the alias stands.
    pub span: Span,
    pub(super) content: Content<'s>,
}

impl<'s> Node<'s> {
    /// The value; that of the anchored node, for an alias.
    pub fn content(&self) -> &Content<'s> {
        match &self.content {
            Content::Shared(shared) => shared,
            own => own,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Content<'s> {
    /// Nothing, `~` or `null`.
    Null,
    /// A text, a number or a boolean: which of them is for the reader to say.
    Scalar(Scalar<'s>),
    Sequence(Vec<Node<'s>>),
    /// A mapping, keys in order, each once.
    Mapping(Vec<Pair<'s>>),
    /// A node with an anchor. Never nested, and never seen through [`Node::content`].
    Shared(Rc<Content<'s>>),
}

impl Content<'_> {
    /// What to call it in `expected …, found …`.
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
    /// Its text, escapes and folding undone.
    pub text: Cow<'s, str>,
    /// Whether it is without quotes, so that it may be a number or a boolean.
    pub plain: bool,
}

#[derive(Debug, Clone)]
pub struct Pair<'s> {
    pub key: Cow<'s, str>,
    pub key_span: Span,
    pub value: Node<'s>,
}
