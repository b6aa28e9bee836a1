//! `[io]` Counts the files in a tree, as a sum over its folders.
//!
//! A tree's id fixes its content, so counts stay valid: the next count reads only new folders.

use std::collections::HashMap;
use std::fmt;

use git2::Oid;
use rayon::prelude::*;

use super::tree::{EntryKind, cannot_read, kind_of};
use super::{GitError, Repository};
use crate::cache::take;
use crate::content::names::joined;
use crate::content::{ContentId, Selection, blob_id};

/// Most folders remembered, at 24 bytes each. Above that, only the last count's folders are kept.
const MAX_REMEMBERED: usize = 1 << 20;

/// Counts the files of one folder, given the paths of its files and of its subfolders; `None` if
/// unknown. The count of several files is the sum of their counts.
pub(super) type Tally<'a> = &'a (dyn Fn(&[String], &[String]) -> Option<usize> + Sync);

/// Counts of folders, by path and tree id.
pub struct TreeCounts<'a> {
    /// Everything else that a count depends on; part of the keys.
    scope: String,
    tally: Tally<'a>,
    known: HashMap<ContentId, Count>,
    grown: bool,
}

/// The count of a folder; `None` if the tree alone does not show it.
type Count = Option<u32>;

/// How a [`Count`] of `None` is stored.
const UNKNOWN: u32 = u32::MAX;

impl fmt::Debug for TreeCounts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeCounts")
            .field("scope", &self.scope)
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}

/// A folder whose count is not complete yet.
struct Open {
    key: ContentId,
    /// Index of its parent; `None` for the root.
    parent: Option<usize>,
    sum: Count,
}

struct Read {
    sum: Count,
    below: Vec<(Vec<u8>, Oid)>,
}

impl<'a> TreeCounts<'a> {
    /// `scope` must differ whenever `tally` counts differently.
    pub fn new(scope: String, tally: Tally<'a>) -> Self {
        Self {
            scope,
            tally,
            known: HashMap::new(),
            grown: false,
        }
    }

    pub(super) fn of_file(&self, path: &str) -> Option<usize> {
        (self.tally)(&[path.to_owned()], &[])
    }

    pub(crate) fn recall(&mut self, mut bytes: &[u8]) {
        while let (Some(key), Some(count)) = (take(&mut bytes), take(&mut bytes)) {
            let count = u32::from_le_bytes(count);
            let count = (count != UNKNOWN).then_some(count);
            self.known.insert(ContentId::from_bytes(key), count);
        }
    }

    pub(crate) fn remembered(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.known.len() * 24);
        for (key, count) in &self.known {
            bytes.extend_from_slice(key.as_bytes());
            bytes.extend_from_slice(&count.unwrap_or(UNKNOWN).to_le_bytes());
        }
        self.grown.then_some(bytes)
    }

    /// The count of the selected files of a tree; `None` if the tree alone does not show it, because
    /// of links, submodules or files without a count.
    pub(super) fn count(
        &mut self,
        repository: &Repository,
        root: Oid,
        selection: &Selection,
    ) -> Result<Option<usize>, GitError> {
        let rule = selection.rule();
        let root_key = self.key(&rule, b"", root);
        if !self.known.contains_key(&root_key) {
            self.grow(repository, root, (selection, &rule))?;
        }
        let count = self.known.get(&root_key).copied().flatten();
        Ok(count.and_then(|count| usize::try_from(count).ok()))
    }

    /// Works level by level, so deep nesting needs no stack.
    fn grow(
        &mut self,
        repository: &Repository,
        root: Oid,
        (selection, rule): (&Selection, &str),
    ) -> Result<(), GitError> {
        let mut open: Vec<Open> = Vec::new();
        let mut level = vec![(None, Vec::new(), root)];
        while !level.is_empty() {
            let mut unread = Vec::new();
            for (parent, path, id) in level.drain(..) {
                let key = self.key(rule, &path, id);
                match (self.known.get(&key), parent) {
                    (Some(&count), Some(parent)) => add(&mut open, parent, count),
                    (Some(_), None) => {}
                    (None, parent) => {
                        unread.push((open.len(), path, id));
                        let sum = Some(0);
                        open.push(Open { key, parent, sum });
                    }
                }
            }
            let tally = self.tally;
            let read: Vec<Read> = unread
                .par_iter()
                .map(|(_, path, id)| read(repository, path, *id, selection, tally))
                .collect::<Result<_, _>>()?;
            for ((at, ..), read) in unread.into_iter().zip(read) {
                add(&mut open, at, read.sum);
                let below = read.below.into_iter();
                level.extend(below.map(|(path, id)| (Some(at), path, id)));
            }
        }
        if self.known.len() + open.len() > MAX_REMEMBERED {
            self.known.clear();
        }
        // A folder comes after its parent.
        while let Some(Open { key, parent, sum }) = open.pop() {
            self.known.insert(key, sum);
            if let Some(parent) = parent {
                add(&mut open, parent, sum);
            }
        }
        self.grown = true;
        Ok(())
    }

    fn key(&self, rule: &str, path: &[u8], folder: Oid) -> ContentId {
        let parts = [
            self.scope.as_bytes(),
            rule.as_bytes(),
            path,
            folder.as_bytes(),
        ];
        // No part contains a zero byte.
        blob_id(&parts.join(&0))
    }
}

/// Adds to a folder's sum. An unknown count makes the sum unknown.
fn add(open: &mut [Open], at: usize, count: Count) {
    if let Some(folder) = open.get_mut(at) {
        let sum = folder.sum.zip(count);
        folder.sum = sum
            .and_then(|(sum, count)| sum.checked_add(count))
            .filter(|sum| *sum != UNKNOWN);
    }
}

fn read(
    repository: &Repository,
    folder: &[u8],
    id: Oid,
    selection: &Selection,
    tally: Tally<'_>,
) -> Result<Read, GitError> {
    repository.with(|handle| {
        let tree = handle
            .find_tree(id)
            .map_err(|source| cannot_read(id, source))?;
        let (mut files, mut folders) = (Some(Vec::new()), Some(Vec::new()));
        let mut below = Vec::new();
        for entry in &tree {
            let path = joined(folder, entry.name_bytes());
            match kind_of(entry.filemode_raw()) {
                EntryKind::File => {
                    if selection.selects_bytes(&path) {
                        note(&mut files, path);
                    }
                }
                EntryKind::Folder => {
                    if selection.enters(&path) {
                        below.push((path.clone(), entry.id()));
                        note(&mut folders, path);
                    }
                }
                EntryKind::Link => {
                    if selection.selects_bytes(&path) || selection.enters(&path) {
                        files = None;
                    }
                }
                EntryKind::Submodule => {
                    if selection.enters(&path) {
                        files = None;
                    }
                }
            }
        }
        let sum = files.zip(folders);
        let sum = sum.and_then(|(files, folders)| tally(&files, &folders));
        Ok(Read {
            sum: sum.and_then(|sum| u32::try_from(sum).ok()),
            below,
        })
    })
}

/// Adds a path. A path that is not UTF-8 makes the whole list unusable.
fn note(paths: &mut Option<Vec<String>>, path: Vec<u8>) {
    match (paths.as_mut(), String::from_utf8(path)) {
        (Some(paths), Ok(path)) => paths.push(path),
        (Some(_), Err(_)) | (None, _) => *paths = None,
    }
}
