//! `[io]` Git trees: ids, names and blobs, and a tree as a source of content.

use std::fmt;

use git2::{ErrorCode, ObjectType, Oid};

use super::error::other;
use super::{GitError, Repository};
use crate::content::links::Node;
use crate::content::names::escaped;
use crate::content::source::{Child, ChildKind, ContentSource};
use crate::content::{ContentError, ContentId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId(pub(super) Oid);

impl TreeId {
    /// The empty tree, which every repository has.
    pub(super) fn empty() -> Result<Self, GitError> {
        let id = Oid::hash_object(ObjectType::Tree, b"");
        id.map(Self).map_err(other("make an id"))
    }
}

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(super) struct TreeEntry {
    /// Any bytes except `/`.
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryKind,
    pub(super) id: Oid,
}

/// What a tree entry can be. Whether a file is executable does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Folder,
    Link,
    Submodule,
}

/// The bits of a mode that give the kind, and their values.
mod mode {
    pub(super) const KIND: i32 = 0o170_000;
    pub(super) const FOLDER: i32 = 0o040_000;
    pub(super) const LINK: i32 = 0o120_000;
    pub(super) const SUBMODULE: i32 = 0o160_000;
}

pub(super) fn entries(repository: &Repository, tree: Oid) -> Result<Vec<TreeEntry>, GitError> {
    repository.with(|handle| {
        let tree = handle
            .find_tree(tree)
            .map_err(|source| cannot_read(tree, source))?;
        Ok(tree
            .iter()
            .map(|entry| TreeEntry {
                name: entry.name_bytes().to_vec(),
                kind: kind_of(entry.filemode_raw()),
                id: entry.id(),
            })
            .collect())
    })
}

pub(super) fn kind_of(mode: i32) -> EntryKind {
    match mode & mode::KIND {
        mode::FOLDER => EntryKind::Folder,
        mode::LINK => EntryKind::Link,
        mode::SUBMODULE => EntryKind::Submodule,
        // Old repositories have modes such as 100664.
        _ => EntryKind::File,
    }
}

pub(super) fn cannot_read(id: Oid, source: git2::Error) -> GitError {
    match source.code() {
        ErrorCode::NotFound => GitError::MissingObject { id: id.to_string() },
        _ => other("read an object")(source),
    }
}

pub(super) fn blob(repository: &Repository, id: Oid) -> Result<Vec<u8>, GitError> {
    repository.with(|handle| {
        let blob = handle
            .find_blob(id)
            .map_err(|source| cannot_read(id, source))?;
        Ok(blob.content().to_vec())
    })
}

impl Repository {
    pub fn size(&self, id: &ContentId) -> Option<u64> {
        let id = Oid::from_bytes(id.as_bytes()).ok()?;
        u64::try_from(self.blob_size(id).ok()?).ok()
    }

    pub(super) fn blob_size(&self, id: Oid) -> Result<usize, GitError> {
        self.with(|handle| {
            let header = handle.odb().and_then(|objects| objects.read_header(id));
            let (size, _) = header.map_err(|source| cannot_read(id, source))?;
            Ok(size)
        })
    }

    pub(super) fn source(&self, root: Oid) -> TreeSource<'_> {
        TreeSource {
            repository: self,
            root,
        }
    }
}

pub(super) fn content_id(id: Oid) -> Option<ContentId> {
    id.as_bytes().try_into().ok().map(ContentId::from_bytes)
}

/// A tree as a source of content, starting at one of its folders.
pub(super) struct TreeSource<'a> {
    repository: &'a Repository,
    pub(super) root: Oid,
}

impl TreeSource<'_> {
    fn entries(&self, tree: Oid, shown: &[u8]) -> Result<Vec<TreeEntry>, ContentError> {
        entries(self.repository, tree).map_err(|error| unreadable(shown, error))
    }

    pub(super) fn blob(&self, id: Oid, shown: &[u8]) -> Result<Vec<u8>, ContentError> {
        blob(self.repository, id).map_err(|error| unreadable(shown, error))
    }
}

fn unreadable(shown: &[u8], error: GitError) -> ContentError {
    ContentError::unreadable(escaped(shown), error)
}

impl ContentSource for TreeSource<'_> {
    type Folder = Oid;
    type Token = Oid;
    type File = Oid;

    fn root(&self) -> Oid {
        self.root
    }

    fn children(&self, folder: &Oid, shown: &[u8]) -> Result<Vec<Child<Oid>>, ContentError> {
        let children = self
            .entries(*folder, shown)?
            .into_iter()
            .map(|entry| Child {
                name: entry.name,
                kind: match entry.kind {
                    EntryKind::File => ChildKind::File,
                    EntryKind::Folder => ChildKind::Folder,
                    EntryKind::Link => ChildKind::Link,
                    EntryKind::Submodule => ChildKind::Submodule,
                },
                token: entry.id,
            });
        Ok(children.collect())
    }

    fn folder(&self, token: &Oid) -> Oid {
        *token
    }

    fn file(&self, token: &Oid, _: &[u8]) -> Result<Option<Oid>, ContentError> {
        Ok(Some(*token))
    }

    fn link(&self, token: &Oid, shown: &[u8]) -> Result<Option<Vec<u8>>, ContentError> {
        self.blob(*token, shown).map(Some)
    }

    fn bytes(&self, token: &Oid, shown: &[u8]) -> Result<Vec<u8>, ContentError> {
        self.blob(*token, shown)
    }

    fn lookup(&self, real: &[u8]) -> Result<Node<Oid, Oid>, ContentError> {
        let mut at = Node::Folder(self.root);
        for name in real.split(|&byte| byte == b'/') {
            let Node::Folder(folder) = at else {
                return Ok(Node::Missing);
            };
            let found = self
                .entries(folder, real)?
                .into_iter()
                .find(|entry| entry.name == name);
            at = match found {
                None => return Ok(Node::Missing),
                Some(entry) => match entry.kind {
                    EntryKind::File => Node::File(entry.id),
                    EntryKind::Folder => Node::Folder(entry.id),
                    EntryKind::Link => Node::Link(self.blob(entry.id, real)?),
                    EntryKind::Submodule => Node::Submodule,
                },
            };
        }
        Ok(at)
    }
}
