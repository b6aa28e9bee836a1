//! [io] The lease on a state file: a kernel lock on a separate file, which the kernel releases when
//! the process ends. The file also counts the leases.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::state::{Held, Holder, Lease, StateError, replace};

/// Largest lock file read, in bytes: a command, a host and three numbers.
const MAX_BYTES: u64 = 4096;

/// Attempts to open a lock file that another process removes at the same moment.
const ATTEMPTS: usize = 10;

#[derive(Default, Serialize, Deserialize)]
struct Text {
    #[serde(default)]
    epoch: u64,
    /// `None` when nobody holds the lease.
    #[serde(flatten)]
    holder: Option<Holder>,
}

impl Text {
    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn held(self) -> Option<Held> {
        Some(Held {
            holder: self.holder?,
            epoch: self.epoch,
            left: None,
        })
    }
}

/// A held lock file. It is not deleted on release: that would race with a process opening it.
#[derive(Debug)]
pub(super) struct FileLease {
    file: File,
    path: PathBuf,
    place: String,
    epoch: u64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("somebody else holds it")]
    Held(Option<Held>),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FileLease {
    pub(super) fn take(path: &Path, place: &str, holder: &Holder) -> Result<Self, Refusal> {
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        for _ in 0..ATTEMPTS {
            let mut file = options.open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    // The holder may not have written its name yet, and some systems do not let
                    // others read a locked file.
                    return Err(Refusal::Held(read(&file).ok().and_then(Text::held)));
                }
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            let epoch = read(&file)?.epoch.saturating_add(1);
            let holder = Some(holder.clone());
            write(&mut file, &Text { epoch, holder })?;
            let lease = Self {
                file,
                path: path.to_owned(),
                place: place.to_owned(),
                epoch,
            };
            if !lease.lost() {
                return Ok(lease);
            }
        }
        Err(io::Error::other("the lock file keeps being removed").into())
    }
}

impl Lease for FileLease {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn left(&self) -> Option<Duration> {
        None
    }

    /// Whether another process removed the lock file, so that it no longer keeps others out.
    fn lost(&self) -> bool {
        !is_same(&self.file, &self.path).unwrap_or(false)
    }

    fn renew(&self) -> Result<(), StateError> {
        match self.lost() {
            true => Err(StateError::Fenced(self.place.clone())),
            false => Ok(()),
        }
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        // Keeping the name of a former holder would confuse readers.
        let free = Text {
            epoch: self.epoch,
            holder: None,
        };
        let _ = write(&mut self.file, &free);
        // Closing is not enough: a child process holds a copy of the handle until it has started its
        // own program.
        let _ = self.file.unlock();
    }
}

/// Number of the latest lease; `None` if the file cannot be read.
pub(super) fn epoch(path: &Path) -> Option<u64> {
    Some(read(&File::open(path).ok()?).ok()?.epoch)
}

pub(super) fn held(path: &Path) -> io::Result<Option<Held>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    // A killed process leaves its name in the file, but no lock.
    let Some(held) = read(&file)?.held() else {
        return Ok(None);
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(held)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Replaces the lock file with a new one. The lock on the old file then protects nothing.
pub(super) fn take_away(path: &Path, epoch: u64) -> io::Result<()> {
    let free = Text {
        epoch,
        holder: None,
    };
    replace::replace(path, &free.to_bytes()?, || Ok(()))
}

/// Invalid text counts as a lock that was never taken.
fn read(mut file: &File) -> io::Result<Text> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

fn write(file: &mut File, text: &Text) -> io::Result<()> {
    let text = text.to_bytes()?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (held, found) = (file.metadata()?, std::fs::metadata(path)?);
    Ok((held.dev(), held.ino()) == (found.dev(), found.ino()))
}

/// On these systems an open file cannot be removed.
#[cfg(not(unix))]
fn is_same(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
