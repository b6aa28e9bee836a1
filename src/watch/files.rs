//! [io] Changes as the file system tells them.
//!
//! On Linux each folder is watched by itself: watching a whole tree at once loses what is created in
//! new folders before they are watched too. So [`Files::arm`] is called before each look: it
//! watches a new folder first and then looks into it, so that whatever comes later is told. Other
//! systems watch whole trees by themselves.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::{
    Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, WatcherKind,
};
use thiserror::Error;
use tokio::time::Instant;

use super::territory::Territory;
use super::{Changes, Notice};

mod folders;

use folders::Folders;

/// Changed paths remembered between two looks; above, every folder is watched anew.
const MAX_SUSPECTS: usize = 10_000;

/// The system's error number for too many open files, which stands for the limit of watchers.
const TOO_MANY_OPEN_FILES: i32 = 24;

/// Why files cannot be watched.
#[derive(Debug, Error)]
pub enum WatchError {
    /// The limit of watched folders.
    #[error("cannot watch `{}`: the system watches no more folders", .0.display())]
    TooManyFolders(PathBuf),
    /// The limit of watchers.
    #[error("cannot watch files: the system has no more watchers")]
    TooManyWatchers,
    /// Anything else.
    #[error("cannot watch files")]
    System(#[source] notify::Error),
}

impl WatchError {
    /// What to do about it.
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

/// Watches the files of a project.
#[derive(Debug)]
pub struct Files {
    shared: Arc<Shared>,
    watcher: RecommendedWatcher,
    folders: Folders,
}

/// Tells what [`Files`] sees.
#[derive(Debug)]
pub struct FileChanges(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    seen: Mutex<Seen>,
    wake: tokio::sync::Notify,
}

/// What was told since it was last asked for.
#[derive(Debug)]
struct Seen {
    territory: Territory,
    /// Links and folders on the way to content that is not below its root by name.
    ways: BTreeSet<PathBuf>,
    /// Paths that came, went or moved: what was watched there may be something else now.
    suspects: BTreeSet<PathBuf>,
    changed: bool,
    lost: bool,
    /// When it was last one or the other.
    at: Instant,
    /// Whether every folder must be watched anew.
    stale: bool,
}

impl Files {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When the system gives no watcher.
    pub fn new(territory: Territory) -> Result<(Self, FileChanges), WatchError> {
        let seen = Seen {
            territory,
            ways: BTreeSet::new(),
            suspects: BTreeSet::new(),
            changed: false,
            lost: false,
            at: Instant::now(),
            stale: false,
        };
        let shared = Arc::new(Shared {
            seen: Mutex::new(seen),
            wake: tokio::sync::Notify::new(),
        });
        let files = Self {
            watcher: watcher(&shared)?,
            shared: shared.clone(),
            folders: Folders::default(),
        };
        Ok((files, FileChanges(shared)))
    }

    /// Watches what there is of the territory now. Call it before looking.
    ///
    /// # Errors
    /// When a limit of the system is met; what was watched up to there stays watched.
    pub fn arm(&mut self, territory: &Territory) -> Result<(), WatchError> {
        let suspects = {
            let mut seen = self.shared.seen();
            seen.territory = territory.clone();
            if std::mem::take(&mut seen.stale) {
                seen.suspects.clear();
                None
            } else {
                Some(std::mem::take(&mut seen.suspects))
            }
        };
        if let Some(suspects) = suspects {
            self.folders.suspect(&mut self.watcher, &suspects);
        } else {
            self.watcher = watcher(&self.shared)?;
            self.folders = Folders::default();
        }
        if RecommendedWatcher::kind() == WatcherKind::Inotify {
            let ways = self.folders.arm(&mut self.watcher, territory)?;
            self.shared.seen().ways = ways;
            Ok(())
        } else {
            self.arm_trees(territory)
        }
    }

    /// Where the system watches trees: the project, and content that links lead to elsewhere.
    fn arm_trees(&mut self, territory: &Territory) -> Result<(), WatchError> {
        let mut roots = BTreeSet::from([territory.root().to_owned()]);
        for ground in territory.grounds() {
            roots.extend(std::fs::canonicalize(&ground.root).ok());
        }
        let inner: Vec<PathBuf> = roots.iter().cloned().collect();
        roots.retain(|root| {
            let is_above = |other: &PathBuf| root != other && root.starts_with(other);
            !inner.iter().any(is_above)
        });
        self.folders.arm_trees(&mut self.watcher, &roots)?;
        self.shared.seen().ways = roots;
        Ok(())
    }
}

fn watcher(shared: &Arc<Shared>) -> Result<RecommendedWatcher, WatchError> {
    let told = Arc::clone(shared);
    let config = Config::default().with_follow_symlinks(false);
    RecommendedWatcher::new(move |event| told.tell(event), config).map_err(WatchError::of)
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing is half-done between two of its uses.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the watcher's thread.
    fn tell(&self, event: notify::Result<Event>) {
        let mut seen = self.seen();
        match event {
            Ok(event) => seen.take(&event),
            Err(error) => {
                tracing::info!(%error, "the watcher failed");
                seen.lose();
            }
        }
        if seen.changed || seen.lost {
            self.wake.notify_one();
        }
    }
}

impl Seen {
    fn take(&mut self, event: &Event) {
        if event.need_rescan() {
            tracing::info!("file events were lost");
            return self.lose();
        }
        let moves = match event.kind {
            // Our own reading.
            EventKind::Access(_) => return,
            EventKind::Modify(notify::event::ModifyKind::Name(_))
            | EventKind::Create(_)
            | EventKind::Remove(_)
            | EventKind::Any
            | EventKind::Other => true,
            EventKind::Modify(_) => false,
        };
        for path in &event.paths {
            if self.territory.is_own(path) {
                continue;
            }
            if moves {
                self.suspects.insert(path.clone());
            }
            if self.territory.concerns(path) || self.ways.contains(path) || self.is_elsewhere(path)
            {
                tracing::debug!(path = %path.display(), kind = ?event.kind, "changed");
                self.changed = true;
                self.at = Instant::now();
            }
        }
        if self.suspects.len() > MAX_SUSPECTS {
            self.suspects.clear();
            self.stale = true;
        }
    }

    /// Whether it is in content that a link leads to, where trees are watched.
    fn is_elsewhere(&self, path: &Path) -> bool {
        let is_tree = RecommendedWatcher::kind() != WatcherKind::Inotify;
        is_tree
            && !path.starts_with(self.territory.root())
            && self.ways.iter().any(|way| path.starts_with(way))
    }

    fn lose(&mut self) {
        self.lost = true;
        self.at = Instant::now();
        self.stale = true;
    }
}

impl Changes for FileChanges {
    async fn changed(&mut self) -> (Notice, Instant) {
        loop {
            self.0.wake.notified().await;
            let mut seen = self.0.seen();
            let changed = std::mem::take(&mut seen.changed);
            let lost = std::mem::take(&mut seen.lost);
            if lost {
                return (Notice::Lost, seen.at);
            }
            if changed {
                return (Notice::Changed, seen.at);
            }
        }
    }
}

/// What identifies a folder, whatever it is called.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Ok((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        // Only unix watches folder by folder and asks.
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        Ok((0, hasher.finish()))
    }
}

/// Watches, unless what is to be watched has gone or may not be read: then the look tells.
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
