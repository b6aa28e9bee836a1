//! Which paths matter to a watch. Decided by path alone; the file system is not asked.

use std::path::{Path, PathBuf};

use crate::content::Selection;
use crate::manifest::ROOT_FILE;
use crate::manifest::glob::Glob;
use crate::manifest::resource::Project;

/// End of the names of files that are being written, as in `state/replace.rs`.
const TEMPORARY: &str = ".purgit-tmp";

/// The folder that purgit keeps to itself.
const OWN_FOLDER: &str = ".purgit";

/// Git's folder, in which every command of git writes.
const GIT_FOLDER: &str = ".git";

/// What a project is made of.
#[derive(Debug, Clone)]
pub struct Territory {
    root: PathBuf,
    globs: Vec<Glob>,
    grounds: Vec<Ground>,
    state: PathBuf,
    status: PathBuf,
}

/// A content root.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The folder.
    pub root: PathBuf,
    /// What of it is content.
    pub selection: Selection,
}

impl Territory {
    /// Of that project, whose root is `root`: an absolute path, as events have it.
    pub fn new(project: &Project, root: &Path) -> Self {
        let ground = |site: &crate::manifest::resource::Site| Ground {
            root: join(root, &site.content.root),
            selection: site.content.selection.clone(),
        };
        Self {
            root: root.to_owned(),
            globs: project
                .manifests
                .iter()
                .filter_map(|glob| Glob::new(glob))
                .collect(),
            grounds: project.sites.iter().map(ground).collect(),
            state: join(root, &project.state_file),
            status: join(root, &project.status_file),
        }
    }

    /// The root of the project.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The content roots.
    pub fn grounds(&self) -> &[Ground] {
        &self.grounds
    }

    /// Whether a change at this path can change what is wanted. Says yes in doubt, but never to
    /// what purgit writes itself.
    pub fn concerns(&self, path: &Path) -> bool {
        !self.is_own(path) && (self.is_content(path) || self.is_manifest(path))
    }

    /// Whether purgit writes it: state, lock, stat caches and status.
    pub fn is_own(&self, path: &Path) -> bool {
        let folder = self.state.parent().unwrap_or(&self.root);
        let named = |name: &str| folder.file_name().is_some_and(|found| found == name);
        if named(OWN_FOLDER) && path.starts_with(folder) || path.starts_with(folder.join("cache")) {
            return true;
        }
        let mut lock = self.state.as_os_str().to_owned();
        lock.push(".lock");
        let name = path.file_name().unwrap_or_default();
        path == self.state
            || path == self.status
            || path.as_os_str() == lock
            || name.to_string_lossy().ends_with(TEMPORARY)
    }

    /// Whether manifests can be in or below a folder of the project.
    pub fn may_hold_manifests(&self, folder: &Path) -> bool {
        let Ok(relative) = folder.strip_prefix(&self.root) else {
            return false;
        };
        !is_gits(relative) && self.globs.iter().any(|glob| glob.may_match_below(relative))
    }

    /// A content root, something in it, or a folder above it.
    fn is_content(&self, path: &Path) -> bool {
        self.grounds.iter().any(|ground| {
            ground.root.starts_with(path)
                || path
                    .strip_prefix(&ground.root)
                    .is_ok_and(|below| !is_gits(below))
        })
    }

    fn is_manifest(&self, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(&self.root) else {
            return false;
        };
        relative == Path::new(ROOT_FILE)
            || self.may_hold_manifests(path)
            || self.globs.iter().any(|glob| glob.matches(relative))
    }
}

/// Whether it is git's own.
fn is_gits(relative: &Path) -> bool {
    relative
        .components()
        .any(|part| part.as_os_str() == GIT_FOLDER)
}

/// As `Path::join`, without a `/` behind the root when there is nothing to add.
fn join(root: &Path, relative: &Path) -> PathBuf {
    root.join(relative).components().collect()
}
