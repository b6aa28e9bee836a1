//! `[io]` Caches of what can be computed again, in files.
//!
//! A damaged file counts as missing. Files are written without fsync, so a crash costs one slow run.

mod file_stat;
mod folder;
mod paths;

use std::io::{self, Write as _};
use std::path::Path;

pub(crate) use file_stat::{FileStat, Time};
pub(crate) use folder::CACHE_FOLDER;
pub use folder::CacheFolder;
pub(crate) use paths::{PathReader, PathWriter};

/// The first bytes of a file: its kind and the version of its format. Other versions are not read.
pub(crate) type Magic = [u8; 16];

/// Bytes of the checksum (CRC-32 of everything before it) at the end.
const CHECKSUM_BYTES: usize = 4;

/// A file's content after the magic, if the file exists and is intact.
pub(crate) fn read(path: &Path, magic: &Magic) -> Option<Vec<u8>> {
    let mut bytes = std::fs::read(path).ok()?;
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    let is_whole = crc32fast::hash(content) == u32::from_le_bytes(*checksum);
    if !content.starts_with(magic) || !is_whole {
        return None;
    }
    bytes.truncate(bytes.len() - CHECKSUM_BYTES);
    bytes.drain(..magic.len());
    Some(bytes)
}

pub(crate) fn write(path: &Path, magic: &Magic, content: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut hash = crc32fast::Hasher::new();
    hash.update(magic);
    hash.update(content);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(magic)?;
    file.write_all(content)?;
    file.write_all(&hash.finalize().to_le_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

pub(crate) fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*taken)
}

pub(crate) fn take_sized<'b>(from: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(u64::from_le_bytes(take(from)?)).ok()?;
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(taken)
}

/// Appends length-prefixed bytes for [`take_sized`].
pub(crate) fn push_sized(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    into.extend_from_slice(bytes);
}
