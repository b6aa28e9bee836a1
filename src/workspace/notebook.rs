//! `[io]` What is remembered of a project's state and history from one command to the next.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::caches::Folder;
use crate::cache::{self, FileStat, Magic, Time};
use crate::git::TreeCounts;
use crate::manifest::resource::Project;
use crate::state::extract::Extract;
use crate::state::{self, Known, StateError};

/// Of the state file: its [`FileStat`], then the extract.
const EXTRACT: &Magic = b"purgit-extract\0\x01";

/// Of a site in git: [`TreeCounts`].
const COUNTS: &Magic = b"purgit-counts\0\0\x01";

/// The notes of a project.
#[derive(Debug)]
pub struct Notebook {
    state_file: PathBuf,
    folder: Folder,
}

/// The state file as it was when all of it was read.
#[derive(Debug)]
pub struct Fresh(FileStat);

impl Notebook {
    /// That of a project with that root.
    pub fn new(project: &Project, root: &Path) -> Self {
        Self {
            state_file: root.join(&project.state_file),
            folder: Folder::new(root),
        }
    }

    /// The state, from an earlier extract as long as its file has not changed since; otherwise all of
    /// it, and what [`Self::remember_state`] needs to save the next reader the work.
    ///
    /// # Errors
    /// As [`state::StateStore::read`].
    pub fn state(
        &self,
        project: &Project,
        root: &Path,
    ) -> Result<(Extract, Option<Fresh>), StateError> {
        self.state_as_of(project, root, SystemTime::now())
    }

    /// As [`Self::state`], begun at `started` by the clock of the file system. A time too early costs
    /// work, one too late costs correctness.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn state_as_of(
        &self,
        project: &Project,
        root: &Path,
        started: SystemTime,
    ) -> Result<(Extract, Option<Fresh>), StateError> {
        let before = self.stat();
        let known = before.as_ref().and_then(|stat| self.extract(stat));
        if let Some(known) = known.filter(|known| known.fits(project)) {
            return Ok((known, None));
        }
        let snapshot = state::open(project, root).read()?;
        // Replaced meanwhile, nobody knows which one was read; just written, it may be written again
        // without a trace.
        let horizon = Time::horizon(started);
        let stat = before.filter(|stat| self.stat() == Some(*stat) && !stat.is_racy(horizon));
        let fresh = stat.map(Fresh);
        Ok((snapshot.into(), fresh))
    }

    fn stat(&self) -> Option<FileStat> {
        let found = fs::metadata(&self.state_file).ok();
        found.map(|found| FileStat::of(&found))
    }

    fn extract(&self, stat: &FileStat) -> Option<Extract> {
        let bytes = cache::read(&self.extract_file(), EXTRACT)?;
        let mut ahead = bytes.as_slice();
        (FileStat::read(&mut ahead)? == *stat).then(|| Extract::from_bytes(ahead))?
    }

    /// Remembers what a plan needs of a state, all of which was read.
    pub fn remember_state(&self, project: &Project, known: Known, fresh: &Fresh) {
        let extract = Extract::from(known).compressed(project);
        let mut bytes = Vec::new();
        fresh.0.write(&mut bytes);
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
