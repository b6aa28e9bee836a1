//! `[io]` What is known of files by their times, so that unchanged ones need not be read again.
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
//! prefix shared with the path before (u32), length of the rest (u32), the rest, size (u64), times
//! modified and changed (ns, i64), inode, device (u64), id; little endian.

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

/// Nanoseconds since 1970: enough until 2262, and half the size of two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(i64);

/// Nanoseconds in a second.
const NANOS: i64 = 1_000_000_000;

impl Time {
    /// Files with times from here on are racy, for a walk that starts at `now`.
    fn horizon(now: SystemTime) -> Self {
        now.checked_sub(RACY_MARGIN)
            .map_or(Self(i64::MIN), Self::of)
    }

    /// A time out of range is in the far future, so that it is never trusted.
    fn of(time: SystemTime) -> Self {
        let nanos = time
            .duration_since(UNIX_EPOCH)
            .map(|since| since.as_nanos());
        Self(nanos.map_or(0, |nanos| i64::try_from(nanos).unwrap_or(i64::MAX)))
    }
}

impl FileStat {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let time = |seconds: i64, nanos: i64| {
            let total = seconds.checked_mul(NANOS);
            Time(
                total
                    .and_then(|total| total.checked_add(nanos))
                    .unwrap_or(i64::MAX),
            )
        };
        Self {
            size: metadata.len(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().map_or(Time(i64::MAX), Time::of);
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
        into.extend_from_slice(&self.modified.0.to_le_bytes());
        into.extend_from_slice(&self.changed.0.to_le_bytes());
        into.extend_from_slice(&self.inode.to_le_bytes());
        into.extend_from_slice(&self.device.to_le_bytes());
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            size: u64::from_le_bytes(take(from)?),
            modified: Time(i64::from_le_bytes(take(from)?)),
            changed: Time(i64::from_le_bytes(take(from)?)),
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
    /// The file without its checksum; empty when there is none or it has not been read yet.
    content: Vec<u8>,
    /// Whether the file has been read.
    loaded: bool,
    /// Whether they differ from those in the file.
    changed: bool,
}

impl StatCache {
    /// An empty one that is not kept.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// The one kept at `path`, or an empty one that will be kept there. It is read when it is needed.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Reads the file, unless that was done before.
    pub(super) fn load(&mut self) {
        if let Some(path) = self.path.as_ref().filter(|_| !self.loaded) {
            let content = std::fs::read(path).ok().and_then(checked);
            self.content = content.unwrap_or_default();
        }
        self.loaded = true;
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
        file.write_all(&self.content)?;
        file.write_all(&crc32fast::hash(&self.content).to_le_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        self.changed = false;
        Ok(())
    }

    /// What is known, in the order of paths.
    pub(super) fn reader(&self) -> Reader<'_> {
        let mut reader = Reader {
            ahead: self.content.get(MAGIC.len()..).unwrap_or_default(),
            path: Vec::new(),
            entry: None,
            passed: 0,
        };
        reader.advance();
        reader
    }

    /// Takes over what a walk found.
    pub(super) fn replace(&mut self, writer: Writer) {
        if self.content != writer.content {
            self.content = writer.content;
            self.changed = true;
        }
    }
}

/// What is in a file before its checksum, if it is whole and of this format.
fn checked(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    if !content.starts_with(MAGIC) || crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    bytes.truncate(bytes.len() - CHECKSUM_BYTES);
    Some(bytes)
}

/// Reads entries beside a sorted listing.
pub(super) struct Reader<'a> {
    ahead: &'a [u8],
    path: Vec<u8>,
    entry: Option<(FileStat, ContentId)>,
    /// Entries read so far.
    passed: usize,
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

    /// How many entries there are in all.
    pub(super) fn count(mut self) -> usize {
        while self.entry.is_some() {
            self.advance();
        }
        self.passed
    }

    fn advance(&mut self) {
        self.entry = self.next_entry();
        self.passed += usize::from(self.entry.is_some());
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
    content: Vec<u8>,
    last: String,
    horizon: Time,
}

impl Writer {
    /// For a walk that started at `now`.
    pub(super) fn new(now: SystemTime) -> Self {
        Self {
            content: MAGIC.to_vec(),
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
        self.content.extend_from_slice(&shared.to_le_bytes());
        self.content.extend_from_slice(&length.to_le_bytes());
        self.content.extend_from_slice(rest);
        stat.write(&mut self.content);
        self.content.extend_from_slice(id.as_bytes());
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
            modified: Time(modified * NANOS),
            changed: Time(changed * NANOS),
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
            let before = writer.content.len();
            writer.push(path, &stat(modified, changed), id);
            assert_eq!(writer.content.len() > before, kept, "{path}");
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
