//! `[io]` Keeps the view of a project's state: in memory, and in the project's caches.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::StateView;
use crate::cache::{self, CacheFolder, Magic, push_sized, take_sized};
use crate::manifest::resource::Project;
use crate::state::{Stamp, StateError, StateStore};

/// The cache holds the [`Stamp`] of the state that the view was made from, then the view.
const MAGIC: &Magic = b"purgit-view\0\0\0\0\x01";

/// Reads the state of a project as views, and reuses an earlier view as long as it is current.
#[derive(Debug)]
pub struct Views {
    store: Arc<dyn StateStore>,
    folder: Option<CacheFolder>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    view: Option<StateView>,
    /// Stamp of the view in the cache, if known.
    saved: Option<Stamp>,
}

impl Views {
    /// For the state in `store`; `folder` keeps the view for other processes.
    pub fn new(store: Arc<dyn StateStore>, folder: Option<CacheFolder>) -> Self {
        Self {
            store,
            folder,
            kept: Mutex::default(),
        }
    }

    pub fn store(&self) -> &Arc<dyn StateStore> {
        &self.store
    }

    pub fn read(&self, project: &Project) -> Result<StateView, StateError> {
        let kept = self.kept().view.take();
        if let Some(view) = kept.filter(|view| view.fits(project))
            && let Some(mut view) = self.current(view)?
        {
            view.pack(project);
            return Ok(view);
        }
        if let Some(view) = self.cached().filter(|view| view.fits(project)) {
            self.kept().saved.clone_from(&view.stamp);
            if let Some(view) = self.current(view)? {
                return Ok(view);
            }
        }
        let mut view = StateView::from(self.store.load()?);
        view.pack(project);
        view.stamp = self.store.stamp();
        Ok(view)
    }

    /// Whether the store still holds the state that a view was made from.
    pub fn is_current(&self, view: &StateView) -> Result<bool, StateError> {
        match &view.stamp {
            Some(stamp) => self.store.holds(stamp),
            None => Ok(false),
        }
    }

    /// Keeps a view for the next [`Self::read`]. It must match the store's last read or write.
    pub fn keep(&self, mut view: StateView) {
        view.stamp = self.store.stamp();
        self.kept().view = Some(view);
    }

    /// Saves the view for other processes, unless it is saved already.
    pub fn save(&self, project: &Project) {
        let Some(folder) = self.folder.as_ref().filter(|_| !project.sites.is_empty()) else {
            return;
        };
        let mut kept = self.kept();
        let Kept { view, saved } = &mut *kept;
        let recorded = view.as_mut().filter(|view| view.state.serial > 0);
        if let Some(view) = recorded.filter(|view| view.stamp != *saved)
            && let Some(stamp) = view.stamp.clone()
        {
            view.pack(project);
            let mut bytes = Vec::new();
            push_sized(&mut bytes, &stamp.0);
            bytes.extend(view.to_bytes());
            folder.keep(|| cache::write(&file(folder), MAGIC, &bytes));
            *saved = Some(stamp);
        }
    }

    fn current(&self, mut view: StateView) -> Result<Option<StateView>, StateError> {
        let is_current = self.is_current(&view)?;
        // A newer stamp may be quicker to check.
        view.stamp = self.store.stamp();
        Ok(is_current.then_some(view))
    }

    fn cached(&self) -> Option<StateView> {
        let bytes = cache::read(&file(self.folder.as_ref()?), MAGIC)?;
        let mut ahead = bytes.as_slice();
        let stamp = Stamp(take_sized(&mut ahead)?.to_vec());
        Some(StateView {
            stamp: Some(stamp),
            ..StateView::from_bytes(ahead)?
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file(folder: &CacheFolder) -> PathBuf {
    folder.file("state.view")
}
