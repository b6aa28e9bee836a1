//! `[io]` The work tree: maps paths to the repository, and compares the checkout with the commit.

use std::path::{Component, Path, PathBuf};

use git2::{AttrCheckFlags, AttrValue, IndexEntryExtendedFlag, StatusOptions};

use super::error::other;
use super::{GitError, Repository};
use crate::content::ContentError;
use crate::content::names::escaped;

impl Repository {
    /// The path of `path` from the top of the work tree, `/`-separated; empty for the top itself.
    /// It need not exist. Links below the top are kept, so that the path can be looked up in any
    /// tree.
    pub fn relative(&self, path: &Path) -> Result<String, GitError> {
        let top = self.work_tree().ok_or_else(|| GitError::Bare {
            path: self.git_folder().to_path_buf(),
        })?;
        let outside = || GitError::Outside {
            path: path.to_path_buf(),
            work_tree: top.to_path_buf(),
        };
        let absolute = std::path::absolute(path).map_err(|_| outside())?;
        let mut parts = absolute.components();
        let absolute = match parts.any(|part| part == Component::ParentDir) {
            true => resolved(&absolute),
            false => absolute,
        };
        let is_top = |folder: &&Path| folder.canonicalize().is_ok_and(|folder| folder == top);
        let below = if let Some(folder) = absolute.ancestors().find(is_top) {
            absolute.strip_prefix(folder).map(Path::to_path_buf)
        } else {
            resolved(&absolute).strip_prefix(top).map(Path::to_path_buf)
        };
        let below = below.map_err(|_| outside())?;
        let mut parts = Vec::new();
        for part in below.components() {
            let name = part.as_os_str();
            parts.push(name.to_str().ok_or_else(|| {
                let names = vec![escaped(name.as_encoded_bytes())];
                GitError::Content(ContentError::NotUtf8 { names })
            })?);
        }
        Ok(parts.join("/"))
    }

    /// Whether the work tree or the index differs from `HEAD` below any of `prefixes` (`/`-separated
    /// paths from the top; the empty one is everything). Untracked files count; ignored files and
    /// submodules do not. A bare repository is never dirty.
    pub fn is_dirty(&self, prefixes: &[&str]) -> Result<bool, GitError> {
        if self.work_tree().is_none() || prefixes.is_empty() {
            return Ok(false);
        }
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(false)
            .include_ignored(false)
            .exclude_submodules(true)
            .disable_pathspec_match(true);
        if prefixes.iter().all(|prefix| !prefix.is_empty()) {
            for prefix in prefixes {
                options.pathspec(*prefix);
            }
        }
        self.with(|handle| {
            let statuses = handle.statuses(Some(&mut options));
            Ok(!statuses.map_err(other("compare the work tree"))?.is_empty())
        })
    }

    /// Files below `prefix` (`/`-separated, empty for all) that are committed but not checked out,
    /// because the checkout is sparse. Sorted, from the top.
    pub fn not_checked_out(&self, prefix: &str) -> Result<Vec<String>, GitError> {
        self.with(|handle| {
            let config = handle.config();
            let is_sparse = config.and_then(|config| config.get_bool("core.sparseCheckout"));
            if !is_sparse.unwrap_or_default() {
                return Ok(Vec::new());
            }
            let index = handle.index();
            let index = index.map_err(other("read the index of a sparse checkout"))?;
            let is_below = |path: &[u8]| {
                let rest = path.strip_prefix(prefix.as_bytes());
                rest.is_some_and(|rest| prefix.is_empty() || rest.first() == Some(&b'/'))
            };
            let skipped = index.iter().filter(|entry| {
                IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended).is_skip_worktree()
            });
            let below = skipped.filter(|entry| is_below(&entry.path));
            Ok(below.map(|entry| escaped(&entry.path)).collect())
        })
    }

    /// Whether git may convert a file (by its path from the top) between tree and work tree: line
    /// endings, encodings, LFS and other filters. Its bytes can then differ although nobody changed it.
    pub fn converts(&self, path: &str) -> Result<bool, GitError> {
        self.with(|handle| {
            let attribute = |name| {
                let flags = AttrCheckFlags::FILE_THEN_INDEX;
                let value = handle.get_attr_bytes(Path::new(path), name, flags);
                value.map_err(other("read attributes"))
            };
            let is_set = |value| match AttrValue::from_bytes(value) {
                AttrValue::True | AttrValue::String(_) | AttrValue::Bytes(_) => true,
                AttrValue::False | AttrValue::Unspecified => false,
            };
            for name in ["filter", "ident", "working-tree-encoding"] {
                if is_set(attribute(name)?) {
                    return Ok(true);
                }
            }
            // `binary` is short for `-text`.
            let text = AttrValue::from_bytes(attribute("text")?);
            if text == AttrValue::False {
                return Ok(false);
            }
            if is_set(attribute("eol")?) || text != AttrValue::Unspecified {
                return Ok(true);
            }
            let automatic = handle
                .config()
                .and_then(|config| config.get_string("core.autocrlf"));
            // Unset means no conversion.
            Ok(
                automatic
                    .is_ok_and(|value| !matches!(value.as_str(), "false" | "no" | "off" | "0")),
            )
        })
    }
}

fn resolved(path: &Path) -> PathBuf {
    for folder in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (folder.canonicalize(), path.strip_prefix(folder)) {
            return real.join(rest);
        }
    }
    path.to_path_buf()
}
