//! `[io]` Lists the content of a tree and reads single files.

use std::sync::Arc;

use git2::Oid;

use super::tree::{TreeSource, blob, content_id};
use super::{GitError, Repository, TreeId};
use crate::content::ignores::{self, Ignores};
use crate::content::links::{self, LinkTarget, Node};
use crate::content::names::{escaped, joined};
use crate::content::source::ContentSource as _;
use crate::content::walk::{Unusable, Walk, Walked};
use crate::content::{ContentError, ContentFile, Listing, Selection, Stats};

#[derive(Debug, Clone, Copy)]
pub struct TreeRoot<'a> {
    /// The project's path from the top, `/`-separated; empty for the top.
    pub project: &'a str,
    /// The root's path in the project; empty for the whole project. It may contain links, but must
    /// not leave the project.
    pub root: &'a str,
}

impl<'a> From<&'a str> for TreeRoot<'a> {
    fn from(root: &'a str) -> Self {
        Self { project: "", root }
    }
}

pub(super) struct Folder {
    pub(super) tree: Oid,
    /// Its real path from the top of the tree.
    path: Vec<u8>,
    ignores: Option<Arc<Ignores>>,
    pub(super) selection: Selection,
}

impl Repository {
    /// Lists the selected files of `tree` below `root`, by the same rules as
    /// [`crate::content::disk::list`]. A submodule that could contain selected files is an error: its
    /// files are not in the tree.
    pub fn list_tree<'a>(
        &self,
        tree: &TreeId,
        root: impl Into<TreeRoot<'a>>,
        selection: &Selection,
    ) -> Result<Listing, GitError> {
        self.list(tree, root.into(), selection, Unusable::Refused)
    }

    /// As [`Self::list_tree`], for a past tree: skips with a note what could not be content then, such
    /// as submodules and names that cannot be part of a URL.
    pub fn list_past_tree<'a>(
        &self,
        tree: &TreeId,
        root: impl Into<TreeRoot<'a>>,
        selection: &Selection,
    ) -> Result<Listing, GitError> {
        self.list(tree, root.into(), selection, Unusable::Noted)
    }

    fn list(
        &self,
        tree: &TreeId,
        root: TreeRoot<'_>,
        selection: &Selection,
        unusable: Unusable,
    ) -> Result<Listing, GitError> {
        let folder = self.folder_at(tree, root, selection)?;
        let walked = self.walk(&folder, unusable)?;
        let files = walked.files.into_iter().filter_map(|(path, id)| {
            let id = content_id(id)?;
            Some(ContentFile { path, id })
        });
        Ok(Listing {
            files: files.collect(),
            notes: walked.notes,
            stats: Stats {
                walked: walked.seen,
                hashed: 0,
                from_cache: 0,
            },
        })
    }

    /// The bytes of a file, by its path from the top; `None` if it does not exist. More than `limit`
    /// bytes are an error.
    pub fn read_file(
        &self,
        tree: &TreeId,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let source = self.source(tree.0);
        let target = links::follow(b"", path.as_bytes(), || tree.0, |real| source.lookup(real))?;
        match target {
            LinkTarget::File(id, _) => self.bounded(id, path, limit).map(Some),
            LinkTarget::Folder(..)
            | LinkTarget::Outside
            | LinkTarget::Nothing
            | LinkTarget::Circle
            | LinkTarget::Special(_)
            | LinkTarget::Submodule(_) => Ok(None),
        }
    }

    /// The selected files of a tree below `root` with their bytes, sorted by path. A file of more than
    /// `limit` bytes is an error.
    pub fn read_files<'a>(
        &self,
        tree: &TreeId,
        root: impl Into<TreeRoot<'a>>,
        selection: &Selection,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, GitError> {
        let folder = self.folder_at(tree, root.into(), selection)?;
        let walked = self.walk(&folder, Unusable::Refused)?;
        let files = walked.files.into_iter().map(|(path, id)| {
            let bytes = self.bounded(id, &path, limit)?;
            Ok((path, bytes))
        });
        files.collect()
    }

    pub(super) fn folder_at(
        &self,
        tree: &TreeId,
        root: TreeRoot<'_>,
        selection: &Selection,
    ) -> Result<Folder, GitError> {
        let top = self.source(tree.0);
        let (project, above) = top.folder_at(root.project)?;
        let (tree, real) = self.source(project).folder_at(root.root)?;
        let path = joined(&above, &real);
        Ok(Folder {
            tree,
            ignores: if selection.honours_gitignore() {
                top.ignores_above(&path)?
            } else {
                None
            },
            path,
            selection: selection.at(&String::from_utf8_lossy(&real)),
        })
    }

    fn walk(&self, folder: &Folder, unusable: Unusable) -> Result<Walked<Oid>, ContentError> {
        Walk {
            source: &self.source(folder.tree),
            selection: &folder.selection,
            lead: &folder.path,
            ignores: folder.ignores.clone(),
            unusable,
        }
        .run()
    }

    fn bounded(&self, id: Oid, path: &str, limit: usize) -> Result<Vec<u8>, GitError> {
        let size = self.blob_size(id)?;
        if size > limit {
            return Err(GitError::TooLarge {
                path: path.to_owned(),
                size,
                limit,
            });
        }
        blob(self, id)
    }
}

impl TreeSource<'_> {
    /// The folder that a path leads to through links, with its real path.
    fn folder_at(&self, path: &str) -> Result<(Oid, Vec<u8>), ContentError> {
        let root = || path.to_owned();
        let trimmed = path.trim_matches('/');
        let says = if trimmed.is_empty() { "." } else { trimmed };
        let lookup = |real: &[u8]| self.lookup(real);
        match links::follow(b"", says.as_bytes(), || self.root, lookup)? {
            LinkTarget::Folder(folder, real) => Ok((folder, real)),
            LinkTarget::Nothing | LinkTarget::Circle => {
                Err(ContentError::RootMissing { root: root() })
            }
            LinkTarget::Outside => Err(ContentError::RootOutside { root: root() }),
            LinkTarget::File(..) | LinkTarget::Special(_) => {
                Err(ContentError::RootNotFolder { root: root() })
            }
            LinkTarget::Submodule(path) => Err(ContentError::Submodules {
                paths: vec![escaped(&path)],
            }),
        }
    }

    /// The `.gitignore` files from the top down to the parent of `path`.
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
