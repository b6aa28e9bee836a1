//! `[io]` Changes that the file system reports.
//!
//! On Linux each folder is watched separately: watching a tree loses files created in new folders before
//! those are watched too. So [`Files::arm`] is called before each look, and watches a new folder before
//! reading it. Other systems watch whole trees themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher as _, WatcherKind};
use thiserror::Error;
use tokio::time::Instant;

use super::scope::WatchScope;
use super::{Changes, Notice};

mod folders;
mod reported;

use folders::Folders;
use reported::Reported;

/// The error number for too many open files, which here means too many watchers.
const TOO_MANY_OPEN_FILES: i32 = 24;

#[derive(Debug, Error)]
pub enum WatchError {
    #[error("cannot watch `{}`: the system's limit of watched folders is reached", .0.display())]
    TooManyFolders(PathBuf),
    #[error("cannot watch files: the system's limit of watchers is reached")]
    TooManyWatchers,
    #[error("cannot watch files")]
    System(#[source] notify::Error),
}

impl WatchError {
    pub fn hint(&self) -> String {
        let poll = "`--poll 2s` does without";
        match self {
            Self::TooManyFolders(_) => format!(
                "raise the limit, e.g. `sysctl fs.inotify.max_user_watches=1048576`; {poll}"
            ),
            Self::TooManyWatchers => {
                format!("raise the limit, e.g. `sysctl fs.inotify.max_user_instances=1024`; {poll}")
            }
            Self::System(_) => format!("{poll} the system's help"),
        }
    }

    fn of(error: notify::Error) -> Self {
        match &error.kind {
            notify::ErrorKind::MaxFilesWatch => {
                Self::TooManyFolders(error.paths.into_iter().next().unwrap_or_default())
            }
            notify::ErrorKind::Io(system) if system.raw_os_error() == Some(TOO_MANY_OPEN_FILES) => {
                Self::TooManyWatchers
            }
            notify::ErrorKind::Io(_)
            | notify::ErrorKind::Generic(_)
            | notify::ErrorKind::PathNotFound
            | notify::ErrorKind::WatchNotFound
            | notify::ErrorKind::InvalidConfig(_) => Self::System(error),
        }
    }
}

#[derive(Debug)]
pub struct Files {
    shared: Arc<Shared>,
    watcher: RecommendedWatcher,
    folders: Folders,
    returned: BTreeSet<PathBuf>,
}

#[derive(Debug)]
pub struct FileChanges(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    reported: Mutex<Reported>,
    wake: tokio::sync::Notify,
}

impl Files {
    pub fn new(scope: WatchScope) -> Result<(Self, FileChanges), WatchError> {
        let shared = Arc::new(Shared {
            reported: Mutex::new(Reported::new(scope)),
            wake: tokio::sync::Notify::new(),
        });
        let files = Self {
            watcher: watcher(&shared)?,
            shared: shared.clone(),
            folders: Folders::default(),
            returned: BTreeSet::new(),
        };
        Ok((files, FileChanges(shared)))
    }

    /// Makes the next [`Self::arm`] check every folder, not only those with changes.
    pub fn doubt(&mut self) {
        self.folders.doubt();
    }

    /// Watches everything in scope. Call it before looking.
    ///
    /// # Errors
    /// A limit of the system was reached; folders watched so far stay watched.
    pub fn arm(&mut self, scope: &WatchScope) -> Result<(), WatchError> {
        let moved = self.shared.reported().take_moved(scope);
        if moved.is_none() {
            self.watcher = watcher(&self.shared)?;
            self.folders = Folders::default();
        }
        let moved = moved.unwrap_or_default();
        let returned = self.folders.release(&mut self.watcher, &moved);
        self.returned.extend(returned);
        let routes = if RecommendedWatcher::kind() == WatcherKind::Inotify {
            self.folders
                .arm(&mut self.watcher, scope, &moved.suspects)?
        } else {
            self.folders.arm_tree(&mut self.watcher, scope)?
        };
        self.shared.reported().routes = routes;
        Ok(())
    }

    /// Files closed after writing since the last call. Writes through a memory map may leave mtimes
    /// unchanged.
    pub fn take_written(&self) -> BTreeSet<PathBuf> {
        std::mem::take(&mut self.shared.reported().written)
    }

    /// Paths that were moved away and came back, from the last call to the last arming: for a while, their
    /// URLs led to nothing.
    pub fn take_returned(&mut self) -> BTreeSet<PathBuf> {
        std::mem::take(&mut self.returned)
    }
}

fn watcher(shared: &Arc<Shared>) -> Result<RecommendedWatcher, WatchError> {
    let shared = Arc::clone(shared);
    let config = Config::default().with_follow_symlinks(false);
    RecommendedWatcher::new(move |event| shared.report(event), config).map_err(WatchError::of)
}

impl Shared {
    fn reported(&self) -> MutexGuard<'_, Reported> {
        // A panic leaves nothing half-done.
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs on the watcher's thread.
    fn report(&self, event: notify::Result<Event>) {
        let mut reported = self.reported();
        match event {
            Ok(event) => reported.add(&event),
            Err(error) => {
                tracing::info!(%error, "the watcher failed");
                reported.lose();
            }
        }
        if reported.changed || reported.lost {
            self.wake.notify_one();
        }
    }
}

impl Changes for FileChanges {
    async fn changed(&mut self) -> (Notice, Instant) {
        loop {
            self.0.wake.notified().await;
            let mut reported = self.0.reported();
            let changed = std::mem::take(&mut reported.changed);
            let lost = std::mem::take(&mut reported.lost);
            if lost {
                return (Notice::Lost, reported.at);
            }
            if changed {
                return (Notice::Changed, reported.at);
            }
        }
    }
}

/// Watches a folder unless it is gone or unreadable; the look will report that.
fn watch(
    watcher: &mut RecommendedWatcher,
    path: &Path,
    mode: RecursiveMode,
) -> Result<bool, WatchError> {
    match watcher.watch(path, mode) {
        Ok(()) => Ok(true),
        Err(error) => match WatchError::of(error) {
            WatchError::System(error) => {
                tracing::info!(path = %path.display(), %error, "not watched");
                Ok(false)
            }
            limit @ (WatchError::TooManyFolders(_) | WatchError::TooManyWatchers) => Err(limit),
        },
    }
}
