//! The position of a ref: its files, a stamp that identifies its state, and when to fold. Pure.

use super::head::{self, Head};
use crate::content::blob_id;
use crate::git::own_ref::{FileId, Files, Tip};
use crate::state::Stamp;

pub(super) const SNAPSHOT: &str = "state.json";

pub(super) const JOURNAL: &str = "journal/";

/// Most appends kept as separate files. Beyond that, writing the file list costs more than folding.
const MAX_APPENDS: usize = 200;

/// Snapshots up to this many bytes are rewritten by every run, so that `git show` shows everything.
const SMALL_SNAPSHOT: u64 = 256 * 1024;

/// A larger snapshot is rewritten once the records reach this fraction (1/n) of its bytes.
const JOURNAL_PART: u64 = 16;

#[derive(Debug)]
pub(super) struct Position {
    pub(super) tip: Option<Tip>,
    pub(super) files: Files,
    pub(super) head: Head,
}

#[derive(Debug)]
pub(super) struct Next {
    pub(super) files: Files,
    pub(super) head: Head,
    pub(super) message: String,
}

impl Position {
    pub(super) fn same(&self, message: String) -> Next {
        Next {
            files: self.files.clone(),
            head: self.head.clone(),
            message,
        }
    }

    /// Identifies the state, regardless of the lease.
    pub(super) fn stamp(&self) -> Stamp {
        let mut bytes = Vec::new();
        let state = self.files.iter().filter(|(path, _)| *path != head::FILE);
        for (path, id) in state {
            bytes.extend_from_slice(path.as_bytes());
            bytes.extend_from_slice(id.as_bytes());
        }
        Stamp(blob_id(&bytes).as_bytes().to_vec())
    }
}

pub(super) fn appends(files: &Files) -> impl Iterator<Item = FileId> {
    let journal = files.iter().filter(|(path, _)| path.starts_with(JOURNAL));
    journal.map(|(_, id)| *id)
}

/// Whether to fold now: the records are many, or a run ends.
pub(super) fn folds(files: &Files, head: &Head, at_the_end: bool) -> bool {
    let appends = appends(files).count();
    let is_small = head.snapshot_bytes <= SMALL_SNAPSHOT
        || head.journal_bytes >= head.snapshot_bytes / JOURNAL_PART;
    appends >= MAX_APPENDS || at_the_end && appends > 0 && is_small
}
