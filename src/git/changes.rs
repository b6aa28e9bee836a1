//! `[io]` The difference between two trees, at a cost that grows with the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use git2::Oid;
use rayon::prelude::*;

use super::counts::TreeCounts;
use super::listing::Folder;
use super::tree::{EntryKind, TreeEntry, content_id, entries};
use super::{GitError, Repository, TreeId, TreeRoot};
use crate::content::links::Node;
use crate::content::names::joined;
use crate::content::source::ContentSource as _;
use crate::content::{ContentFile, ContentId, Selection};

/// Two trees without the files they share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Files of the first tree that differ in the second, sorted by path.
    pub before: Vec<ContentFile>,
    pub after: Vec<ContentFile>,
    /// What the shared files count for.
    pub same: usize,
}

type Changes = BTreeMap<Vec<u8>, (Option<Oid>, Option<Oid>)>;

impl Repository {
    /// The difference between two trees below a root: what [`Self::list_tree`] returns for both,
    /// without the shared files. Files in `open` are always kept. A rename is a deletion and an
    /// addition; a change of mode is no difference.
    ///
    /// Reads only folders that differ; `counts` caches the counts of the others. `None` if both trees
    /// must be listed instead: one lacks the root, `.gitignore` files apply, or there are links,
    /// submodules or files that cannot be counted.
    pub fn changed_files<'a>(
        &self,
        from: &TreeId,
        to: &TreeId,
        root: impl Into<TreeRoot<'a>>,
        selection: &Selection,
        open: Option<&BTreeSet<Arc<str>>>,
        counts: &mut TreeCounts<'_>,
    ) -> Result<Option<Changed>, GitError> {
        if selection.honours_gitignore() {
            return Ok(None);
        }
        let root = root.into();
        let folder = |tree| match self.folder_at(tree, root, selection) {
            Err(GitError::Content(_)) => Ok(None),
            folder => folder.map(Some),
        };
        let (Some(from), Some(to)) = (folder(from)?, folder(to)?) else {
            return Ok(None);
        };
        let mut count = |folder: &Folder| counts.count(self, folder.tree, &folder.selection);
        let (Some(_), Some(mut same)) = (count(&from)?, count(&to)?) else {
            return Ok(None);
        };
        if from.selection.rule() != to.selection.rule() {
            return Ok(None);
        }
        let selection = &to.selection;
        let mut by_path = match from.tree == to.tree {
            true => Changes::new(),
            false => self.compare(from.tree, to.tree, selection)?,
        };
        for path in open.into_iter().flatten() {
            if selection.selects(path) {
                let id = |folder: &Folder| self.file_in(folder.tree, path);
                by_path.insert(path.as_bytes().to_vec(), (id(&from)?, id(&to)?));
            }
        }
        let mut changed = Changed::default();
        for (path, (before, after)) in by_path {
            let file = |id: Option<Oid>| {
                let id = id.and_then(content_id)?;
                let path = String::from_utf8(path.clone()).ok()?;
                Some(ContentFile { path, id })
            };
            changed.before.extend(file(before));
            if let Some(file) = file(after) {
                // It was counted above, so it has a count.
                same -= counts.of_file(&file.path).unwrap_or_default();
                changed.after.push(file);
            }
        }
        Ok(Some(Changed { same, ..changed }))
    }

    /// The content id of a file, by its path from the top; `None` if it does not exist.
    pub fn file_id(&self, tree: &TreeId, path: &str) -> Result<Option<ContentId>, GitError> {
        Ok(self.file_in(tree.0, path)?.and_then(content_id))
    }

    fn file_in(&self, root: Oid, path: &str) -> Result<Option<Oid>, GitError> {
        Ok(match self.source(root).lookup(path.as_bytes())? {
            Node::File(id) => Some(id),
            Node::Missing
            | Node::Folder(_)
            | Node::Link(_)
            | Node::Special(_)
            | Node::Submodule => None,
        })
    }

    /// Compares level by level, the folders of a level in parallel.
    fn compare(&self, from: Oid, to: Oid, selection: &Selection) -> Result<Changes, GitError> {
        let mut changes = Changes::new();
        let mut level = vec![(Vec::new(), Some(from), Some(to))];
        while !level.is_empty() {
            let differing: Vec<_> = level
                .par_iter()
                .map(|&(_, from, to)| self.differing(from, to))
                .collect::<Result<_, _>>()?;
            let mut below = Vec::new();
            for ((folder, ..), differing) in level.iter().zip(differing) {
                for (name, [before, after]) in differing {
                    let path = joined(folder, &name);
                    let both = |kind| {
                        let id = |entry: &Option<TreeEntry>| {
                            let entry = entry.as_ref().filter(|entry| entry.kind == kind);
                            entry.map(|entry| entry.id)
                        };
                        (id(&before), id(&after))
                    };
                    let files = both(EntryKind::File);
                    if files.0 != files.1 && selection.selects_bytes(&path) {
                        changes.insert(path.clone(), files);
                    }
                    let folders = both(EntryKind::Folder);
                    if folders.0 != folders.1 && selection.enters(&path) {
                        below.push((path, folders.0, folders.1));
                    }
                }
            }
            level = below;
        }
        Ok(changes)
    }

    fn differing(
        &self,
        from: Option<Oid>,
        to: Option<Oid>,
    ) -> Result<BTreeMap<Vec<u8>, [Option<TreeEntry>; 2]>, GitError> {
        let sorted = |tree: Option<Oid>| {
            let mut entries = match tree {
                Some(tree) => entries(self, tree)?,
                None => Vec::new(),
            };
            // Git sorts folders as if their names ended in `/`.
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok::<_, GitError>(entries.into_iter().peekable())
        };
        let (mut from, mut to) = (sorted(from)?, sorted(to)?);
        let mut differing = BTreeMap::new();
        loop {
            let (before, after) = match (from.peek(), to.peek()) {
                (None, None) => return Ok(differing),
                (Some(_), None) => (from.next(), None),
                (None, Some(_)) => (None, to.next()),
                (Some(before), Some(after)) => match before.name.cmp(&after.name) {
                    std::cmp::Ordering::Less => (from.next(), None),
                    std::cmp::Ordering::Greater => (None, to.next()),
                    std::cmp::Ordering::Equal => (from.next(), to.next()),
                },
            };
            if let (Some(before), Some(after)) = (&before, &after)
                && before.id == after.id
                && before.kind == after.kind
            {
                continue;
            }
            if let Some(entry) = before.as_ref().or(after.as_ref()) {
                differing.insert(entry.name.clone(), [before, after]);
            }
        }
    }
}
