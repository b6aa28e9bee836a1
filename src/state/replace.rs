//! [io] Replaces a file as a whole: a reader sees the old bytes or the new ones, never a mixture,
//! even after a crash. Knows nothing about the content.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::content::TEMPORARY;

/// Most symbolic links followed in a row: the limit of the Linux kernel.
const MAX_LINKS: usize = 40;

/// How long a temporary file may exist without a lock: its writer locks it right after creating it.
const UNLOCKED_FOR: Duration = Duration::from_secs(1);

/// Longer than any write of a file takes.
const LONGEST_WRITE: Duration = Duration::from_secs(10 * 60);

/// The file that a path leads to through symbolic links. It need not exist.
pub(crate) fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        // If anything else is wrong with the path, the next call reports it better.
        let Ok(next) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = folder(&path).join(next);
    }
    let error = format!("more than {MAX_LINKS} symbolic links in a row");
    Err(io::Error::other(error))
}

/// The file and its length in bytes; `None` if it does not exist.
pub(crate) fn open_regular(path: &Path) -> io::Result<Option<(File, u64)>> {
    // Checked before opening: opening a named pipe would block until someone writes.
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !found.is_file() {
        return Err(not_regular());
    }
    match File::open(path) {
        Ok(file) => Ok(Some((file, found.len()))),
        // It was removed just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

pub(crate) fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)?;
    sync_folder(folder(path))
}

pub(crate) fn replace<E: From<io::Error>>(
    file: &Path,
    bytes: &[u8],
    check: impl FnOnce() -> Result<(), E>,
) -> Result<(), E> {
    replace_with(
        file,
        |temporary| Ok(temporary.write_all(bytes)?),
        |()| check(),
    )
}

/// Durably replaces `file` with what `write` writes, and keeps its mode. `file` must not be a link.
/// `check` gets the result of `write`, runs right before the switch, and can cancel it. After an error
/// the file is unchanged, and no temporary file is left.
pub(crate) fn replace_with<T, E: From<io::Error>>(
    file: &Path,
    write: impl FnOnce(&mut File) -> Result<T, E>,
    check: impl FnOnce(T) -> Result<(), E>,
) -> Result<(), E> {
    let present = match fs::metadata(file) {
        Ok(found) if !found.is_file() => return Err(not_regular().into()),
        // A rename would succeed, but somebody removed the write permission on purpose.
        Ok(found) if found.permissions().readonly() => {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied).into());
        }
        Ok(found) => Some(found.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let folder = folder(file);
    let mut builder = tempfile::Builder::new();
    let prefix = temporary_prefix(file);
    builder.prefix(&prefix).suffix(TEMPORARY);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // Deleted on drop, so on every path except the last.
    let mut temporary = builder.tempfile_in(folder)?;
    // Tells other processes that this file is in use. On Windows a lock would prevent the rename.
    if cfg!(unix) {
        let _ = temporary.as_file().try_lock();
    }
    let written = write(temporary.as_file_mut())?;
    if let Some(permissions) = present {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    check(written)?;
    temporary.persist(file).map_err(|error| error.error)?;
    sync_folder(folder)?;
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherWriters {
    /// Nobody: a lock keeps them out.
    None,
    Some,
}

/// Removes temporary files that killed processes left beside `file`. Best effort.
pub(crate) fn remove_leftovers(file: &Path, others: OtherWriters) {
    let prefix = temporary_prefix(file);
    for item in fs::read_dir(folder(file)).into_iter().flatten().flatten() {
        let name = item.file_name();
        let name = name.to_string_lossy();
        let is_temporary = name.starts_with(&prefix) && name.ends_with(TEMPORARY);
        if is_temporary && (others == OtherWriters::None || is_left_behind(&item.path())) {
            let _ = fs::remove_file(item.path());
        }
    }
}

/// Whether nobody writes a temporary file any more: the writer's lock disappears with its process.
fn is_left_behind(temporary: &Path) -> bool {
    let Ok(file) = File::open(temporary) else {
        return false;
    };
    let modified = file.metadata().and_then(|found| found.modified());
    let age = modified.ok().and_then(|at| at.elapsed().ok());
    // Without locks, only the age tells.
    let least = match file.try_lock() {
        Ok(()) if cfg!(unix) => UNLOCKED_FOR,
        Err(TryLockError::WouldBlock) => return false,
        Ok(()) | Err(TryLockError::Error(_)) => LONGEST_WRITE,
    };
    age.is_some_and(|age| age >= least)
}

fn temporary_prefix(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    format!(".{}.", name.to_string_lossy())
}

/// Makes the names in a folder durable. Outside Unix a rename is durable by itself.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Keeps other writers out of this folder until the result is dropped. `None` if the file system has no
/// such locks; then the run's own lock must do.
#[cfg(unix)]
pub(crate) fn hold_folder(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

#[cfg(not(unix))]
pub(crate) fn hold_folder(_: &Path) -> Option<File> {
    None
}
