//! [io] The files of a state: where they are, and what the file system says of them.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cache::FileStat;
use crate::state::StateError;

/// Largest state file read, in bytes: eight times a million entries.
pub const MAX_STATE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// What the file system tells of a file; `None` where there is none.
pub(super) fn stat(path: &Path) -> io::Result<Option<FileStat>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(FileStat::of(&found))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The files themselves, behind links.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) snapshot: PathBuf,
    pub(super) journal: PathBuf,
    pub(super) lock: PathBuf,
}

/// Why a snapshot was not replaced.
pub(super) enum Refused {
    State(StateError),
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<StateError> for Refused {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}
