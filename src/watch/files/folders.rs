//! `[io]` Which folders are watched, and under which name.
//!
//! The kernel watches a folder itself, not its name: one folder with two names is one watch, a moved
//! folder keeps its watch, and a new folder with an old name has none. So folders are tracked by
//! identity, each with one name, and an old name is released before a new one is watched.
//!
//! Once all folders are watched, only folders named in events are checked again, unless links give
//! folders several names.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::reported::Moved;
use super::{WatchError, watch};
use crate::watch::scope::{ContentRoot, WatchScope};

/// Most links followed to one folder: the limit of Linux (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

type Identity = (u64, u64);

#[derive(Debug, Default)]
pub(super) struct Folders {
    by_identity: HashMap<Identity, PathBuf>,
    by_path: BTreeMap<PathBuf, Identity>,
    /// What was at paths that were moved away.
    left: BTreeMap<PathBuf, Identity>,
    /// The rule of the scope whose folders are all watched, if no link leads to any.
    complete: Option<String>,
    routes: BTreeSet<PathBuf>,
    tree: Option<PathBuf>,
}

impl Folders {
    /// Releases everything at and below suspect paths: the watcher does so too when folders move, but maybe
    /// after they are watched again. Returns what was moved away and came back.
    pub(super) fn release(
        &mut self,
        watcher: &mut RecommendedWatcher,
        moved: &Moved,
    ) -> Vec<PathBuf> {
        let matters = |path: &PathBuf| moved.left.contains(path) || moved.back.contains(path);
        self.left.retain(|path, _| matters(path));
        for suspect in &moved.suspects {
            if let Some(identity) = self.by_path.get(suspect).filter(|_| matters(suspect)) {
                self.left.insert(suspect.clone(), *identity);
            }
            let below = self.by_path.range(suspect.clone()..);
            let below: Vec<PathBuf> = below
                .map(|(path, _)| path)
                .take_while(|path| path.starts_with(suspect))
                .cloned()
                .collect();
            for path in below {
                self.unwatch(watcher, &path);
            }
            self.tree.take_if(|tree| tree.starts_with(suspect));
        }
        let is_same = |path: &&PathBuf| match identity(path) {
            Ok(identity) => self.left.get(*path) == Some(&identity),
            Err(error) => error.kind() == io::ErrorKind::NotADirectory,
        };
        moved.back.iter().filter(is_same).cloned().collect()
    }

    pub(super) fn doubt(&mut self) {
        self.complete = None;
    }

    /// Watches exactly the folders of the scope; `suspects` are all paths that may have changed.
    /// Returns the links and folders on the way to content roots.
    pub(super) fn arm(
        &mut self,
        watcher: &mut RecommendedWatcher,
        scope: &WatchScope,
        suspects: &BTreeSet<PathBuf>,
    ) -> Result<BTreeSet<PathBuf>, WatchError> {
        let is_above = |suspect: &PathBuf| {
            let is_above_root = |root: &ContentRoot| root.root.starts_with(suspect);
            scope.content().iter().any(is_above_root) || self.routes.contains(suspect)
        };
        let is_complete =
            self.complete.as_deref() == Some(scope.rule()) && !suspects.iter().any(is_above);
        self.complete = None;
        let mut arming = Arming {
            folders: self,
            watcher,
            scope,
            met: HashSet::new(),
            routes: BTreeSet::new(),
            has_links: false,
        };
        if is_complete {
            for suspect in suspects {
                arming.suspect(suspect)?;
            }
            if !arming.has_links {
                self.complete = Some(scope.rule().to_owned());
                return Ok(self.routes.clone());
            }
            arming.met.clear();
        }
        arming.all()?;
        let Arming {
            met,
            routes,
            has_links,
            ..
        } = arming;
        let idle = self.by_identity.iter();
        let idle: Vec<PathBuf> = idle
            .filter(|(identity, _)| !met.contains(identity))
            .map(|(_, path)| path.clone())
            .collect();
        for path in idle {
            self.unwatch(watcher, &path);
        }
        self.complete = (!has_links).then(|| scope.rule().to_owned());
        self.routes.clone_from(&routes);
        Ok(routes)
    }

    /// Watches the whole project, on systems that can. Returns the real paths of the content.
    pub(super) fn arm_tree(
        &mut self,
        watcher: &mut RecommendedWatcher,
        scope: &WatchScope,
    ) -> Result<BTreeSet<PathBuf>, WatchError> {
        let root = scope.root();
        if self.tree.as_deref() != Some(root) && watch(watcher, root, RecursiveMode::Recursive)? {
            self.tree = Some(root.to_owned());
        }
        let roots = scope.content().iter();
        let real = roots.filter_map(|root| fs::canonicalize(&root.root).ok());
        Ok(real.collect())
    }

    fn unwatch(&mut self, watcher: &mut RecommendedWatcher, path: &Path) {
        if let Some(identity) = self.by_path.remove(path) {
            self.by_identity.remove(&identity);
            // It fails if the folder is gone, and then the watch is gone too.
            let _ = watcher.unwatch(path);
        }
    }
}

struct Arming<'a> {
    folders: &'a mut Folders,
    watcher: &'a mut RecommendedWatcher,
    scope: &'a WatchScope,
    met: HashSet<Identity>,
    routes: BTreeSet<PathBuf>,
    has_links: bool,
}

impl Arming<'_> {
    fn all(&mut self) -> Result<(), WatchError> {
        let scope = self.scope;
        for root in scope.content() {
            let real = fs::canonicalize(&root.root).unwrap_or_default();
            self.tree(&root.root, &|path, is_link| {
                // Content does not follow links out of its root.
                let inside =
                    || fs::canonicalize(path).is_ok_and(|target| target.starts_with(&real));
                root.enters(path) && (!is_link || inside())
            })?;
        }
        self.meet(scope.root())?;
        for root in scope.content() {
            self.route(&root.root)?;
        }
        let enters = |path: &Path, is_link: bool| {
            let inside =
                || fs::canonicalize(path).is_ok_and(|target| target.starts_with(scope.root()));
            scope.may_hold_manifests(path) && !scope.is_written(path) && (!is_link || inside())
        };
        for folder in self.subfolders(scope.root(), &enters) {
            self.tree(&folder, &enters)?;
        }
        Ok(())
    }

    /// A path in a watched folder at which something was created, removed or moved.
    fn suspect(&mut self, path: &Path) -> Result<(), WatchError> {
        let Ok(kind) = fs::symlink_metadata(path) else {
            return Ok(());
        };
        self.has_links |= kind.is_symlink() && path.is_dir();
        let scope = self.scope;
        let is_entered = |path: &Path| {
            let holds_content = || scope.content().iter().any(|root| root.enters(path));
            scope.may_hold_manifests(path) && !scope.is_written(path) || holds_content()
        };
        if kind.is_dir() && is_entered(path) {
            self.tree(path, &|path, _| is_entered(path))?;
        }
        Ok(())
    }

    /// Watches a folder; returns whether this pass sees it for the first time.
    fn meet(&mut self, path: &Path) -> Result<bool, WatchError> {
        let Ok(identity) = identity(path) else {
            return Ok(false);
        };
        if !self.met.insert(identity) {
            return Ok(false);
        }
        let known = self.folders.by_identity.get(&identity);
        if known.is_some_and(|known| known == path) {
            return Ok(true);
        }
        if let Some(other) = known.cloned() {
            self.folders.unwatch(self.watcher, &other);
        }
        self.folders.unwatch(self.watcher, path);
        if watch(self.watcher, path, RecursiveMode::NonRecursive)? {
            self.folders.by_identity.insert(identity, path.to_owned());
            self.folders.by_path.insert(path.to_owned(), identity);
        }
        Ok(true)
    }

    fn tree(&mut self, top: &Path, enters: &dyn Fn(&Path, bool) -> bool) -> Result<(), WatchError> {
        let mut open = vec![top.to_owned()];
        while let Some(folder) = open.pop() {
            // Watch first, then read: what is created in between is reported.
            if self.meet(&folder)? {
                open.extend(self.subfolders(&folder, enters));
            }
        }
        Ok(())
    }

    fn subfolders(&mut self, folder: &Path, enters: &dyn Fn(&Path, bool) -> bool) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut folders = Vec::new();
        for entry in entries {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            let is_link = kind.is_symlink() && path.is_dir();
            if (kind.is_dir() || is_link) && enters(&path, is_link) {
                self.has_links |= is_link;
                folders.push(path);
            }
        }
        folders
    }

    /// The folders from the project's root to a folder: each holds a link or folder on the way.
    fn route(&mut self, to: &Path) -> Result<(), WatchError> {
        let root = self.scope.root().to_owned();
        let mut at = root.clone();
        let mut names = names(to.strip_prefix(&root).unwrap_or(to));
        let mut links = 0;
        while let Some(name) = names.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            self.meet(&at)?;
            let next = at.join(&name);
            self.routes.insert(next.clone());
            match fs::read_link(&next) {
                Ok(target) if links < MAX_LINKS => {
                    links += 1;
                    self.has_links = true;
                    if target.is_absolute() {
                        // Folders above a link's target are not watched.
                        target.parent().unwrap_or(&target).clone_into(&mut at);
                        names.extend(target.file_name().map(ToOwned::to_owned));
                    } else {
                        names.extend(self::names(&target));
                    }
                }
                Err(_) if next.is_dir() => at = next,
                // Too many links, or not there yet; then the parent folder reports it later.
                Ok(_) | Err(_) => break,
            }
        }
        Ok(())
    }
}

fn names(path: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
        })
        .collect();
    names.reverse();
    names
}

/// Identifies a folder under any name.
fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = fs::metadata(path)?;
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
        // Only Unix watches folder by folder and uses this.
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        Ok((0, hasher.finish()))
    }
}
