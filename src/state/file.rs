//! [io] The state in a file of the project.
//!
//! A write is a temporary file, fsync, rename and fsync of the folder. The version is the digest
//! of the bytes, so an edit by anyone else is seen whatever it does to the times of the file. The
//! lock is the kernel's, on a file of its own: it goes away with the process that holds it.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::replace::{self, OtherWriters, create_folder, folder, hold_folder, remove_leftovers};
use super::{Holder, LockGuard, Snapshot, State, StateError, StateStore, Version, format};

/// Largest state file read, in bytes: eight times a million entries.
pub const MAX_STATE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Largest holder read from a lock file, in bytes: a command, a host and two numbers.
const MAX_HOLDER_BYTES: u64 = 4096;

/// The folder that purgit keeps to itself.
const OWN_FOLDER: &str = ".purgit";

/// What git is told to leave alone there: everything but the state.
const IGNORED: &str = "*.lock\n*.purgit-tmp\n";

/// A state file.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// What was read or written last; `None` where that is not remembered.
    last: Option<Mutex<Option<Snapshot>>>,
}

impl FileStore {
    /// A store at that path; nothing is touched yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, last: None }
    }

    /// Remembers the state that was read or written last, which takes the memory of one more, and
    /// gives it again while the file holds the same bytes: hashing them is much faster than parsing.
    #[must_use]
    pub fn remembering(self) -> Self {
        Self {
            last: Some(Mutex::default()),
            ..self
        }
    }

    fn recall(&self, version: &Version) -> Option<Snapshot> {
        let last = self.last.as_ref()?;
        let last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let same = last
            .as_ref()
            .filter(|last| last.version.as_ref() == Some(version));
        same.cloned()
    }

    fn remember(&self, state: &State, version: &Version) {
        if let Some(last) = &self.last {
            let snapshot = Snapshot {
                state: state.clone(),
                version: Some(version.clone()),
            };
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        }
    }

    fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> StateError {
        let place = self.place();
        move |source| StateError::Io {
            action,
            place: place.clone(),
            source,
        }
    }

    /// The file itself, behind links.
    fn target(&self, action: &'static str) -> Result<PathBuf, StateError> {
        replace::target(&self.path).map_err(self.failed(action))
    }
}

impl StateStore for FileStore {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn read(&self) -> Result<Snapshot, StateError> {
        let Some(bytes) = read_all(&self.path).map_err(self.failed("read"))? else {
            return Ok(Snapshot {
                state: State::default(),
                version: None,
            });
        };
        let version = version_of(&bytes);
        if let Some(known) = self.recall(&version) {
            return Ok(known);
        }
        let state = format::from_bytes(&bytes, &self.place())?;
        self.remember(&state, &version);
        Ok(Snapshot {
            state,
            version: Some(version),
        })
    }

    fn write(&self, state: &State, expected: Option<&Version>) -> Result<Version, StateError> {
        let target = self.target("write")?;
        let bytes = format::to_bytes(state);
        prepare_folder(&target).map_err(self.failed("write"))?;
        let held = hold_folder(folder(&target));
        let unchanged = || -> Result<(), Refusal> {
            let found = present_version(&target)?;
            if found.as_ref() == expected {
                Ok(())
            } else {
                Err(Refusal::Conflict)
            }
        };
        // Compared once, right before the switch: writers like this one are kept out from before, and
        // of others only the last moment counts. Our own bytes are hashed while the disk is at work.
        let (written, version) = rayon::join(
            || replace::replace(&target, &bytes, unchanged),
            || version_of(&bytes),
        );
        drop(held);
        match written {
            Ok(()) => {
                self.remember(state, &version);
                Ok(version)
            }
            Err(Refusal::Conflict) => Err(StateError::Conflict(self.place())),
            Err(Refusal::Io(source)) => Err(self.failed("write")(source)),
        }
    }

    fn lock(&self, holder: &Holder) -> Result<Box<dyn LockGuard>, StateError> {
        let target = self.target("lock")?;
        let failed = self.failed("lock");
        prepare_folder(&target).map_err(&failed)?;
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(lock_path(&target)).map_err(&failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Locked(read_holder(&file))),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        write_holder(&mut file, holder).map_err(&failed)?;
        remove_leftovers(&target, OtherWriters::None);
        Ok(Box::new(FileLock { file }))
    }
}

/// A held lock file. It stays where it is: removing it would race with who opens it.
#[derive(Debug)]
struct FileLock {
    file: File,
}

impl LockGuard for FileLock {}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The name of a holder who holds nothing would only confuse.
        let _ = self.file.set_len(0);
        // Closing is not enough: a process that is just being started has a copy of the handle
        // until it runs its own program.
        let _ = self.file.unlock();
    }
}

/// Why a write did not take place.
enum Refusal {
    Conflict,
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}

/// The bytes of a regular file; `None` where there is none.
fn read_all(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some((file, length)) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(MAX_STATE_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Opens a state file of a size that can be one, with its length in bytes.
fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    match replace::open_regular(path)? {
        Some((_, length)) if length > MAX_STATE_BYTES => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{length} bytes, limit {MAX_STATE_BYTES}"),
        )),
        found => Ok(found),
    }
}

fn version_of(bytes: &[u8]) -> Version {
    Version(hex::encode(Sha256::digest(bytes)))
}

/// The version in the file now, without keeping its bytes.
fn present_version(path: &Path) -> io::Result<Option<Version>> {
    const BUFFER_BYTES: usize = 64 * 1024;
    let Some((mut file, _)) = open(path)? else {
        return Ok(None);
    };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(Some(Version(hex::encode(hash.finalize()))));
        }
        hash.update(&buffer[..count]);
    }
}

/// Creates the folder of the state. In our own one, git is told what to leave alone; the state
/// itself is meant to be committed.
fn prepare_folder(target: &Path) -> io::Result<()> {
    let folder = folder(target);
    create_folder(folder)?;
    if folder.file_name().is_some_and(|name| name == OWN_FOLDER) {
        // A convenience: where it cannot be written, there is one already or the state will tell.
        if let Ok(mut file) = File::create_new(folder.join(".gitignore")) {
            let _ = file.write_all(IGNORED.as_bytes());
        }
    }
    Ok(())
}

fn lock_path(target: &Path) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// Who holds the lock, as far as can be told: the holder may be just about to say so, and some
/// systems let nobody read a locked file.
fn read_holder(file: &File) -> Option<Holder> {
    let mut text = String::new();
    file.take(MAX_HOLDER_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_holder(file: &mut File, holder: &Holder) -> io::Result<()> {
    let mut text = serde_json::to_vec(holder)?;
    text.push(b'\n');
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}
