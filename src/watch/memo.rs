//! `[io]` The status file, with what was written last kept in memory.
//!
//! Reading a large status back takes longer than all else between a saved file and its purge, and
//! a watch knows what it wrote. A file that anyone else touched is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::status::StatusDocument;
use crate::status::file::StatusSink;
use crate::status::file::{StatusError, StatusFile};

/// A status file that is read only when it is not as it was left.
#[derive(Debug)]
pub struct Memo {
    file: StatusFile,
    last: Mutex<Option<(Stamp, StatusDocument)>>,
}

/// Tells one version of a file from another: each is written under a new name and moved, so that it
/// also has another identity.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: SystemTime,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self {
            length: metadata.len(),
            modified: metadata.modified().ok()?,
            inode,
        })
    }
}

impl Memo {
    /// Of that file; nothing is read yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            file: StatusFile { path },
            last: Mutex::default(),
        }
    }

    fn remember(&self, document: Option<(Stamp, StatusDocument)>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = document;
    }
}

impl StatusSink for Memo {
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError> {
        let stamp = Stamp::of(&self.file.path);
        if let Some(stamp) = &stamp {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let same = last.as_ref().filter(|(before, _)| before == stamp);
            if let Some((_, document)) = same {
                return Ok(Some(document.clone()));
            }
        }
        self.file.previous()
    }

    fn write(&self, document: &StatusDocument) -> Result<(), StatusError> {
        self.remember(None);
        self.file.write(document)?;
        let stamp = Stamp::of(&self.file.path);
        self.remember(stamp.map(|stamp| (stamp, document.clone())));
        Ok(())
    }
}
