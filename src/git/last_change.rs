//! `[io]` Finds the commit that gave a file its content.

use std::collections::BTreeMap;

use git2::{Delta, DiffOptions, Oid, Revwalk, Sort};

use super::error::other;
use super::tree::content_id;
use super::{GitError, Repository, Revision};
use crate::content::ContentId;

/// Most commits searched, latest first: more than a pull request has; comparing that many trees
/// takes a fraction of a second.
const MAX_COMMITS: usize = 200;

/// Most files searched for: more than a page shows.
const MAX_LOOKED_FOR: usize = 1000;

/// The content that the commit must have given to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// This content; `None` if the file was deleted.
    Content(Option<ContentId>),
    Anything,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastChange {
    pub id: String,
    pub subject: String,
    /// Paths from the top.
    pub files: Vec<String>,
}

impl Repository {
    /// The latest commits that changed `files` (paths from the top), among those reachable from `to`
    /// but not from `from`. A file has none if its content is not committed, or was committed too long
    /// ago. A merge counts only for files that differ from all its parents.
    pub fn last_changes(
        &self,
        to: &Revision,
        from: Option<&Revision>,
        files: BTreeMap<String, Held>,
    ) -> Result<Vec<LastChange>, GitError> {
        let Some(to) = to.commit_id() else {
            return Ok(Vec::new());
        };
        let mut open: BTreeMap<_, _> = files.into_iter().take(MAX_LOOKED_FOR).collect();
        let mut options = DiffOptions::new();
        options.ignore_submodules(true).disable_pathspec_match(true);
        for path in open.keys() {
            options.pathspec(path);
        }
        let mut find = |handle: &git2::Repository| {
            let mut walk = latest(handle, to)?;
            if let Some(from) = from.and_then(Revision::commit_id) {
                walk.hide(from)?;
            }
            let mut changes = Vec::new();
            for commit in walk.take(MAX_COMMITS) {
                if open.is_empty() {
                    break;
                }
                let commit = handle.find_commit(commit?)?;
                let mut parents = commit.parents();
                let first = parents.next();
                if first.is_none() && handle.is_shallow() {
                    // A shallow clone lacks its parent.
                    continue;
                }
                let first = first.map(|parent| parent.tree()).transpose()?;
                let others = parents.map(|parent| parent.tree());
                let others = others.collect::<Result<Vec<_>, _>>()?;
                let tree = commit.tree()?;
                let compared =
                    handle.diff_tree_to_tree(first.as_ref(), Some(&tree), Some(&mut options))?;
                let mut files = Vec::new();
                for delta in compared.deltas() {
                    let file = match delta.status() {
                        Delta::Deleted => delta.old_file(),
                        _ => delta.new_file(),
                    };
                    let Some(path) = file.path() else { continue };
                    let has =
                        |tree: &git2::Tree<'_>| tree.get_path(path).map(|entry| entry.id()).ok();
                    let now = has(&tree);
                    if others.iter().any(|other| has(other) == now) {
                        continue;
                    }
                    let Some((path, held)) = path.to_str().and_then(|path| open.remove_entry(path))
                    else {
                        continue;
                    };
                    let is_given = match held {
                        Held::Anything => true,
                        Held::Content(content) => now.and_then(content_id) == content,
                    };
                    files.extend(is_given.then_some(path));
                }
                if !files.is_empty() {
                    let subject = commit.summary_bytes().unwrap_or_default();
                    changes.push(LastChange {
                        id: commit.id().to_string(),
                        subject: String::from_utf8_lossy(subject).into_owned(),
                        files,
                    });
                }
            }
            Ok(changes)
        };
        self.with(|handle| find(handle).map_err(other("walk through the commits")))
    }
}

pub(super) fn latest(handle: &git2::Repository, to: Oid) -> Result<Revwalk<'_>, git2::Error> {
    let mut walk = handle.revwalk()?;
    // The commits of a rebase have the same time.
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
    walk.push(to)?;
    Ok(walk)
}
