//! `[io]` Which trees hold symbolic links, at any depth.
//!
//! A link can change what it stands for while nothing changes where it is, so comparing two trees
//! must look at all their links. Trees never change under their id, so what was once found out holds.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use git2::Oid;
use rayon::prelude::*;

use super::tree::{EntryKind, cannot_read, kind_of};
use super::{GitError, Repository};

/// What is known so far: tree → whether there is a link in it or below.
#[derive(Default)]
pub(super) struct LinkIndex {
    known: Mutex<HashMap<Oid, bool>>,
}

/// A tree just read.
struct Read {
    id: Oid,
    has_link: bool,
    below: Vec<Oid>,
}

impl LinkIndex {
    /// Whether there is a link in a tree or below. Reads every tree below that was not read before,
    /// level by level.
    pub(super) fn has_links(&self, repository: &Repository, tree: Oid) -> Result<bool, GitError> {
        if let Some(&has) = self.known().get(&tree) {
            return Ok(has);
        }
        let mut above: HashMap<Oid, Vec<Oid>> = HashMap::new();
        let mut seen = HashSet::from([tree]);
        let mut with_links = Vec::new();
        let mut level = vec![tree];
        while !level.is_empty() {
            // Not under the lock: a thread that waits here may take up a job that needs it.
            let read: Vec<Read> = level
                .par_iter()
                .map(|&id| read(repository, id))
                .collect::<Result<_, _>>()?;
            level.clear();
            let known = self.known();
            for tree in read {
                if tree.has_link {
                    with_links.push(tree.id);
                }
                for below in tree.below {
                    match known.get(&below) {
                        Some(true) => with_links.push(tree.id),
                        Some(false) => {}
                        None => {
                            above.entry(below).or_default().push(tree.id);
                            if seen.insert(below) {
                                level.push(below);
                            }
                        }
                    }
                }
            }
        }
        let mut known = self.known();
        known.extend(seen.iter().map(|&id| (id, false)));
        while let Some(id) = with_links.pop() {
            if known.insert(id, true) != Some(true) {
                with_links.extend(above.get(&id).into_iter().flatten());
            }
        }
        Ok(known.get(&tree).copied().unwrap_or_default())
    }

    /// The map, for a moment. No panic can leave it half changed, so a poisoned lock is as good as
    /// any.
    fn known(&self) -> MutexGuard<'_, HashMap<Oid, bool>> {
        match self.known.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

/// Without the names, which [`super::tree::entries`] would copy: this reads whole trees.
fn read(repository: &Repository, id: Oid) -> Result<Read, GitError> {
    repository.with(|handle| {
        let tree = handle
            .find_tree(id)
            .map_err(|source| cannot_read(id, source))?;
        let mut read = Read {
            id,
            has_link: false,
            below: Vec::new(),
        };
        for entry in &tree {
            match kind_of(entry.filemode_raw()) {
                EntryKind::Link => read.has_link = true,
                EntryKind::Folder => read.below.push(entry.id()),
                EntryKind::File | EntryKind::Submodule => {}
            }
        }
        Ok(read)
    })
}
