//! `[io]` Git: reads revisions, trees and files with libgit2, and writes only purgit's own refs.
//! Nothing is checked out.
//!
//! It is built on `content`: trees are walked and filtered like folders on disk. Names come from trees
//! unchanged, so neither `core.quotePath` nor sparse checkouts matter. SHA-256 and reftable
//! repositories are refused because libgit2 cannot read them.

mod changes;
pub mod command;
mod counts;
mod durable;
mod error;
mod last_change;
mod listing;
pub(crate) mod own_ref;
mod past;
mod revision;
mod tree;
mod worktree;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use git2::{ErrorClass, ErrorCode};

pub use changes::Changed;
pub use counts::TreeCounts;
pub use error::GitError;
pub use last_change::{Held, LastChange};
pub use listing::TreeRoot;
pub use revision::{Commit, Revision};
pub use tree::TreeId;

/// A repository: with a work tree, a linked one, a submodule, or bare.
pub struct Repository {
    git_folder: PathBuf,
    /// Canonical; `None` in a bare repository.
    work_tree: Option<PathBuf>,
    /// libgit2's handles are not thread-safe: one for each concurrent reader.
    handles: Mutex<Vec<git2::Repository>>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("git_folder", &self.git_folder)
            .field("work_tree", &self.work_tree)
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// The repository that contains `path`, which need not exist (yet).
    pub fn discover(path: &Path) -> Result<Self, GitError> {
        // Hashing every object doubles the cost of reading, and git does not do it either. Objects
        // are checked when they are fetched.
        git2::opts::strict_hash_verification(false);
        let existing = path.ancestors().find(|folder| folder.exists());
        let handle = git2::Repository::discover(existing.unwrap_or(Path::new(".")))
            .map_err(|source| cannot_open(path, source))?;
        let canonical = |folder: &Path| {
            folder.canonicalize().map_err(|source| GitError::WorkTree {
                path: folder.to_path_buf(),
                source,
            })
        };
        let work_tree = handle.workdir().map(canonical).transpose()?;
        Ok(Self {
            git_folder: handle.path().to_path_buf(),
            work_tree,
            handles: Mutex::new(vec![handle]),
        })
    }

    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// `.git`, or a folder in the main repository's `.git` for linked work trees and submodules.
    pub fn git_folder(&self) -> &Path {
        &self.git_folder
    }

    pub fn is_shallow(&self) -> Result<bool, GitError> {
        self.with(|handle| Ok(handle.is_shallow()))
    }

    /// `user.name`, as git would put it into a commit.
    pub fn user_name(&self) -> Option<String> {
        let name = self.with(|handle| {
            Ok(handle
                .config()
                .and_then(|config| config.get_string("user.name"))
                .ok())
        });
        name.ok()?.filter(|name| !name.is_empty())
    }

    /// Calls `act` with a handle that no other thread is using.
    fn with<T>(
        &self,
        act: impl FnOnce(&git2::Repository) -> Result<T, GitError>,
    ) -> Result<T, GitError> {
        let idle = self.handles.lock().ok().and_then(|mut all| all.pop());
        let handle = match idle {
            Some(handle) => handle,
            None => git2::Repository::open(&self.git_folder)
                .map_err(|source| cannot_open(&self.git_folder, source))?,
        };
        let result = act(&handle);
        if let Ok(mut handles) = self.handles.lock() {
            handles.push(handle);
        }
        result
    }
}

fn cannot_open(path: &Path, source: git2::Error) -> GitError {
    let path = path.to_path_buf();
    match source.code() {
        ErrorCode::NotFound if source.class() == ErrorClass::Repository => {
            GitError::NoRepository { path }
        }
        ErrorCode::Owner => GitError::Ownership { path },
        _ if source.message().contains("extension")
            || source.message().contains("object format")
            || source.message().contains("repository version") =>
        {
            GitError::UnsupportedFormat { path, source }
        }
        _ => GitError::Open { path, source },
    }
}
