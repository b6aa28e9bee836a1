//! [io] Syncs to disk what libgit2 only writes: an intent must survive a power cut.

use std::fs::File;
use std::io;
use std::path::Path;

use git2::{ObjectType, Oid};

use super::error::other;
use super::{GitError, Repository};

/// Syncs a commit and the objects that an older commit does not have.
pub(super) fn sync_new_objects(
    repository: &Repository,
    new: Oid,
    old: Option<Oid>,
) -> Result<(), GitError> {
    repository.with(|handle| {
        let failed = other("write an object");
        let tree = |commit| handle.find_commit(commit).and_then(|commit| commit.tree());
        let before = old.and_then(|old| tree(old).ok());
        let mut pending = vec![(tree(new).map_err(failed)?, before)];
        sync_object(handle, new);
        while let Some((tree, before)) = pending.pop() {
            sync_object(handle, tree.id());
            for entry in &tree {
                let known = before.as_ref();
                let known = known.and_then(|tree| tree.get_name_bytes(entry.name_bytes()));
                if known.as_ref().is_some_and(|known| known.id() == entry.id()) {
                    continue;
                }
                if entry.kind() == Some(ObjectType::Tree) {
                    let known = known.and_then(|known| handle.find_tree(known.id()).ok());
                    let tree = handle.find_tree(entry.id()).map_err(failed)?;
                    pending.push((tree, known));
                } else {
                    sync_object(handle, entry.id());
                }
            }
        }
        Ok(())
    })
}

/// Syncs a loose object's file. Packed objects are durable already.
fn sync_object(handle: &git2::Repository, id: Oid) {
    let id = id.to_string();
    let folder = handle.commondir().join("objects").join(&id[..2]);
    let _ = sync(&folder.join(&id[2..])).and_then(|()| sync(&folder));
}

pub(super) fn sync_ref(handle: &git2::Repository, name: &str) -> Result<(), GitError> {
    let path = handle.commondir().join(name);
    let folder = path.parent().unwrap_or(&path);
    sync(&path)
        .and_then(|()| sync(folder))
        .map_err(|source| GitError::Command {
            doing: format!("sync {name}"),
            said: source.to_string(),
        })
}

/// Only Unix syncs folders; elsewhere a rename is durable by itself.
fn sync(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) && path.is_dir() {
        return Ok(());
    }
    File::open(path)?.sync_all()
}
