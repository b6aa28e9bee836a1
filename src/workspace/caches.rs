//! `[io]` The folder of a project's caches, and the stat caches of its sites.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use crate::confine;
use crate::content::{CACHE_FOLDER, StatCache};

/// Marks the folder as purgit's own, and has git ignore it.
const MARK: &str = ".gitignore";

/// What the mark says.
const IGNORE_ALL: &str = "*\n";

/// The folder of a project's caches. They only save time, so a cache that cannot be written is left
/// out.
#[derive(Debug)]
pub(super) struct Folder {
    /// Of the project.
    root: PathBuf,
}

impl Folder {
    /// That of the project at that root.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.root.join(CACHE_FOLDER).join(name)
    }

    /// Writes something into the folder, which git is to ignore.
    pub(super) fn keep(&self, write: impl FnOnce() -> io::Result<()>) {
        if let Err(error) = self.prepare().and_then(|()| write()) {
            tracing::info!(root = %self.root.display(), %error, "a cache is not written");
        }
    }

    /// Makes the folder, and leaves alone one that somebody else made.
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
        if fs::read_dir(&folder)?.next().is_some() {
            return Err(io::Error::other("the folder is not one of purgit's"));
        }
        fs::write(mark, IGNORE_ALL)
    }
}

/// The stat caches of a project's sites, kept from one listing to the next.
#[derive(Debug)]
pub struct Caches {
    folder: Folder,
    caches: BTreeMap<Arc<str>, StatCache>,
}

impl Caches {
    /// The caches of the project at that root.
    pub fn new(root: &Path) -> Self {
        Self {
            folder: Folder::new(root),
            caches: BTreeMap::new(),
        }
    }

    /// That of a site.
    pub fn of(&mut self, site: &Arc<str>) -> &mut StatCache {
        let folder = &self.folder;
        let open = || StatCache::open(folder.file(&format!("{site}.stat")));
        self.caches.entry(site.clone()).or_insert_with(open)
    }

    /// Writes those that changed.
    pub(super) fn save(&mut self) {
        for cache in self.caches.values_mut() {
            self.folder.keep(|| cache.save());
        }
    }
}
