//! `[io]` What the system has reported since the last look.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, Watcher as _, WatcherKind};
use tokio::time::Instant;

use crate::watch::scope::WatchScope;

/// Most paths remembered between two looks, per kind. With more, every folder is watched again.
const MAX_PATHS: usize = 10_000;

#[derive(Debug)]
pub(super) struct Reported {
    scope: WatchScope,
    /// Links and folders on the way to content outside its root's name.
    pub(super) routes: BTreeSet<PathBuf>,
    moved: Moved,
    pub(super) written: BTreeSet<PathBuf>,
    pub(super) changed: bool,
    pub(super) lost: bool,
    /// When `changed` or `lost` was last set.
    pub(super) at: Instant,
    /// Whether every folder must be watched again.
    stale: bool,
}

/// Paths that may lead to something else now.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) suspects: BTreeSet<PathBuf>,
    /// Paths from which something was moved away, also before earlier looks.
    pub(super) left: BTreeSet<PathBuf>,
    /// Paths from which something was moved away and to which something was moved later.
    pub(super) back: BTreeSet<PathBuf>,
}

impl Reported {
    pub(super) fn new(scope: WatchScope) -> Self {
        Self {
            scope,
            routes: BTreeSet::new(),
            moved: Moved::default(),
            written: BTreeSet::new(),
            changed: false,
            lost: false,
            at: Instant::now(),
            stale: false,
        }
    }

    /// Takes what moved since the last look; the next one uses `scope`. `None` if everything must be
    /// watched again.
    pub(super) fn take_moved(&mut self, scope: &WatchScope) -> Option<Moved> {
        self.scope = scope.clone();
        let left = self.moved.left.clone();
        let moved = std::mem::take(&mut self.moved);
        if std::mem::take(&mut self.stale) {
            return None;
        }
        self.moved.left = left;
        Some(moved)
    }

    pub(super) fn add(&mut self, event: &Event) {
        if event.need_rescan() {
            tracing::info!("file events were lost");
            return self.lose();
        }
        let moves = match event.kind {
            // Nothing else reports writes through a memory map.
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                self.written.extend(event.paths.iter().cloned());
                false
            }
            // Reads, including our own.
            EventKind::Access(_) => return,
            EventKind::Modify(ModifyKind::Name(_))
            | EventKind::Create(_)
            | EventKind::Remove(_)
            | EventKind::Any
            | EventKind::Other => true,
            EventKind::Modify(_) => false,
        };
        for path in &event.paths {
            if self.scope.is_written(path) {
                continue;
            }
            if moves {
                self.moved.add(path, event.kind);
            }
            if self.concerns(path) {
                tracing::debug!(path = %path.display(), kind = ?event.kind, "changed");
                self.changed = true;
                self.at = Instant::now();
            }
        }
        if self.moved.suspects.len() > MAX_PATHS || self.moved.left.len() > MAX_PATHS {
            self.moved = Moved::default();
            self.stale = true;
        }
        if self.written.len() > MAX_PATHS {
            // In nearly all cases the mtimes show the change anyway.
            self.written.clear();
        }
    }

    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.at = Instant::now();
        self.stale = true;
    }

    fn concerns(&self, path: &Path) -> bool {
        // Where whole trees are watched, events have real paths.
        let is_tree = RecommendedWatcher::kind() != WatcherKind::Inotify;
        let is_linked = || is_tree && self.routes.iter().any(|route| path.starts_with(route));
        self.scope.concerns(path) || self.routes.contains(path) || is_linked()
    }
}

impl Moved {
    fn add(&mut self, path: &Path, kind: EventKind) {
        self.suspects.insert(path.to_owned());
        match kind {
            EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                self.left.insert(path.to_owned());
            }
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) if self.left.remove(path) => {
                self.back.insert(path.to_owned());
            }
            // It is new.
            EventKind::Create(_) => {
                self.left.remove(path);
            }
            _ => {}
        }
    }
}
