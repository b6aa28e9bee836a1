//! [io] Where the state's files are, and their metadata.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cache::FileStat;
use crate::state::StateError;

/// Largest state file that is read, in bytes: eight times the size of a million entries.
pub const MAX_STATE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

pub(super) fn stat(path: &Path) -> io::Result<Option<FileStat>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(FileStat::of(&found))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Paths of the files, with links resolved.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) snapshot: PathBuf,
    pub(super) journal: PathBuf,
    pub(super) lock: PathBuf,
}

/// Why a snapshot was not replaced.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum Refused {
    State(#[from] StateError),
    Io(#[from] io::Error),
}
