//! `[io]` Where caches are, and the stat caches of all sites.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use crate::content::StatCache;
use crate::manifest::resource::Project;

/// Below the folder of the state file.
const FOLDER: &str = "cache";

/// The folder of a project's caches. Nothing is lost with it but time, so what cannot be written is
/// passed over.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// That of a project with that root.
    pub(super) fn new(project: &Project, root: &Path) -> Self {
        let state = root.join(&project.state_file);
        Self(state.parent().unwrap_or(root).join(FOLDER))
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes something into the folder, which git is to leave alone.
    pub(super) fn keep(&self, write: impl FnOnce() -> io::Result<()>) {
        if let Err(error) = self.prepare().and_then(|()| write()) {
            tracing::info!(folder = %self.0.display(), %error, "a cache is not written");
        }
    }

    fn prepare(&self) -> io::Result<()> {
        let ignore = self.file(".gitignore");
        if ignore.exists() {
            return Ok(());
        }
        fs::create_dir_all(&self.0)?;
        fs::write(ignore, "*\n")
    }
}

/// The stat caches of a project's sites, kept from one listing to the next.
#[derive(Debug)]
pub struct Caches {
    folder: Folder,
    caches: BTreeMap<Arc<str>, StatCache>,
}

impl Caches {
    /// The caches of a project with that root.
    pub fn new(project: &Project, root: &Path) -> Self {
        Self {
            folder: Folder::new(project, root),
            caches: BTreeMap::new(),
        }
    }

    /// That of a site.
    pub(super) fn of(&mut self, site: &Arc<str>) -> &mut StatCache {
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
