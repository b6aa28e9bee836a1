//! `[io]` The folder of a project's caches, below its root.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::confine;

pub(crate) const CACHE_FOLDER: &str = ".purgit/cache";

/// Marks the folder as purgit's own, and makes git ignore it.
const MARK: &str = ".gitignore";

const IGNORE_ALL: &str = "*\n";

/// Caches only save time, so one that cannot be written is skipped.
#[derive(Debug, Clone)]
pub struct CacheFolder {
    root: PathBuf,
}

impl CacheFolder {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join(CACHE_FOLDER).join(name)
    }

    pub(crate) fn keep(&self, write: impl FnOnce() -> io::Result<()>) {
        if let Err(error) = self.prepare().and_then(|()| write()) {
            tracing::info!(root = %self.root.display(), %error, "a cache is not written");
        }
    }

    /// Creates the folder, but does not use one that somebody else made.
    fn prepare(&self) -> io::Result<()> {
        let mark = self.file(MARK);
        if fs::read(&mark).is_ok_and(|text| text == IGNORE_ALL.as_bytes()) {
            return Ok(());
        }
        let real = confine::inside(&self.root, Path::new(CACHE_FOLDER));
        if real.ok().as_deref() != Some(Path::new(CACHE_FOLDER)) {
            return Err(io::Error::other("links lead from there to elsewhere"));
        }
        let folder = self.root.join(CACHE_FOLDER);
        fs::create_dir_all(&folder)?;
        // A full disk may have left the mark empty.
        let is_unmarked = fs::read(&mark).is_ok_and(|text| text.is_empty());
        if fs::read_dir(&folder)?.count() > usize::from(is_unmarked) {
            return Err(io::Error::other("the folder is not one of purgit's"));
        }
        fs::write(mark, IGNORE_ALL)
    }
}
