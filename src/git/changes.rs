//! `[io]` What differs between two trees, at a cost that grows with the differences.

use std::collections::BTreeMap;

use git2::Oid;

use super::tree::{EntryKind, Root, TreeEntry, content_id, entries};
use super::{GitError, Repository, TreeId};
use crate::content::names::{escaped, joined};
use crate::content::{ContentError, ContentId, Selection};

/// A file that is not the same in two trees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedPath {
    /// `/`-separated, below the prefix.
    pub path: String,
    /// What it was; `None` if it was not there.
    pub before: Option<ContentId>,
    /// What it is; `None` if it is gone.
    pub after: Option<ContentId>,
}

/// By path: before and after.
type Changes = BTreeMap<Vec<u8>, (Option<Oid>, Option<Oid>)>;

impl Repository {
    /// What differs between two trees below a prefix, sorted by path: just what comparing two
    /// [`Self::list_tree`] would give, where a missing prefix counts as empty. A renamed file is one
    /// gone and one new; a change of mode is none.
    ///
    /// Only folders that differ are looked into. Two things need more: links, for which every tree is
    /// read once (and remembered for as long as this repository is open), and
    /// [`Selection::honours_gitignore`], where both trees are listed.
    pub fn changed_paths(
        &self,
        from: &TreeId,
        to: &TreeId,
        prefix: &str,
        selection: &Selection,
    ) -> Result<Vec<ChangedPath>, GitError> {
        let from = self.root_or_nothing(from, prefix, selection)?;
        let to = self.root_or_nothing(to, prefix, selection)?;
        let mut changes = Changes::new();
        let listed = selection.honours_gitignore();
        let ids = (
            from.as_ref().map(|root| root.tree),
            to.as_ref().map(|root| root.tree),
        );
        if !listed {
            if ids.0 == ids.1 {
                return Ok(Vec::new());
            }
            self.compare(ids.0, ids.1, selection, &mut changes)?;
        }
        for (root, side) in [(from, Side::Before), (to, Side::After)] {
            let Some(root) = root else { continue };
            if listed || self.links.has_links(self, root.tree)? {
                for (path, id) in self.walk(&root, selection, !listed)?.files {
                    side.set(changes.entry(path.into_bytes()).or_default(), id);
                }
            }
        }
        changes.retain(|_, (before, after)| before != after);
        in_utf8(changes)
    }

    fn root_or_nothing(
        &self,
        tree: &TreeId,
        prefix: &str,
        selection: &Selection,
    ) -> Result<Option<Root>, GitError> {
        match self.root_at(tree, prefix, selection) {
            Ok(root) => Ok(Some(root)),
            Err(GitError::Content(ContentError::RootMissing { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Compares files folder by folder. Links are not looked at.
    fn compare(
        &self,
        from: Option<Oid>,
        to: Option<Oid>,
        selection: &Selection,
        changes: &mut Changes,
    ) -> Result<(), GitError> {
        let mut submodules = Vec::new();
        let mut ahead = vec![(Vec::new(), from, to)];
        while let Some((folder, from, to)) = ahead.pop() {
            for (name, [before, after]) in self.differing(from, to)? {
                let path = joined(&folder, &name);
                let id = |entry: &Option<TreeEntry>, kind| {
                    entry
                        .as_ref()
                        .filter(|entry| entry.kind == kind)
                        .map(|entry| entry.id)
                };
                let both = |kind| (id(&before, kind), id(&after, kind));
                let files = both(EntryKind::File);
                if files.0 != files.1 && selection.selects_bytes(&path) {
                    changes.insert(path.clone(), files);
                }
                let modules = both(EntryKind::Submodule);
                if modules.0 != modules.1 && selection.enters(&path) {
                    submodules.push(escaped(&path));
                }
                let folders = both(EntryKind::Folder);
                if folders.0 != folders.1 && selection.enters(&path) {
                    ahead.push((path, folders.0, folders.1));
                }
            }
        }
        if submodules.is_empty() {
            return Ok(());
        }
        submodules.sort_unstable();
        Err(ContentError::Submodules { paths: submodules }.into())
    }

    /// The names that do not stand for the same in two trees.
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
            // Trees sort folders as if their names ended in `/`.
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

/// Which of the two trees.
#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

impl Side {
    fn set(self, change: &mut (Option<Oid>, Option<Oid>), id: Oid) {
        match self {
            Self::Before => change.0 = Some(id),
            Self::After => change.1 = Some(id),
        }
    }
}

fn in_utf8(changes: Changes) -> Result<Vec<ChangedPath>, GitError> {
    let mut paths = Vec::with_capacity(changes.len());
    let mut refused = Vec::new();
    for (path, (before, after)) in changes {
        match String::from_utf8(path) {
            Ok(path) => paths.push(ChangedPath {
                path,
                before: before.and_then(content_id),
                after: after.and_then(content_id),
            }),
            Err(error) => refused.push(escaped(error.as_bytes())),
        }
    }
    if refused.is_empty() {
        Ok(paths)
    } else {
        Err(ContentError::NotUtf8 { names: refused }.into())
    }
}
