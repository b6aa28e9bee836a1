//! [io] What the system reported since it was last asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, Watcher as _, WatcherKind};
use tokio::time::Instant;

use crate::watch::scope::WatchScope;

/// Most paths remembered between two looks, of each sort. With more, every folder is watched anew.
const MAX_PATHS: usize = 10_000;

#[derive(Debug)]
pub(super) struct Reported {
    scope: WatchScope,
    /// Links and folders on the way to content that is not below its root by name.
    pub(super) routes: BTreeSet<PathBuf>,
    moved: Moved,
    /// Files that somebody wrote and closed.
    pub(super) written: BTreeSet<PathBuf>,
    pub(super) changed: bool,
    pub(super) lost: bool,
    /// When it was last one or the other.
    pub(super) at: Instant,
    /// Whether every folder must be watched anew.
    stale: bool,
}

/// Paths at which something else may be now.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Something came, went or moved there.
    pub(super) suspects: BTreeSet<PathBuf>,
    /// Something was moved away from there, also before earlier looks.
    pub(super) left: BTreeSet<PathBuf>,
    /// Something was moved away from there, and something was moved to there later.
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

    /// What moved since the last look, for one that begins with that scope; `None` when all must be
    /// watched anew.
    pub(super) fn taken_by(&mut self, scope: &WatchScope) -> Option<Moved> {
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
            // Writes through a memory map are reported by nothing else.
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                self.written.extend(event.paths.iter().cloned());
                false
            }
            // Reading, ours as well.
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
            // Times do tell, nearly always.
            self.written.clear();
        }
    }

    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.at = Instant::now();
        self.stale = true;
    }

    fn concerns(&self, path: &Path) -> bool {
        // Where trees are watched, events have real paths.
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
            // It is something new.
            EventKind::Create(_) => {
                self.left.remove(path);
            }
            _ => {}
        }
    }
}
