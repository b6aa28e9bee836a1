//! [io] Reads snapshot and journal as one state, even while another process writes them; checks
//! that they are unchanged before a write; folds the journal into the snapshot.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::journal_file::JournalFile;
use super::paths::{self, Paths, Refused};
use super::{FileStore, Seen, lease, snapshot};
use crate::cache::FileStat;
use crate::state::journal::{self, JournalError, Mark};
use crate::state::replace::{self, folder, hold_folder};
use crate::state::{Lease, State, StateError, StateStore as _};

/// Attempts to read a state that is folded during the read: each retry means that a run ended.
const ATTEMPTS: usize = 100;

/// Attempts to read a journal that looks damaged: another process may be writing it.
const DAMAGED_ATTEMPTS: usize = 3;

/// Both files as they were last read or written.
#[derive(Debug)]
pub(super) struct Position {
    pub(super) snapshot: Mark,
    pub(super) stat: Option<FileStat>,
    pub(super) journal: JournalFile,
}

impl FileStore {
    pub(super) fn paths(&self, action: &'static str) -> Result<Paths, StateError> {
        let snapshot = replace::target(&self.path).map_err(self.failed(action))?;
        let beside = |end: &str| {
            let mut path = snapshot.as_os_str().to_owned();
            path.push(end);
            PathBuf::from(path)
        };
        Ok(Paths {
            journal: beside(".journal"),
            lock: beside(".lock"),
            snapshot,
        })
    }

    pub(super) fn unreadable(&self, paths: &Paths, error: JournalError) -> StateError {
        let journal = paths.journal.display().to_string();
        match error {
            JournalError::Io(source) => StateError::Io {
                action: "read",
                place: journal,
                source: Arc::new(source),
            },
            JournalError::TooNew(version) => StateError::TooNew {
                place: journal,
                found: version.into(),
            },
            JournalError::Broken(reason) => StateError::Journal {
                place: self.place(),
                journal,
                reason,
            },
        }
    }

    pub(super) fn read(&self, paths: &Paths) -> Result<(State, Position), StateError> {
        let mut damaged = 0;
        for _ in 0..ATTEMPTS {
            let stat = paths::stat(&paths.snapshot).map_err(self.failed("read"))?;
            let bytes = snapshot::read(&paths.snapshot).map_err(self.failed("read"))?;
            let (snapshot, mut state) = snapshot::parse(bytes.as_deref(), &self.place())?;
            drop(bytes);
            let mut records = Vec::new();
            let journal = JournalFile::read(&paths.journal, &snapshot, |record| {
                records.push(record);
            });
            // If the journal was folded during the read, its records may be missing from this
            // snapshot.
            if paths::stat(&paths.snapshot).map_err(self.failed("read"))? != stat {
                continue;
            }
            let journal = match journal {
                Err(JournalError::Broken(_)) if damaged < DAMAGED_ATTEMPTS => {
                    damaged += 1;
                    continue;
                }
                journal => journal.map_err(|error| self.unreadable(paths, error))?,
            };
            state.extend(records);
            let position = Position {
                snapshot,
                stat,
                journal,
            };
            return Ok((state, position));
        }
        let reason = "it changes faster than it can be read";
        Err(self.failed("read")(io::Error::other(reason)))
    }

    pub(super) fn position<'b>(
        &self,
        paths: &Paths,
        seen: &'b mut Seen,
        lease: &dyn Lease,
    ) -> Result<&'b mut Position, StateError> {
        if lease.lost() || lease::epoch(&paths.lock).is_some_and(|last| last != lease.epoch()) {
            return Err(self.fenced());
        }
        let failed = self.failed("read");
        let is_current = match &mut seen.at {
            None => false,
            Some(at) => {
                let stat = paths::stat(&paths.snapshot).map_err(&failed)?;
                if stat != at.stat {
                    // Only its modification time changed.
                    if !snapshot::is_still(&paths.snapshot, &at.snapshot).map_err(&failed)? {
                        return Err(StateError::Conflict(self.place()));
                    }
                    at.stat = stat;
                }
                at.journal.is_still(&paths.journal).map_err(&failed)?
            }
        };
        if !is_current {
            seen.at = None;
        }
        match &mut seen.at {
            Some(at) => Ok(at),
            at => Ok(at.insert(self.read(paths)?.1)),
        }
    }

    pub(super) fn fold(&self, paths: &Paths, at: &mut Position) -> Result<(), StateError> {
        if at.journal.is_empty() {
            return Ok(());
        }
        if at.journal.seq() > at.snapshot.seq {
            let _held = hold_folder(folder(&paths.snapshot));
            let write = |file: &mut File| snapshot::fold(self, paths, &at.snapshot, file);
            let mut folded = None;
            let switch = |mark: Mark| -> Result<(), Refused> {
                // The lease keeps purgit's own writers out. For all others, check at the last moment.
                if paths::stat(&paths.snapshot)? != at.stat {
                    return Err(StateError::Conflict(self.place()).into());
                }
                let line = journal::continues(&mark);
                at.journal
                    .append(&paths.journal, &at.snapshot, &line, mark.seq)?;
                folded = Some(mark);
                Ok(())
            };
            let written = replace::replace_with(&paths.snapshot, write, switch);
            written.map_err(|refused| match refused {
                Refused::State(error) => error,
                Refused::Io(error) => self.failed("write")(error),
            })?;
            at.snapshot = folded.unwrap_or_else(Mark::none);
            at.stat = paths::stat(&paths.snapshot).map_err(self.failed("read"))?;
        }
        at.journal.remove(&paths.journal);
        Ok(())
    }
}
