//! [io] The state in a file of the project, with a journal of records beside it.
//!
//! The snapshot is replaced as a whole: a temporary file, fsync, rename, fsync of the folder. Records
//! are appended to the journal, one write and one fdatasync for each group, and are folded into the
//! snapshot when a run ends or the journal is long. The journal says which snapshot it follows, so one
//! beside a snapshot that was replaced (another branch was checked out) is noticed, and neither of the
//! two is overwritten then.

mod journal_file;
mod lease;
mod snapshot;
mod stamp;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::journal::{self, Mark, Trouble};
use super::replace::{self, OtherWriters, create_folder, folder, hold_folder, remove_leftovers};
use super::{Holder, Lease, Loaded, Record, Seq, Stamp, State, StateError, StateStore, Tail};
use crate::cache::{FileStat, Time};
use journal_file::JournalFile;
use lease::{FileLease, Refusal};
pub use snapshot::MAX_STATE_BYTES;

/// Length from which a journal is folded into the snapshot before the run ends, in bytes; that of
/// the snapshot, where that is more. So all that is written stays a small multiple of the state.
pub const MIN_FOLD_BYTES: u64 = 8 * 1024 * 1024;

/// How often a state is read again that is folded while it is read: each time a whole run must end
/// in between.
const ATTEMPTS: usize = 100;

/// How often a journal is read again that seems damaged: it may be written at that moment.
const DAMAGED_ATTEMPTS: usize = 3;

/// The folder that purgit keeps to itself.
const OWN_FOLDER: &str = ".purgit";

/// What git is told to leave alone there: everything but the snapshot.
const IGNORED: &str = "*.journal\n*.lock\n*.purgit-tmp\n";

/// What it was told before there was a journal.
const IGNORED_ONCE: &str = "*.lock\n*.purgit-tmp\n";

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

/// Where the files stood when they were last read or written.
#[derive(Debug)]
struct Position {
    snapshot: Mark,
    /// `None` where there is no file.
    stat: Option<FileStat>,
    journal: JournalFile,
}

/// The files themselves, behind links.
#[derive(Debug)]
struct Paths {
    snapshot: PathBuf,
    journal: PathBuf,
    lock: PathBuf,
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

    fn paths(&self, action: &'static str) -> Result<Paths, StateError> {
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

    fn trouble(&self, paths: &Paths, trouble: Trouble) -> StateError {
        let journal = paths.journal.display().to_string();
        match trouble {
            Trouble::Io(source) => StateError::Io {
                action: "read",
                place: journal,
                source: Arc::new(source),
            },
            Trouble::TooNew(version) => StateError::TooNew {
                place: journal,
                found: version.into(),
            },
            Trouble::Broken(reason) => StateError::Journal {
                place: self.place(),
                journal,
                reason,
            },
        }
    }

    /// Reads both files. Somebody else may write them at the same moment.
    fn read(&self, paths: &Paths) -> Result<(State, Position), StateError> {
        let mut damaged = 0;
        for _ in 0..ATTEMPTS {
            let stat = snapshot::stat(&paths.snapshot).map_err(self.failed("read"))?;
            let bytes = snapshot::read(&paths.snapshot).map_err(self.failed("read"))?;
            let (snapshot, mut state) = snapshot::parse(bytes.as_deref(), &self.place())?;
            drop(bytes);
            let mut records = Vec::new();
            let journal = JournalFile::read(&paths.journal, &snapshot, |record| {
                records.push(record);
            });
            // Folded meanwhile, the journal may be gone with records that this snapshot lacks.
            if snapshot::stat(&paths.snapshot).map_err(self.failed("read"))? != stat {
                continue;
            }
            let journal = match journal {
                Err(Trouble::Broken(_)) if damaged < DAMAGED_ATTEMPTS => {
                    damaged += 1;
                    continue;
                }
                journal => journal.map_err(|trouble| self.trouble(paths, trouble))?,
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

    /// Where the files stand, for the holder of a lease.
    fn position<'b>(
        &self,
        paths: &Paths,
        book: &'b mut Book,
        lease: &dyn Lease,
    ) -> Result<&'b mut Position, StateError> {
        if lease.lost() || lease::epoch(&paths.lock).is_some_and(|last| last != lease.epoch()) {
            return Err(self.fenced());
        }
        let failed = self.failed("read");
        let is_current = match &mut book.at {
            None => false,
            Some(at) => {
                let stat = snapshot::stat(&paths.snapshot).map_err(&failed)?;
                if stat != at.stat {
                    // Only touched, it is as good as before.
                    if !snapshot::is_still(&paths.snapshot, &at.snapshot).map_err(&failed)? {
                        return Err(StateError::Conflict(self.place()));
                    }
                    at.stat = stat;
                }
                at.journal.is_still(&paths.journal).map_err(&failed)?
            }
        };
        if !is_current {
            book.at = None;
        }
        match &mut book.at {
            Some(at) => Ok(at),
            at => Ok(at.insert(self.read(paths)?.1)),
        }
    }

    fn fold(&self, paths: &Paths, at: &mut Position) -> Result<(), StateError> {
        if at.journal.is_empty() {
            return Ok(());
        }
        if at.journal.seq() > at.snapshot.seq {
            let _held = hold_folder(folder(&paths.snapshot));
            let write = |file: &mut File| snapshot::fold(self, paths, &at.snapshot, file);
            let mut folded = None;
            let switch = |mark: Mark| -> Result<(), Refused> {
                // Writers like this one are kept out from before, and of others only the last
                // moment counts.
                if snapshot::stat(&paths.snapshot)? != at.stat {
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
            at.stat = snapshot::stat(&paths.snapshot).map_err(self.failed("read"))?;
        }
        at.journal.remove(&paths.journal);
        Ok(())
    }
}

/// Why a snapshot was not replaced.
enum Refused {
    State(StateError),
    Io(io::Error),
}

impl From<StateError> for Refused {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
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
        if from < at.snapshot.seq || snapshot::stat(&paths.snapshot).map_err(&failed)? != at.stat {
            return Ok(Tail::Reload);
        }
        if from == at.journal.seq() && at.journal.is_still(&paths.journal).map_err(&failed)? {
            return Ok(Tail::Records(Vec::new()));
        }
        let known = usize::try_from(from.0 - at.snapshot.seq.0).unwrap_or(usize::MAX);
        let (mut records, mut skipped) = (Vec::new(), 0);
        let journal = JournalFile::read(&paths.journal, &at.snapshot, |record| {
            if skipped < known {
                skipped += 1;
            } else {
                records.push(record);
            }
        });
        at.journal = journal.map_err(|trouble| self.trouble(&paths, trouble))?;
        let is_same = snapshot::stat(&paths.snapshot).map_err(&failed)? == at.stat;
        Ok(match skipped == known && is_same {
            true => Tail::Records(records),
            false => Tail::Reload,
        })
    }

    fn lease(&self, holder: &Holder, _: Duration) -> Result<Box<dyn Lease>, StateError> {
        let paths = self.paths("lock")?;
        let failed = self.failed("lock");
        prepare_folder(&paths).map_err(&failed)?;
        let lease = FileLease::take(&paths.lock, holder).map_err(|refusal| match refusal {
            Refusal::Held(holder) => StateError::Locked(holder),
            Refusal::Io(source) => failed(source),
        })?;
        let mut book = self.book();
        if !std::mem::replace(&mut book.is_swept, true) {
            remove_leftovers(&paths.snapshot, OtherWriters::None);
        }
        Ok(Box::new(lease))
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
        // A convenience: where it cannot be written, the state will tell.
        if std::fs::read_to_string(&path).is_ok_and(|text| text == IGNORED_ONCE) {
            let _ = std::fs::write(&path, IGNORED);
        } else if let Ok(mut file) = File::create_new(&path) {
            let _ = file.write_all(IGNORED.as_bytes());
        }
    }
    Ok(())
}
