//! What can be walked: the port between the walk and a folder on disk or a tree.

use super::ContentError;
use super::links::Node;

pub(crate) struct Child<Token> {
    /// Any bytes but `/`.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: ChildKind,
    /// How the source finds it again.
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

/// Something that has folders and files in it. Real paths are relative to the root, and contain no
/// link.
pub(crate) trait ContentSource: Sync {
    type Folder: Send + Sync;
    type Token: Send + Sync;
    type File: Send;

    fn root(&self) -> Self::Folder;
    /// What is in a folder, in any order; nothing when it has gone.
    fn children(
        &self,
        folder: &Self::Folder,
        shown: &[u8],
    ) -> Result<Vec<Child<Self::Token>>, ContentError>;
    fn folder(&self, token: &Self::Token) -> Self::Folder;
    /// The file that a child is; nothing when it has gone.
    fn file(&self, token: &Self::Token, shown: &[u8]) -> Result<Option<Self::File>, ContentError>;
    /// What a child that is a link says; nothing when it has gone.
    fn link(&self, token: &Self::Token, shown: &[u8]) -> Result<Option<Vec<u8>>, ContentError>;
    /// The bytes of a child that is a file.
    fn bytes(&self, token: &Self::Token, shown: &[u8]) -> Result<Vec<u8>, ContentError>;
    fn lookup(&self, real: &[u8]) -> Result<Node<Self::Folder, Self::File>, ContentError>;
}
