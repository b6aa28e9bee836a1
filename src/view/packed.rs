//! Files and their ids in a compact form: sorted by path, each stored as the difference from the
//! previous one. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cache::{PathReader, PathWriter, take};
use crate::content::{ContentFile, ContentId, SortedFiles};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PackedFiles {
    bytes: Vec<u8>,
    /// Removed files that are still in the bytes.
    removed: BTreeSet<String>,
}

impl PackedFiles {
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            removed: BTreeSet::new(),
        }
    }

    /// Must not be called while removed files are still in the bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Iterates without allocating a text for each file, which would dominate the cost.
    pub(super) fn files(&self) -> PackedReader<'_> {
        let mut files = PackedReader {
            ahead: &self.bytes,
            path: PathReader::default(),
            id: None,
            removed: &self.removed,
        };
        files.pass();
        files
    }

    pub(super) fn remove(&mut self, paths: &BTreeSet<&str>) -> Vec<ContentFile> {
        let mut reader = self.files();
        let mut removed = Vec::new();
        while let Some((path, _)) = reader.peek() {
            if str::from_utf8(path).is_ok_and(|path| paths.contains(path)) {
                removed.extend(reader.next());
            } else {
                reader.pass();
            }
        }
        self.removed
            .extend(removed.iter().map(|file| file.path.clone()));
        removed
    }

    pub(super) fn remove_files(&mut self, files: &[ContentFile]) {
        self.removed
            .extend(files.iter().map(|file| file.path.clone()));
    }

    /// Adds files, sorted by path. Returns those that were replaced.
    pub(super) fn add(&mut self, added: &[(Arc<str>, ContentId)]) -> Vec<ContentFile> {
        let mut replaced = Vec::new();
        if added.is_empty() && self.removed.is_empty() {
            return replaced;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut paths = PathWriter::default();
        let mut push = |path: &[u8], id: ContentId| {
            let path = str::from_utf8(path).ok();
            if path.and_then(|path| paths.push(&mut bytes, path)).is_some() {
                bytes.extend_from_slice(id.as_bytes());
            }
        };
        let mut present = self.files();
        for (path, id) in added {
            while let Some((other, other_id)) = present.peek()
                && other < path.as_bytes()
            {
                push(other, other_id);
                present.pass();
            }
            let is_there = |(other, _): &(&[u8], ContentId)| *other == path.as_bytes();
            if present.peek().is_some_and(|other| is_there(&other)) {
                replaced.extend(present.next());
            }
            push(path.as_bytes(), *id);
        }
        while let Some((other, id)) = present.peek() {
            push(other, id);
            present.pass();
        }
        *self = Self::from_bytes(bytes);
        replaced
    }
}

#[derive(Debug)]
pub(super) struct PackedReader<'a> {
    ahead: &'a [u8],
    path: PathReader,
    /// Of the current file.
    id: Option<ContentId>,
    removed: &'a BTreeSet<String>,
}

impl PackedReader<'_> {
    fn next_id(&mut self) -> Option<ContentId> {
        self.path.advance(&mut self.ahead)?;
        Some(ContentId::from_bytes(take(&mut self.ahead)?))
    }

    fn is_removed(&self) -> bool {
        let path = str::from_utf8(self.path.path());
        path.is_ok_and(|path| self.removed.contains(path))
    }
}

impl Iterator for PackedReader<'_> {
    type Item = ContentFile;

    fn next(&mut self) -> Option<ContentFile> {
        let (path, id) = self.peek()?;
        let path = String::from_utf8_lossy(path).into_owned();
        self.pass();
        Some(ContentFile { path, id })
    }
}

impl SortedFiles for PackedReader<'_> {
    fn peek(&self) -> Option<(&[u8], ContentId)> {
        Some((self.path.path(), self.id?))
    }

    fn pass(&mut self) {
        self.id = self.next_id();
        while !self.removed.is_empty() && self.id.is_some() && self.is_removed() {
            self.id = self.next_id();
        }
    }
}
