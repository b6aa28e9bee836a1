//! Where a ref stands: its files, which tell one state from another and when records are folded. Pure.

use super::head::{self, Head};
use crate::content::blob_id;
use crate::git::own_ref::{FileId, Files, Tip};
use crate::state::Stamp;

/// The snapshot in the tree.
pub(super) const SNAPSHOT: &str = "state.json";

/// The folder of the records since.
pub(super) const JOURNAL: &str = "journal/";

/// Appends that are kept apart at most: with more, writing their names costs more than folding them.
const MAX_APPENDS: usize = 200;

/// Bytes up to which a snapshot is written anew with every run, so that `git show` shows all.
const SMALL_SNAPSHOT: u64 = 256 * 1024;

/// A larger one is written anew when the records have this part of its bytes.
const JOURNAL_PART: u64 = 16;

/// Where a ref stands.
#[derive(Debug)]
pub(super) struct Position {
    /// `None` where there is no ref.
    pub(super) tip: Option<Tip>,
    pub(super) files: Files,
    pub(super) head: Head,
}

/// What it is to become.
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

    /// Tells its state from others, whoever has the lease.
    pub(super) fn stamp(&self) -> Stamp {
        let mut bytes = Vec::new();
        let state = self.files.iter().filter(|(path, _)| *path != head::FILE);
        for (path, id) in state {
            bytes.extend_from_slice(path.as_bytes());
            bytes.extend_from_slice(id.as_bytes());
        }
        Stamp(blob_id(&bytes).as_bytes().to_vec())
    }

    pub(super) fn appends(&self) -> impl Iterator<Item = FileId> {
        let journal = self.files.iter();
        let journal = journal.filter(|(path, _)| path.starts_with(JOURNAL));
        journal.map(|(_, id)| *id)
    }

    /// Whether the records are to be folded: because there are too many, or where a run ends.
    pub(super) fn folds(&self, at_the_end: bool) -> bool {
        let (appends, head) = (self.appends().count(), &self.head);
        let is_small = head.snapshot_bytes <= SMALL_SNAPSHOT
            || head.journal_bytes >= head.snapshot_bytes / JOURNAL_PART;
        appends >= MAX_APPENDS || at_the_end && appends > 0 && is_small
    }
}
