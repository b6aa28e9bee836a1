//! [io] The state in a file of the project, with a journal of records beside it.
//!
//! The snapshot is replaced as a whole: write a temporary file, fsync, rename, fsync the folder.
//! Records are appended to the journal with one write and one fdatasync per group. They are folded
//! into the snapshot when a run ends or when the journal gets long. The journal names the snapshot it
//! continues. If the snapshot was replaced, for example by checking out another branch, that is an
//! error, and neither file is overwritten.

mod journal_file;
mod lease;
mod paths;
mod position;
mod snapshot;
mod stamp;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::journal::{self, JournalError};
use super::replace::{OtherWriters, create_folder, folder, remove_leftovers, replace};
use super::{Held, Holder, Lease, Loaded, Record, Seq, Stamp, StateError, StateStore, Tail};
use crate::cache::Time;
use journal_file::JournalFile;
use lease::{FileLease, Refusal};
pub use paths::MAX_STATE_BYTES;
use paths::Paths;
use position::Position;

/// Journal length in bytes from which it is folded before the run ends. The snapshot's length is
/// used if that is larger, so the total written stays a small multiple of the state's size.
pub const MIN_FOLD_BYTES: u64 = 32 * 1024 * 1024;

const OWN_FOLDER: &str = ".purgit";

const IGNORED: &[u8] = b"*.journal\n*.lock\n*.purgit-tmp\n";

/// The `.gitignore` of versions that had no journal.
const IGNORED_ONCE: &[u8] = b"*.lock\n*.purgit-tmp\n";

#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// A time before this handle first looked at the files.
    horizon: Time,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    at: Option<Position>,
    /// Whether temporary files of killed processes were removed.
    is_swept: bool,
}

impl FileStore {
    /// Does not touch the path yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            horizon: Time::horizon(SystemTime::now()),
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> StateError {
        let place = self.place();
        move |source| StateError::Io {
            action,
            place: place.clone(),
            source: Arc::new(source),
        }
    }

    fn fenced(&self) -> StateError {
        StateError::Fenced(self.place())
    }
}

impl StateStore for FileStore {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn load(&self) -> Result<Loaded, StateError> {
        let paths = self.paths("read")?;
        let (state, position) = self.read(&paths)?;
        let seq = position.journal.seq();
        self.seen().at = Some(position);
        let state = Arc::new(state);
        Ok(Loaded { state, seq })
    }

    fn tail(&self, from: Seq) -> Result<Tail, StateError> {
        let paths = self.paths("read")?;
        let mut seen = self.seen();
        let failed = self.failed("read");
        let Some(at) = &mut seen.at else {
            return Ok(Tail::Reload);
        };
        if from < at.snapshot.seq || paths::stat(&paths.snapshot).map_err(&failed)? != at.stat {
            return Ok(Tail::Reload);
        }
        let (mut records, mut skipped) = (Vec::new(), 0);
        let known = usize::try_from(from.0 - at.snapshot.seq.0).unwrap_or(usize::MAX);
        let journal = if from != at.journal.seq() {
            JournalFile::read(&paths.journal, &at.snapshot, |record| {
                if skipped < known {
                    skipped += 1;
                } else {
                    records.push(record);
                }
            })
        } else if at.journal.is_still(&paths.journal).map_err(&failed)? {
            return Ok(Tail::Records(records));
        } else {
            skipped = known;
            at.journal
                .read_on(&paths.journal, &at.snapshot, |record| records.push(record))
        };
        at.journal = match journal {
            // Another process may be writing it; `load` can distinguish that from damage.
            Err(JournalError::Broken(_)) => return Ok(Tail::Reload),
            journal => journal.map_err(|error| self.unreadable(&paths, error))?,
        };
        let is_same = paths::stat(&paths.snapshot).map_err(&failed)? == at.stat;
        Ok(match skipped == known && is_same {
            true => Tail::Records(records),
            false => Tail::Reload,
        })
    }

    fn lease(&self, holder: &Holder, _: Duration) -> Result<Box<dyn Lease>, StateError> {
        let paths = self.paths("lock")?;
        let failed = self.failed("lock");
        prepare_folder(&paths).map_err(&failed)?;
        let lease = FileLease::take(&paths.lock, &self.place(), holder);
        let lease = lease.map_err(|refusal| match refusal {
            Refusal::Held(held) => StateError::Locked(held.map(Box::new)),
            Refusal::Io(source) => failed(source),
        })?;
        let mut seen = self.seen();
        if !std::mem::replace(&mut seen.is_swept, true) {
            remove_leftovers(&paths.snapshot, OtherWriters::None);
        }
        Ok(Box::new(lease))
    }

    fn held(&self) -> Result<Option<Held>, StateError> {
        let paths = self.paths("read")?;
        lease::held(&paths.lock).map_err(self.failed("read"))
    }

    fn break_lease(&self, epoch: u64) -> Result<bool, StateError> {
        let paths = self.paths("lock")?;
        let is_held = self.held()?.is_some_and(|held| held.epoch == epoch);
        if is_held {
            lease::take_away(&paths.lock, epoch).map_err(self.failed("lock"))?;
        }
        Ok(is_held)
    }

    fn append(&self, lease: &dyn Lease, at: Seq, records: &[Record]) -> Result<Seq, StateError> {
        let paths = self.paths("write")?;
        let mut seen = self.seen();
        let position = self.position(&paths, &mut seen, lease)?;
        if position.journal.seq() != at {
            return Err(self.fenced());
        }
        let line = journal::append(at.after(1), records);
        let last = at.after(records.len());
        let Position {
            snapshot, journal, ..
        } = position;
        if let Err(error) = journal.append(&paths.journal, snapshot, &line, last) {
            seen.at = None;
            return Err(self.failed("write")(error));
        }
        if journal.bytes() > snapshot.bytes.max(MIN_FOLD_BYTES) {
            self.fold(&paths, position)?;
        }
        Ok(last)
    }

    fn compact(&self, lease: &dyn Lease, upto: Seq) -> Result<(), StateError> {
        let paths = self.paths("write")?;
        let mut seen = self.seen();
        let position = self.position(&paths, &mut seen, lease)?;
        if position.journal.seq() != upto {
            return Err(self.fenced());
        }
        self.fold(&paths, position)
    }

    fn stamp(&self) -> Option<Stamp> {
        let seen = self.seen();
        Some(seen.at.as_ref()?.stamp(self.horizon))
    }

    fn holds(&self, stamp: &Stamp) -> Result<bool, StateError> {
        let paths = self.paths("read")?;
        let mut seen = self.seen();
        let at = stamp::resume(&paths, seen.at.take(), self.horizon, stamp);
        seen.at = at.map_err(self.failed("read"))?;
        Ok(seen.at.is_some())
    }
}

/// Creates the state's folder. In purgit's own folder it also writes a `.gitignore`; the snapshot
/// itself is meant to be committed.
fn prepare_folder(paths: &Paths) -> io::Result<()> {
    let folder = folder(&paths.snapshot);
    create_folder(folder)?;
    if folder.file_name().is_some_and(|name| name == OWN_FOLDER) {
        let path = folder.join(".gitignore");
        let is_due = match fs::read(&path) {
            // A full disk may have left an empty file.
            Ok(text) => text.is_empty() || text == IGNORED_ONCE,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_due {
            // Best effort: if this cannot be written, writing the state fails with a proper error.
            let _ = replace(&path, IGNORED, || Ok::<(), io::Error>(()));
        }
    }
    Ok(())
}
