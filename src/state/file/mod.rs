//! [io] The state in a file of the project, with a journal of records beside it.
//!
//! The snapshot is replaced as a whole: a temporary file, fsync, rename, fsync of the folder. Records
//! are appended to the journal, one write and one fdatasync for each group, and are folded into the
//! snapshot when a run ends or the journal is long. The journal says which snapshot it follows, so one
//! beside a snapshot that was replaced (another branch was checked out) is noticed, and neither of the
//! two is overwritten then.

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

use super::journal::{self, Trouble};
use super::replace::{OtherWriters, create_folder, folder, remove_leftovers, replace};
use super::{Held, Holder, Lease, Loaded, Record, Seq, Stamp, StateError, StateStore, Tail};
use crate::cache::Time;
use journal_file::JournalFile;
use lease::{FileLease, Refusal};
pub use paths::MAX_STATE_BYTES;
use paths::Paths;
use position::Position;

/// Length from which a journal is folded into the snapshot before the run ends, in bytes; that of
/// the snapshot, where that is more. So all that is written stays a small multiple of the state.
pub const MIN_FOLD_BYTES: u64 = 32 * 1024 * 1024;

/// The folder that purgit keeps to itself.
const OWN_FOLDER: &str = ".purgit";

/// What git is told to leave alone there: everything but the snapshot.
const IGNORED: &[u8] = b"*.journal\n*.lock\n*.purgit-tmp\n";

/// What it was told before there was a journal.
const IGNORED_ONCE: &[u8] = b"*.lock\n*.purgit-tmp\n";

/// A state file.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// Older than all that it knows of the files.
    horizon: Time,
    book: Mutex<Book>,
}

/// What this handle knows of the files.
#[derive(Debug, Default)]
struct Book {
    at: Option<Position>,
    /// Whether leftovers of killed processes were removed.
    is_swept: bool,
}

impl FileStore {
    /// A store at that path; nothing is touched yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            horizon: Time::horizon(SystemTime::now()),
            book: Mutex::default(),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.book().at = Some(position);
        let state = Arc::new(state);
        Ok(Loaded { state, seq })
    }

    fn tail(&self, from: Seq) -> Result<Tail, StateError> {
        let paths = self.paths("read")?;
        let mut book = self.book();
        let failed = self.failed("read");
        let Some(at) = &mut book.at else {
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
            // It may be written at this moment, which a load tells from damage.
            Err(Trouble::Broken(_)) => return Ok(Tail::Reload),
            journal => journal.map_err(|trouble| self.trouble(&paths, trouble))?,
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
        let lease =
            FileLease::take(&paths.lock, &self.place(), holder).map_err(
                |refusal| match refusal {
                    Refusal::Held(held) => StateError::Locked(held.map(Box::new)),
                    Refusal::Io(source) => failed(source),
                },
            )?;
        let mut book = self.book();
        if !std::mem::replace(&mut book.is_swept, true) {
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
        let mut book = self.book();
        let position = self.position(&paths, &mut book, lease)?;
        if position.journal.seq() != at {
            return Err(self.fenced());
        }
        let (line, last) = (
            journal::append(at.after(1), records),
            at.after(records.len()),
        );
        let Position {
            snapshot, journal, ..
        } = position;
        if let Err(error) = journal.append(&paths.journal, snapshot, &line, last) {
            book.at = None;
            return Err(self.failed("write")(error));
        }
        if journal.bytes() > snapshot.bytes.max(MIN_FOLD_BYTES) {
            self.fold(&paths, position)?;
        }
        Ok(last)
    }

    fn compact(&self, lease: &dyn Lease, upto: Seq) -> Result<(), StateError> {
        let paths = self.paths("write")?;
        let mut book = self.book();
        let position = self.position(&paths, &mut book, lease)?;
        if position.journal.seq() != upto {
            return Err(self.fenced());
        }
        self.fold(&paths, position)
    }

    fn stamp(&self) -> Option<Stamp> {
        let book = self.book();
        Some(book.at.as_ref()?.stamp(self.horizon))
    }

    fn holds(&self, stamp: &Stamp) -> Result<bool, StateError> {
        let paths = self.paths("read")?;
        let mut book = self.book();
        let at = stamp::resume(&paths, book.at.take(), self.horizon, stamp);
        book.at = at.map_err(self.failed("read"))?;
        Ok(book.at.is_some())
    }
}

/// Creates the folder of the state. In our own one, git is told what to leave alone; the snapshot
/// itself is meant to be committed.
fn prepare_folder(paths: &Paths) -> io::Result<()> {
    let folder = folder(&paths.snapshot);
    create_folder(folder)?;
    if folder.file_name().is_some_and(|name| name == OWN_FOLDER) {
        let path = folder.join(".gitignore");
        let is_due = match fs::read(&path) {
            // A full disk left an empty one once.
            Ok(text) => text.is_empty() || text == IGNORED_ONCE,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_due {
            // A convenience: where it cannot be written, the state will tell.
            let _ = replace(&path, IGNORED, || Ok::<(), io::Error>(()));
        }
    }
    Ok(())
}
