//! `[io]` Remembers the ids of files by their stat, so that unchanged files need not be read again.
//!
//! Like git's index: size, times, inode and device → id. Racy files are not remembered, so they are
//! read again next time.
//!
//! # Format
//! Entries sorted by path: path, [`FileStat`], id.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::ContentId;
use crate::cache::{self, FileStat, Magic, PathReader, PathWriter, Time, take};

const MAGIC: &Magic = b"purgit-stats\0\0\0\x02";

/// The cost of opening a file, in bytes that could be read in that time.
const OPENING_BYTES: u64 = 16 * 1024;

const ENTRY_BYTES: u64 = 80;

/// The entries are rewritten once the missing ones cost this fraction (1/n) of their bytes.
const WORTH: u64 = 4;

/// The ids of the files of one content root, as last listed.
#[derive(Debug, Default)]
pub struct StatCache {
    path: Option<PathBuf>,
    /// The file's content; empty if the file is missing or not read yet.
    content: Vec<u8>,
    loaded: bool,
    changed: bool,
    /// Files to read again even if their times are unchanged.
    distrusted: BTreeSet<String>,
}

impl StatCache {
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// The cache stored at `path`, or an empty one to be stored there. It is read when needed.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Makes the next listing read a file again: writes through a memory map do not always change its
    /// times.
    pub fn distrust(&mut self, path: String) {
        self.distrusted.insert(path);
    }

    pub(super) fn load(&mut self) {
        if let Some(path) = self.path.as_ref().filter(|_| !self.loaded) {
            self.content = cache::read(path, MAGIC).unwrap_or_default();
        }
        self.loaded = true;
    }

    pub fn save(&mut self) -> io::Result<()> {
        let Some(path) = self.path.as_ref().filter(|_| self.changed) else {
            return Ok(());
        };
        cache::write(path, MAGIC, &self.content)?;
        self.changed = false;
        Ok(())
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        let mut reader = Reader {
            ahead: &self.content,
            path: PathReader::default(),
            entry: None,
            passed: 0,
            distrusted: &self.distrusted,
        };
        reader.advance();
        reader
    }

    /// Whether to rewrite the entries after `files` with these `bytes` in total had to be read, and this
    /// many entries are `outdated`. In a large site, reading a changed file again takes less time.
    pub(super) fn is_worth_replacing(&self, files: usize, bytes: u64, outdated: usize) -> bool {
        let opening = OPENING_BYTES.saturating_mul(files as u64);
        let passing = ENTRY_BYTES.saturating_mul(outdated as u64);
        let cost = bytes.saturating_add(opening).saturating_add(passing);
        // The entries of distrusted files would be trusted from now on.
        !self.distrusted.is_empty() || cost >= self.content.len() as u64 / WORTH
    }

    /// All files were listed, and the distrusted ones read.
    pub(super) fn trust(&mut self) {
        self.distrusted.clear();
    }

    pub(super) fn writer(&self, now: SystemTime) -> Writer {
        Writer {
            content: Vec::with_capacity(self.content.len() + self.content.len() / 8),
            ..Writer::new(now)
        }
    }

    pub(super) fn replace(&mut self, writer: Writer) {
        if self.content != writer.content {
            self.content = writer.content;
            self.changed = true;
        }
    }
}

pub(super) struct Reader<'a> {
    ahead: &'a [u8],
    path: PathReader,
    entry: Option<(FileStat, ContentId)>,
    passed: usize,
    distrusted: &'a BTreeSet<String>,
}

impl Reader<'_> {
    /// The id of a file, if its stat is unchanged. Must be called in path order.
    pub(super) fn find(&mut self, path: &str, stat: &FileStat) -> Option<ContentId> {
        while self.entry.is_some() && self.path.path() < path.as_bytes() {
            self.advance();
        }
        let (known, id) = self.entry?;
        let is_trusted = self.distrusted.is_empty() || !self.distrusted.contains(path);
        (is_trusted && self.path.path() == path.as_bytes() && known == *stat).then_some(id)
    }

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
        self.path.advance(&mut self.ahead)?;
        let stat = FileStat::read(&mut self.ahead)?;
        Some((stat, ContentId::from_bytes(take(&mut self.ahead)?)))
    }
}

pub(super) struct Writer {
    content: Vec<u8>,
    paths: PathWriter,
    horizon: Time,
}

impl Writer {
    pub(super) fn new(now: SystemTime) -> Self {
        Self {
            content: Vec::new(),
            paths: PathWriter::default(),
            horizon: Time::horizon(now),
        }
    }

    pub(super) fn push(&mut self, path: &str, stat: &FileStat, id: ContentId) {
        if stat.is_racy(self.horizon) || self.paths.push(&mut self.content, path).is_none() {
            return;
        }
        stat.write(&mut self.content);
        self.content.extend_from_slice(id.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::blob_id;

    #[test]
    fn entries_are_found_again_if_nothing_differs() {
        let mut writer = Writer::new(SystemTime::now());
        let paths = ["a", "a/b", "a/bc", "b", "é/名"];
        for path in paths {
            writer.push(path, &FileStat::example(1, 2), blob_id(path.as_bytes()));
        }
        let mut cache = StatCache::in_memory();
        cache.replace(writer);
        let mut reader = cache.reader();
        for path in paths {
            let (same, other) = (FileStat::example(1, 2), FileStat::example(1, 3));
            assert_eq!(reader.find(path, &other), None);
            assert_eq!(reader.find(path, &same), Some(blob_id(path.as_bytes())));
            assert_eq!(reader.find(&format!("{path}!"), &same), None);
        }
    }

    #[test]
    fn entries_are_replaced_when_that_is_worth_it() {
        let mut writer = Writer::new(SystemTime::now());
        for file in 0..10_000 {
            writer.push(
                &format!("{file:06}"),
                &FileStat::example(1, 2),
                blob_id(b""),
            );
        }
        let mut cache = StatCache::in_memory();
        assert!(cache.is_worth_replacing(1, 0, 0));
        cache.replace(writer);
        // One file is read sooner; many such files are not, nor are long ones.
        assert!(!cache.is_worth_replacing(1, 1_000, 1));
        assert!(cache.is_worth_replacing(20, 20_000, 20));
        assert!(cache.is_worth_replacing(1, 1_000_000, 1));
        // Nor are many entries of files that are gone.
        assert!(!cache.is_worth_replacing(0, 0, 10));
        assert!(cache.is_worth_replacing(0, 0, 5_000));
        cache.distrust("000001".to_owned());
        assert!(cache.is_worth_replacing(1, 0, 0));
    }
}
