//! `[io]` What is remembered of a project's state and history from one command to the next.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::caches::Folder;
use crate::cache::{self, Magic, push_sized, take_sized};
use crate::git::TreeCounts;
use crate::manifest::resource::Project;
use crate::state::extract::Extract;
use crate::state::{self, Known, Stamp, StateError, StateStore};

/// Of the state: its [`Stamp`], then the extract.
const EXTRACT: &Magic = b"purgit-extract\0\x02";

/// Of a site in git: [`TreeCounts`].
const COUNTS: &Magic = b"purgit-counts\0\0\x01";

/// The notes of a project.
#[derive(Debug)]
pub struct Notebook {
    store: Box<dyn StateStore>,
    folder: Folder,
}

/// The state as it was when all of it was read.
#[derive(Debug)]
pub struct Fresh(Stamp);

impl Notebook {
    /// That of a project with that root.
    pub fn new(project: &Project, root: &Path) -> Self {
        Self {
            store: state::open(&root.join(&project.state_file)),
            folder: Folder::new(root),
        }
    }

    /// The state, from an earlier extract as long as it has not changed since; otherwise all of
    /// it, and what [`Self::remember_state`] needs to save the next reader the work.
    ///
    /// # Errors
    /// As [`StateStore::load`].
    pub fn state(&self, project: &Project) -> Result<(Extract, Option<Fresh>), StateError> {
        self.state_as_of(project, SystemTime::now())
    }

    /// As [`Self::state`], begun at `started` by the clock of the file system. A time too early costs
    /// work, one too late costs correctness.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn state_as_of(
        &self,
        project: &Project,
        started: SystemTime,
    ) -> Result<(Extract, Option<Fresh>), StateError> {
        let before = self.store.stamp(started);
        let known = before.as_ref().and_then(|stamp| self.extract(stamp));
        if let Some(known) = known.filter(|known| known.fits(project)) {
            return Ok((known, None));
        }
        let loaded = self.store.load()?;
        // Changed meanwhile, nobody knows which one was read.
        let after = self.store.stamp(started);
        let stamp = before.filter(|before| after.as_ref() == Some(before));
        Ok((loaded.into(), stamp.map(Fresh)))
    }

    fn extract(&self, stamp: &Stamp) -> Option<Extract> {
        let bytes = cache::read(&self.extract_file(), EXTRACT)?;
        let mut ahead = bytes.as_slice();
        (take_sized(&mut ahead)? == stamp.0).then(|| Extract::from_bytes(ahead))?
    }

    /// Remembers what a plan needs of a state, all of which was read.
    pub fn remember_state(&self, project: &Project, known: Known, fresh: &Fresh) {
        let extract = Extract::from(known).compressed(project);
        let mut bytes = Vec::new();
        push_sized(&mut bytes, &fresh.0.0);
        bytes.extend(extract.to_bytes());
        self.folder
            .keep(|| cache::write(&self.extract_file(), EXTRACT, &bytes));
    }

    fn extract_file(&self) -> PathBuf {
        self.folder.file("state.extract")
    }

    /// Lets counts know what was remembered of a site.
    pub(super) fn recall_counts(&self, site: &str, counts: &mut TreeCounts<'_>) {
        if let Some(bytes) = cache::read(&self.counts_file(site), COUNTS) {
            counts.recall(&bytes);
        }
    }

    /// Remembers them.
    pub(super) fn remember_counts(&self, site: &str, counts: &TreeCounts<'_>) {
        if let Some(bytes) = counts.remembered() {
            self.folder
                .keep(|| cache::write(&self.counts_file(site), COUNTS, &bytes));
        }
    }

    fn counts_file(&self, site: &str) -> PathBuf {
        self.folder.file(&format!("{site}.counts"))
    }
}
