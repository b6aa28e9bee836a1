//! The port between the walk and what it walks: a folder on disk or a git tree.

use super::ContentError;
use super::links::Node;

pub(crate) struct Child<Token> {
    /// Any bytes except `/`.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: ChildKind,
    pub(crate) token: Token,
}

#[derive(Clone, Copy)]
pub(crate) enum ChildKind {
    File,
    Folder,
    Link,
    Special(&'static str),
    Submodule,
}

/// Something with folders and files. Real paths are relative to the root and contain no link.
pub(crate) trait ContentSource: Sync {
    type Folder: Send + Sync;
    type Token: Send + Sync;
    type File: Send;

    fn root(&self) -> Self::Folder;
    /// The children of a folder, in any order; empty if it is gone.
    fn children(
        &self,
        folder: &Self::Folder,
        shown: &[u8],
    ) -> Result<Vec<Child<Self::Token>>, ContentError>;
    fn folder(&self, token: &Self::Token) -> Self::Folder;
    /// A child that is a file; `None` if it is gone.
    fn file(&self, token: &Self::Token, shown: &[u8]) -> Result<Option<Self::File>, ContentError>;
    /// The target of a child that is a link; `None` if it is gone.
    fn link(&self, token: &Self::Token, shown: &[u8]) -> Result<Option<Vec<u8>>, ContentError>;
    fn bytes(&self, token: &Self::Token, shown: &[u8]) -> Result<Vec<u8>, ContentError>;
    fn lookup(&self, real: &[u8]) -> Result<Node<Self::Folder, Self::File>, ContentError>;
}
