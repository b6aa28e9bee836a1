//! `[io]` What is in a tree: listings, and the bytes of single files.

use std::fmt;
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Oid};

use super::{GitError, Repository};
use crate::content::ignores::{self, Ignores};
use crate::content::links::{self, Node, Target};
use crate::content::names::{escaped, joined};
use crate::content::source::{Child, ChildKind, Source};
use crate::content::walk::{Walk, Walked};
use crate::content::{ContentError, ContentFile, ContentId, Listing, Selection, Stats};

/// The id of a tree in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId(pub(super) Oid);

impl TreeId {
    /// The tree without files, which every repository has.
    pub(super) fn empty() -> Result<Self, GitError> {
        let id = Oid::hash_object(ObjectType::Tree, b"").map_err(|source| GitError::Other {
            doing: "make an id",
            source,
        })?;
        Ok(Self(id))
    }
}

impl fmt::Display for TreeId {
    /// 40 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One name in a tree.
pub(super) struct TreeEntry {
    /// Any bytes but `/`.
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryKind,
    pub(super) id: Oid,
}

/// What a tree can hold. That a file is executable is not content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Folder,
    Link,
    Submodule,
}

/// The bits of a mode that tell the kind, and their values in a tree.
mod mode {
    pub(super) const KIND: i32 = 0o170_000;
    pub(super) const FOLDER: i32 = 0o040_000;
    pub(super) const LINK: i32 = 0o120_000;
    pub(super) const SUBMODULE: i32 = 0o160_000;
}

/// What is in a tree, in its own order.
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

/// The kind of a mode.
pub(super) fn kind_of(mode: i32) -> EntryKind {
    match mode & mode::KIND {
        mode::FOLDER => EntryKind::Folder,
        mode::LINK => EntryKind::Link,
        mode::SUBMODULE => EntryKind::Submodule,
        // Old repositories have modes such as 100664.
        _ => EntryKind::File,
    }
}

/// Why an object cannot be read.
pub(super) fn cannot_read(id: Oid, source: git2::Error) -> GitError {
    if source.code() == ErrorCode::NotFound {
        GitError::MissingObject { id: id.to_string() }
    } else {
        GitError::Other {
            doing: "read an object",
            source,
        }
    }
}

/// The bytes of a blob.
fn blob(repository: &Repository, id: Oid) -> Result<Vec<u8>, GitError> {
    repository.with(|handle| {
        let blob = handle
            .find_blob(id)
            .map_err(|source| cannot_read(id, source))?;
        Ok(blob.content().to_vec())
    })
}

/// The content id that is the id of a blob.
pub(super) fn content_id(id: Oid) -> Option<ContentId> {
    id.as_bytes().try_into().ok().map(ContentId::from_bytes)
}

/// A tree as a source, from a folder in it.
pub(super) struct TreeSource<'a> {
    pub(super) repository: &'a Repository,
    pub(super) root: Oid,
}

impl TreeSource<'_> {
    fn entries(&self, tree: Oid, shown: &[u8]) -> Result<Vec<TreeEntry>, ContentError> {
        entries(self.repository, tree).map_err(|error| unreadable(shown, error))
    }

    fn blob(&self, id: Oid, shown: &[u8]) -> Result<Vec<u8>, ContentError> {
        blob(self.repository, id).map_err(|error| unreadable(shown, error))
    }
}

fn unreadable(shown: &[u8], error: GitError) -> ContentError {
    ContentError::unreadable(escaped(shown), error)
}

impl Source for TreeSource<'_> {
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

/// A folder in a tree that can be walked.
pub(super) struct Root {
    pub(super) tree: Oid,
    /// Its real path from the top of the tree.
    pub(super) path: Vec<u8>,
    /// The `.gitignore` files above it.
    ignores: Option<Arc<Ignores>>,
}

impl Repository {
    /// Lists the files of `tree` below `prefix` (`/`-separated, empty for all) that are selected,
    /// with paths below the prefix, by the same rules as [`crate::content::disk::list`]. A prefix
    /// may lead through links.
    ///
    /// A submodule where files could be selected is refused by name: its files are not in the tree.
    pub fn list_tree(
        &self,
        tree: &TreeId,
        prefix: &str,
        selection: &Selection,
    ) -> Result<Listing, GitError> {
        let root = self.root_at(tree, prefix, selection)?;
        let walked = self.walk(&root, selection)?;
        let mut files = Vec::with_capacity(walked.files.len());
        for (path, id) in walked.files {
            if let Some(id) = content_id(id) {
                files.push(ContentFile { path, id });
            }
        }
        Ok(Listing {
            files,
            notes: walked.notes,
            stats: Stats {
                walked: walked.seen,
                hashed: 0,
                from_cache: 0,
            },
        })
    }

    /// The bytes of a file in a tree, by its path from the top; `None` if there is no such file.
    /// More than `limit` bytes are refused.
    pub fn read_file(
        &self,
        tree: &TreeId,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let source = TreeSource {
            repository: self,
            root: tree.0,
        };
        let target = links::follow(b"", path.as_bytes(), || tree.0, |real| source.lookup(real))?;
        match target {
            Target::File(id) => self.bounded(id, path, limit).map(Some),
            Target::Folder(..)
            | Target::Outside
            | Target::Nothing
            | Target::Circle
            | Target::Special(_)
            | Target::Submodule(_) => Ok(None),
        }
    }

    /// The selected files of a tree below `prefix` with their bytes, sorted by path. A file of more
    /// than `limit` bytes is refused.
    pub fn read_files(
        &self,
        tree: &TreeId,
        prefix: &str,
        selection: &Selection,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, GitError> {
        let root = self.root_at(tree, prefix, selection)?;
        let walked = self.walk(&root, selection)?;
        let files = walked.files.into_iter().map(|(path, id)| {
            let bytes = self.bounded(id, &path, limit)?;
            Ok((path, bytes))
        });
        files.collect()
    }

    /// Finds the folder to list in a tree.
    pub(super) fn root_at(
        &self,
        tree: &TreeId,
        prefix: &str,
        selection: &Selection,
    ) -> Result<Root, GitError> {
        let source = TreeSource {
            repository: self,
            root: tree.0,
        };
        let named = || prefix.to_owned();
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { "." } else { prefix };
        let target = links::follow(
            b"",
            prefix.as_bytes(),
            || tree.0,
            |real| source.lookup(real),
        )?;
        let (folder, path) = match target {
            Target::Folder(folder, path) => (folder, path),
            Target::Nothing | Target::Outside | Target::Circle => {
                return Err(ContentError::RootMissing { root: named() }.into());
            }
            Target::File(_) | Target::Special(_) => {
                return Err(ContentError::RootNotFolder { root: named() }.into());
            }
            Target::Submodule(path) => {
                let paths = vec![escaped(&path)];
                return Err(ContentError::Submodules { paths }.into());
            }
        };
        Ok(Root {
            tree: folder,
            ignores: if selection.honours_gitignore() {
                source.ignores_above(&path)?
            } else {
                None
            },
            path,
        })
    }

    /// Walks a folder of a tree.
    pub(super) fn walk(
        &self,
        root: &Root,
        selection: &Selection,
    ) -> Result<Walked<Oid>, ContentError> {
        Walk {
            source: &TreeSource {
                repository: self,
                root: root.tree,
            },
            selection,
            lead: &root.path,
            ignores: root.ignores.clone(),
        }
        .run()
    }

    fn bounded(&self, id: Oid, path: &str, limit: usize) -> Result<Vec<u8>, GitError> {
        let size = self.with(|handle| {
            let header = handle.odb().and_then(|odb| odb.read_header(id));
            header.map_err(|source| cannot_read(id, source))
        })?;
        if size.0 > limit {
            return Err(GitError::TooLarge {
                path: path.to_owned(),
                size: size.0,
                limit,
            });
        }
        blob(self, id)
    }
}

impl TreeSource<'_> {
    /// The `.gitignore` files from the top down to above `path`.
    fn ignores_above(&self, path: &[u8]) -> Result<Option<Arc<Ignores>>, ContentError> {
        let mut ignores = None;
        let mut folder = Vec::new();
        for part in path
            .split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty())
        {
            let file = joined(&folder, ignores::FILE_NAME);
            if let Node::File(id) = self.lookup(&file)? {
                ignores = Ignores::add(ignores, &folder, &self.blob(id, &file)?);
            }
            folder = joined(&folder, part);
        }
        Ok(ignores)
    }
}
