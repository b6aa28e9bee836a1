//! `[io]` The content of a folder on disk.
//!
//! Built for many files: directory entries already have the file kind, one `stat` per file shows
//! whether the cached id is valid, only changed files are read, and all processors walk and read.

use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rayon::prelude::*;

use super::hash::{self, READ_ATTEMPTS};
use super::ignores::{self, Ignores};
use super::links::Node;
use super::names::{as_path, escaped, joined};
use super::source::{Child, ChildKind, ContentSource};
use super::walk::{Unusable, Walk, Walked};
use super::{ContentError, ContentFile, ContentId, Listing, Selection, StatCache, Stats};
use crate::cache::FileStat;

/// Lists the selected files of `root`. Files that `cache` knows are not read again; new results are
/// added to it, and the caller saves it. What disappears during the walk counts as missing.
pub fn list(
    root: &Path,
    selection: &Selection,
    cache: &mut StatCache,
) -> Result<Listing, ContentError> {
    list_as_of(root, selection, cache, SystemTime::now())
}

/// As [`list`], started at `started` by the file system's clock: files changed since then, or
/// shortly before, are not cached. Too early costs work, too late gives wrong results.
pub fn list_as_of(
    root: &Path,
    selection: &Selection,
    cache: &mut StatCache,
    started: SystemTime,
) -> Result<Listing, ContentError> {
    let (walked, ()) = rayon::join(|| walk(root, selection), || cache.load());
    identify(root, walked?, cache, started)
}

fn walk(root: &Path, selection: &Selection) -> Result<Walked<FileStat>, ContentError> {
    let named = root.display().to_string();
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(ContentError::RootNotFolder { root: named }),
        Err(error) if has_gone(&error) => return Err(ContentError::RootMissing { root: named }),
        Err(error) => return Err(ContentError::unreadable(named, error)),
    }
    let (lead, ignores) = match selection.honours_gitignore() {
        true => ignores_above(root)?,
        false => (Vec::new(), None),
    };
    let walk = Walk {
        source: &Disk { root },
        selection,
        lead: &lead,
        ignores,
        unusable: Unusable::Refused,
    };
    walk.run()
}

fn identify(
    root: &Path,
    mut walked: Walked<FileStat>,
    cache: &mut StatCache,
    started: SystemTime,
) -> Result<Listing, ContentError> {
    let mut known = cache.reader();
    let files = walked.files.iter();
    let mut ids: Vec<_> = files.map(|(path, stat)| known.find(path, stat)).collect();
    let unread: Vec<usize> = (0..ids.len()).filter(|&at| ids[at].is_none()).collect();
    let from_cache = ids.len() - unread.len();
    let outdated = known.count() - from_cache;
    let (files_read, mut bytes_read) = (unread.len(), 0);
    // Collect all results first, so that the reported error is always the first one.
    let read: Vec<_> = unread
        .par_iter()
        .map_init(Vec::new, |buffer, &at| {
            read(root, &walked.files[at].0, buffer)
        })
        .collect();
    for (at, found) in unread.into_iter().zip(read) {
        if let Some((stat, id)) = found? {
            // The stat of the file that was read: it may have replaced the one that the walk saw.
            bytes_read += stat.size;
            walked.files[at].1 = stat;
            ids[at] = Some(id);
        }
    }
    let is_current = files_read == 0 && outdated == 0;
    let is_replaced = !is_current && cache.is_worth_replacing(files_read, bytes_read, outdated);
    cache.trust();
    if is_replaced {
        let mut remembered = cache.writer(started);
        for ((path, stat), id) in walked.files.iter().zip(&ids) {
            if let Some(id) = id {
                remembered.push(path, stat, *id);
            }
        }
        cache.replace(remembered);
    }
    let files = walked.files.into_iter().zip(ids);
    let files: Vec<_> = files
        .filter_map(|((path, _), id)| id.map(|id| ContentFile { path, id }))
        .collect();
    Ok(Listing {
        stats: Stats {
            walked: walked.seen,
            hashed: files.len() - from_cache,
            from_cache,
        },
        files,
        notes: walked.notes,
    })
}

/// The id of a file and its stat when it was opened; `None` if it is gone.
fn read(
    root: &Path,
    path: &str,
    buffer: &mut Vec<u8>,
) -> Result<Option<(FileStat, ContentId)>, ContentError> {
    match hash::file_id(&root.join(path), buffer) {
        Ok(Some(found)) => Ok(Some(found)),
        Ok(None) => Err(ContentError::Busy {
            path: path.to_owned(),
            attempts: READ_ATTEMPTS,
        }),
        Err(error) if has_gone(&error) => Ok(None),
        Err(error) => Err(ContentError::unreadable(path, error)),
    }
}

/// The `.gitignore` files between the top of the repository and the root, and the root's path from
/// the top. Empty outside a repository.
fn ignores_above(root: &Path) -> Result<(Vec<u8>, Option<Arc<Ignores>>), ContentError> {
    let unreadable =
        |path: &Path, error| ContentError::unreadable(path.display().to_string(), error);
    let root = fs::canonicalize(root).map_err(|error| unreadable(root, error))?;
    let Some(top) = root.ancestors().find(|folder| folder.join(".git").exists()) else {
        return Ok((Vec::new(), None));
    };
    let mut lead = Vec::new();
    let mut ignores = None;
    let mut folder = top.to_path_buf();
    for part in root.strip_prefix(top).unwrap_or(Path::new("")) {
        let file = folder.join(as_path(ignores::FILE_NAME));
        // Like git, do not read a `.gitignore` that is a link.
        if fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file()) {
            let text = fs::read(&file).map_err(|error| unreadable(&file, error))?;
            ignores = Ignores::add(ignores, &lead, &text);
        }
        folder.push(part);
        lead = joined(&lead, part.as_encoded_bytes());
    }
    Ok((lead, ignores))
}

fn has_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

struct Disk<'a> {
    root: &'a Path,
}

impl Disk<'_> {
    fn unless_gone<T>(result: io::Result<T>, shown: &[u8]) -> Result<Option<T>, ContentError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if has_gone(&error) => Ok(None),
            Err(error) => Err(ContentError::unreadable(escaped(shown), error)),
        }
    }
}

impl ContentSource for Disk<'_> {
    type Folder = PathBuf;
    type Token = DirEntry;
    type File = FileStat;

    fn root(&self) -> PathBuf {
        self.root.to_path_buf()
    }

    fn children(
        &self,
        folder: &PathBuf,
        shown: &[u8],
    ) -> Result<Vec<Child<DirEntry>>, ContentError> {
        let Some(entries) = Self::unless_gone(fs::read_dir(folder), shown)? else {
            return Ok(Vec::new());
        };
        let mut children = Vec::new();
        for entry in entries {
            let Some(entry) = Self::unless_gone(entry, shown)? else {
                break;
            };
            let name = entry.file_name().into_encoded_bytes();
            if let Some(kind) = Self::unless_gone(entry.file_type(), &joined(shown, &name))? {
                children.push(Child {
                    name,
                    kind: kind_of(kind),
                    token: entry,
                });
            }
        }
        Ok(children)
    }

    fn folder(&self, token: &DirEntry) -> PathBuf {
        token.path()
    }

    fn file(&self, token: &DirEntry, shown: &[u8]) -> Result<Option<FileStat>, ContentError> {
        let metadata = Self::unless_gone(token.metadata(), shown)?;
        Ok(metadata.map(|metadata| FileStat::of(&metadata)))
    }

    fn link(&self, token: &DirEntry, shown: &[u8]) -> Result<Option<Vec<u8>>, ContentError> {
        let target = Self::unless_gone(fs::read_link(token.path()), shown)?;
        Ok(target.map(|target| target_bytes(&target)))
    }

    fn bytes(&self, token: &DirEntry, shown: &[u8]) -> Result<Vec<u8>, ContentError> {
        Ok(Self::unless_gone(fs::read(token.path()), shown)?.unwrap_or_default())
    }

    fn lookup(&self, real: &[u8]) -> Result<Node<PathBuf, FileStat>, ContentError> {
        let path = self.root.join(as_path(real));
        let Some(metadata) = Self::unless_gone(fs::symlink_metadata(&path), real)? else {
            return Ok(Node::Missing);
        };
        Ok(match kind_of(metadata.file_type()) {
            ChildKind::File => Node::File(FileStat::of(&metadata)),
            ChildKind::Folder => Node::Folder(path),
            ChildKind::Special(what) => Node::Special(what),
            ChildKind::Submodule => Node::Submodule,
            ChildKind::Link => match Self::unless_gone(fs::read_link(&path), real)? {
                Some(target) => Node::Link(target_bytes(&target)),
                None => Node::Missing,
            },
        })
    }
}

fn target_bytes(target: &Path) -> Vec<u8> {
    let mut bytes = target.as_os_str().as_encoded_bytes().to_vec();
    if std::path::MAIN_SEPARATOR == '\\' {
        let backslashes = bytes.iter_mut().filter(|byte| **byte == b'\\');
        backslashes.for_each(|byte| *byte = b'/');
    }
    bytes
}

fn kind_of(kind: FileType) -> ChildKind {
    if kind.is_file() {
        ChildKind::File
    } else if kind.is_dir() {
        ChildKind::Folder
    } else if kind.is_symlink() {
        ChildKind::Link
    } else {
        ChildKind::Special(special(kind))
    }
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "device"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::content::blob_id;

    /// Two folders swap places after the walk and swap back after the reading, so all files look
    /// untouched, including their times.
    #[test]
    fn what_was_read_of_another_file_is_not_remembered_of_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for text in ["one", "two"] {
            fs::create_dir(path(text)).unwrap();
            fs::write(path(text).join("file"), text).unwrap();
        }
        let exchange = || {
            for (from, to) in [("one", "away"), ("two", "one"), ("away", "two")] {
                fs::rename(path(from), path(to)).unwrap();
            }
        };
        let everything = Selection::everything();
        let later = SystemTime::now() + Duration::from_secs(3600);
        let mut cache = StatCache::in_memory();
        let walked = walk(folder.path(), &everything).unwrap();
        exchange();
        let seen = identify(folder.path(), walked, &mut cache, later).unwrap();
        assert_eq!(seen.files[0].id, blob_id(b"two"));
        exchange();
        let seen = list_as_of(folder.path(), &everything, &mut cache, later).unwrap();
        assert_eq!(seen.files[0].id, blob_id(b"one"));
    }

    #[test]
    fn a_file_that_changed_is_read_until_remembering_it_is_worth_while() {
        let folder = tempfile::tempdir().unwrap();
        let write = |number: usize, text: &str| {
            fs::write(folder.path().join(format!("{number:04}")), text).unwrap();
        };
        (0..2_000).for_each(|number| write(number, "one"));
        let later = SystemTime::now() + Duration::from_secs(3600);
        let mut cache = StatCache::in_memory();
        let mut hashed = |changed: usize| {
            let all = Selection::everything();
            let listed = list_as_of(folder.path(), &all, &mut cache, later).unwrap();
            for (number, file) in listed.files.iter().enumerate() {
                let text: &[u8] = if number < changed { b"two" } else { b"one" };
                assert_eq!(file.id, blob_id(text));
            }
            listed.stats.hashed
        };
        assert_eq!([hashed(0), hashed(0)], [2_000, 0]);
        write(0, "two");
        assert_eq!([hashed(1), hashed(1)], [1, 1]);
        (1..10).for_each(|number| write(number, "two"));
        assert_eq!([hashed(10), hashed(10)], [10, 0]);
    }
}
