//! [io] Which folders are watched, and under which name.
//!
//! The kernel watches what a folder *is*, not what it is called: the same folder by two names is one
//! watch, a moved folder keeps its watch, and another folder under an old name has none. So folders
//! are kept by identity, each by one name, and an old name is let go before a new one is watched.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::{WatchError, identity, watch};
use crate::watch::territory::{Ground, Territory};

/// Links followed on the way to one folder: the kernel's own limit on Linux.
const MAX_LINKS: usize = 40;

type Identity = (u64, u64);

/// What is watched.
#[derive(Debug, Default)]
pub(super) struct Folders {
    by_identity: HashMap<Identity, PathBuf>,
    by_path: BTreeMap<PathBuf, Identity>,
    trees: BTreeSet<PathBuf>,
}

impl Folders {
    /// Lets go of everything at and below these paths: the watcher does so too when it sees folders
    /// move, and whether before or after they were watched anew, nobody can tell.
    pub(super) fn suspect(
        &mut self,
        watcher: &mut RecommendedWatcher,
        suspects: &BTreeSet<PathBuf>,
    ) {
        for suspect in suspects {
            let below = self.by_path.range(suspect.clone()..);
            let below: Vec<PathBuf> = below
                .map(|(path, _)| path)
                .take_while(|path| path.starts_with(suspect))
                .cloned()
                .collect();
            for path in below {
                self.release(watcher, &path);
            }
            self.trees.retain(|tree| !tree.starts_with(suspect));
        }
    }

    /// Watches every folder of the territory, and no other. Gives the links and folders by which
    /// content roots are reached.
    pub(super) fn arm(
        &mut self,
        watcher: &mut RecommendedWatcher,
        territory: &Territory,
    ) -> Result<BTreeSet<PathBuf>, WatchError> {
        let mut arming = Arming {
            folders: self,
            watcher,
            territory,
            met: HashSet::new(),
            ways: BTreeSet::new(),
        };
        for ground in territory.grounds() {
            arming.content(ground)?;
        }
        arming.meet(territory.root())?;
        for ground in territory.grounds() {
            arming.way(&ground.root)?;
        }
        arming.manifests()?;
        let Arming { met, ways, .. } = arming;
        let idle = self.by_identity.iter();
        let idle: Vec<PathBuf> = idle
            .filter(|(identity, _)| !met.contains(identity))
            .map(|(_, path)| path.clone())
            .collect();
        for path in idle {
            self.release(watcher, &path);
        }
        Ok(ways)
    }

    /// Watches whole trees, for systems that can.
    pub(super) fn arm_trees(
        &mut self,
        watcher: &mut RecommendedWatcher,
        roots: &BTreeSet<PathBuf>,
    ) -> Result<(), WatchError> {
        for gone in &self.trees - roots {
            let _ = watcher.unwatch(&gone);
            self.trees.remove(&gone);
        }
        for root in roots {
            if !self.trees.contains(root) && watch(watcher, root, RecursiveMode::Recursive)? {
                self.trees.insert(root.clone());
            }
        }
        Ok(())
    }

    fn release(&mut self, watcher: &mut RecommendedWatcher, path: &Path) {
        if let Some(identity) = self.by_path.remove(path) {
            self.by_identity.remove(&identity);
            // It fails when the folder has gone, and the watch with it.
            let _ = watcher.unwatch(path);
        }
    }
}

/// One pass over a territory.
struct Arming<'a> {
    folders: &'a mut Folders,
    watcher: &'a mut RecommendedWatcher,
    territory: &'a Territory,
    met: HashSet<Identity>,
    ways: BTreeSet<PathBuf>,
}

impl Arming<'_> {
    /// Watches a folder; whether it is one that was not met in this pass.
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
            self.folders.release(self.watcher, &other);
        }
        self.folders.release(self.watcher, path);
        if watch(self.watcher, path, RecursiveMode::NonRecursive)? {
            self.folders.by_identity.insert(identity, path.to_owned());
            self.folders.by_path.insert(path.to_owned(), identity);
        }
        Ok(true)
    }

    /// The folders of a content root.
    fn content(&mut self, ground: &Ground) -> Result<(), WatchError> {
        let real = fs::canonicalize(&ground.root).unwrap_or_default();
        let territory = self.territory;
        self.tree(&ground.root, &|path, is_link| {
            let Ok(below) = path.strip_prefix(&ground.root) else {
                return false;
            };
            // Content does not follow links out of its root.
            let inside = || fs::canonicalize(path).is_ok_and(|target| target.starts_with(&real));
            !territory.is_own(path)
                && ground.selection.enters(&slashed(below))
                && (!is_link || inside())
        })
    }

    /// The folders that manifests may be in, below the root, which is watched already.
    fn manifests(&mut self) -> Result<(), WatchError> {
        let territory = self.territory;
        let root = territory.root();
        let enters = |path: &Path, is_link: bool| {
            let inside = || fs::canonicalize(path).is_ok_and(|target| target.starts_with(root));
            territory.may_hold_manifests(path) && !territory.is_own(path) && (!is_link || inside())
        };
        for folder in subfolders(root, &enters) {
            self.tree(&folder, &enters)?;
        }
        Ok(())
    }

    /// A folder and those below it that are to be entered.
    fn tree(&mut self, top: &Path, enters: &dyn Fn(&Path, bool) -> bool) -> Result<(), WatchError> {
        let mut open = vec![top.to_owned()];
        while let Some(folder) = open.pop() {
            // Watched first, looked into then: what comes in between is told.
            if self.meet(&folder)? {
                open.extend(subfolders(&folder, enters));
            }
        }
        Ok(())
    }

    /// The folders on the way from the root of the project to a folder: each holds a name that
    /// could come to mean something else.
    fn way(&mut self, to: &Path) -> Result<(), WatchError> {
        let root = self.territory.root().to_owned();
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
            self.ways.insert(next.clone());
            match fs::read_link(&next) {
                Ok(target) if links < MAX_LINKS => {
                    links += 1;
                    if target.is_absolute() {
                        // What is above a link's target is the business of whoever set the link.
                        target.parent().unwrap_or(&target).clone_into(&mut at);
                        names.extend(target.file_name().map(ToOwned::to_owned));
                    } else {
                        names.extend(self::names(&target));
                    }
                }
                Err(_) if next.is_dir() => at = next,
                // Too many links, or not there yet: then the folder above tells when it comes.
                Ok(_) | Err(_) => break,
            }
        }
        Ok(())
    }
}

/// The components of a path, last first.
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

/// The folders in a folder that are to be entered, by path and whether they are links.
fn subfolders(folder: &Path, enters: &dyn Fn(&Path, bool) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter_map(|entry| {
        let kind = entry.file_type().ok()?;
        let path = entry.path();
        let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
        (is_folder && enters(&path, kind.is_symlink())).then_some(path)
    });
    folders.collect()
}

/// A relative path as content knows it.
fn slashed(path: &Path) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.iter().map(OsStr::as_encoded_bytes).collect();
    parts.join(&b'/')
}
