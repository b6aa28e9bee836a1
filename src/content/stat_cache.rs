//! [io] What is known of files by their times, so that unchanged ones need not be read again.
//!
//! As git's index does: size, times, inode and device → id. Only a cache: whatever is wrong with its
//! file, it counts as empty, and it is written without fsync, so a crash costs one full read.
//!
//! # Racily clean files
//! A file written twice within the tick of the file system's clock has the same times for both
//! contents. So a file whose times are not older than the start of the walk (less [`RACY_MARGIN`])
//! is not remembered, and is read again next time. Times in the future never get old: such a file
//! is read every time, which is slow, not wrong.
//!
//! # Format
//! [`MAGIC`], then entries sorted by path, then the CRC-32 of all before it. An entry: length of the
//! prefix shared with the path before (u32), length of the rest (u32), the rest, size, modified
//! (s i64, ns u32), changed (the same), inode, device (u64 each), id; little endian.

use std::fs::Metadata;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::ContentId;

/// How far clocks of machine and file system may be apart, and how coarse file times may be: FAT
/// counts in steps of 2 s, the coarsest in use.
const RACY_MARGIN: Duration = Duration::from_secs(2);

/// The first bytes of the file. The number is the version of the format: another is not read.
const MAGIC: &[u8; 16] = b"purgit-stats\0\0\0\x01";

/// Bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// What the file system tells of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStat {
    pub(super) size: u64,
    modified: Time,
    /// Of the inode, which no program can set; as `modified` where there is none.
    changed: Time,
    inode: u64,
    device: u64,
}

/// Seconds and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(i64, u32);

impl Time {
    /// Files with times from here on are racy, for a walk that starts at `now`.
    pub(super) fn horizon(now: SystemTime) -> Self {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = since.saturating_sub(RACY_MARGIN);
        Self(
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            since.subsec_nanos(),
        )
    }
}

impl FileStat {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let nanos = |nanos: i64| u32::try_from(nanos).unwrap_or_default();
        Self {
            size: metadata.len(),
            modified: Time(metadata.mtime(), nanos(metadata.mtime_nsec())),
            changed: Time(metadata.ctime(), nanos(metadata.ctime_nsec())),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(Time(i64::MAX, 0), |since| {
                Time(
                    i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                    since.subsec_nanos(),
                )
            });
        Self {
            size: metadata.len(),
            modified,
            changed: modified,
            inode: 0,
            device: 0,
        }
    }

    fn write(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.size.to_le_bytes());
        for Time(seconds, nanos) in [self.modified, self.changed] {
            into.extend_from_slice(&seconds.to_le_bytes());
            into.extend_from_slice(&nanos.to_le_bytes());
        }
        into.extend_from_slice(&self.inode.to_le_bytes());
        into.extend_from_slice(&self.device.to_le_bytes());
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let time = |from: &mut &[u8]| {
            let seconds = i64::from_le_bytes(take(from)?);
            Some(Time(seconds, u32::from_le_bytes(take(from)?)))
        };
        Some(Self {
            size: u64::from_le_bytes(take(from)?),
            modified: time(from)?,
            changed: time(from)?,
            inode: u64::from_le_bytes(take(from)?),
            device: u64::from_le_bytes(take(from)?),
        })
    }
}

/// The ids of the files of one root as last listed. Keep one for each root.
#[derive(Debug, Default)]
pub struct StatCache {
    /// Where it is kept; `None` for as long as it lives only.
    path: Option<PathBuf>,
    /// Entries, as in the file.
    entries: Vec<u8>,
    /// Whether they differ from those in the file.
    changed: bool,
}

impl StatCache {
    /// An empty one that is not kept.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// The one kept at `path`, or an empty one that will be kept there.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let entries = std::fs::read(&path).ok().and_then(checked);
        Self {
            path: Some(path),
            entries: entries.unwrap_or_default(),
            changed: false,
        }
    }

    /// Writes it if it changed, whole or not at all.
    pub fn save(&mut self) -> io::Result<()> {
        let Some(path) = self.path.as_ref().filter(|_| self.changed) else {
            return Ok(());
        };
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(std::path::Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let mut checksum = crc32fast::Hasher::new();
        for part in [MAGIC.as_slice(), &self.entries] {
            checksum.update(part);
            file.write_all(part)?;
        }
        file.write_all(&checksum.finalize().to_le_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        self.changed = false;
        Ok(())
    }

    /// What is known, in the order of paths.
    pub(super) fn reader(&self) -> Reader<'_> {
        let mut reader = Reader {
            ahead: &self.entries,
            path: Vec::new(),
            entry: None,
        };
        reader.advance();
        reader
    }

    /// Takes over what a walk found.
    pub(super) fn replace(&mut self, writer: Writer) {
        if self.entries != writer.entries {
            self.entries = writer.entries;
            self.changed = true;
        }
    }
}

/// The entries of a file, if it is whole and of this format.
fn checked(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    if !content.starts_with(MAGIC) || crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    bytes.truncate(bytes.len() - CHECKSUM_BYTES);
    bytes.drain(..MAGIC.len());
    Some(bytes)
}

/// Reads entries beside a sorted listing.
pub(super) struct Reader<'a> {
    ahead: &'a [u8],
    path: Vec<u8>,
    entry: Option<(FileStat, ContentId)>,
}

impl Reader<'_> {
    /// The id of a file, if nothing about it changed. To be asked in the order of paths.
    pub(super) fn find(&mut self, path: &str, stat: &FileStat) -> Option<ContentId> {
        while self.entry.is_some() && self.path.as_slice() < path.as_bytes() {
            self.advance();
        }
        let (known, id) = self.entry?;
        (self.path == path.as_bytes() && known == *stat).then_some(id)
    }

    fn advance(&mut self) {
        self.entry = self.next_entry();
    }

    fn next_entry(&mut self) -> Option<(FileStat, ContentId)> {
        let shared = usize::try_from(u32::from_le_bytes(take(&mut self.ahead)?)).ok()?;
        let rest = usize::try_from(u32::from_le_bytes(take(&mut self.ahead)?)).ok()?;
        let (name, ahead) = self.ahead.split_at_checked(rest)?;
        self.ahead = ahead;
        self.path.truncate(shared);
        self.path.extend_from_slice(name);
        let stat = FileStat::read(&mut self.ahead)?;
        Some((stat, ContentId::from_bytes(take(&mut self.ahead)?)))
    }
}

/// Collects entries, in the order of paths.
pub(super) struct Writer {
    entries: Vec<u8>,
    last: String,
    horizon: Time,
}

impl Writer {
    /// For a walk that started at `now`.
    pub(super) fn new(now: SystemTime) -> Self {
        Self {
            entries: Vec::new(),
            last: String::new(),
            horizon: Time::horizon(now),
        }
    }

    /// Adds a file, unless it is racy.
    pub(super) fn push(&mut self, path: &str, stat: &FileStat, id: ContentId) {
        if stat.modified.max(stat.changed) >= self.horizon {
            return;
        }
        let both = self.last.bytes().zip(path.bytes());
        let shared = both.take_while(|(a, b)| a == b).count();
        let rest = &path.as_bytes()[shared..];
        let lengths = (u32::try_from(shared), u32::try_from(rest.len()));
        let (Ok(shared), Ok(length)) = lengths else {
            // No file system has such a name; it is only not remembered.
            return;
        };
        self.entries.extend_from_slice(&shared.to_le_bytes());
        self.entries.extend_from_slice(&length.to_le_bytes());
        self.entries.extend_from_slice(rest);
        stat.write(&mut self.entries);
        self.entries.extend_from_slice(id.as_bytes());
        self.last.clear();
        self.last.push_str(path);
    }
}

/// The next bytes.
fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::blob_id;

    fn stat(modified: i64, changed: i64) -> FileStat {
        FileStat {
            size: 3,
            modified: Time(modified, 5),
            changed: Time(changed, 7),
            inode: 1,
            device: 2,
        }
    }

    #[test]
    fn what_is_not_older_than_the_walk_is_not_remembered() {
        let mut writer = Writer::new(UNIX_EPOCH + Duration::from_secs(1000));
        let id = blob_id(b"x");
        for (path, modified, changed, kept) in [
            ("a", 900, 900, true),
            ("b", 997, 997, true),
            ("c", 998, 900, false),
            ("d", 900, 998, false),
            ("e", 5000, 900, false),
        ] {
            let before = writer.entries.len();
            writer.push(path, &stat(modified, changed), id);
            assert_eq!(writer.entries.len() > before, kept, "{path}");
        }
    }

    #[test]
    fn entries_are_found_again_if_nothing_differs() {
        let mut writer = Writer::new(SystemTime::now());
        let paths = ["a", "a/b", "a/bc", "b", "é/名"];
        for path in paths {
            writer.push(path, &stat(1, 2), blob_id(path.as_bytes()));
        }
        let mut cache = StatCache::in_memory();
        cache.replace(writer);
        let mut reader = cache.reader();
        for path in paths {
            let other = FileStat {
                inode: 9,
                ..stat(1, 2)
            };
            assert_eq!(reader.find(path, &other), None);
            assert_eq!(
                reader.find(path, &stat(1, 2)),
                Some(blob_id(path.as_bytes()))
            );
            assert_eq!(reader.find(&format!("{path}!"), &stat(1, 2)), None);
        }
    }
}
