//! Which paths matter to a watch. Pure: it does not read the file system.

use std::path::{Path, PathBuf};

use crate::confine::is_gits;
use crate::content::{OwnFiles, Selection, slashed};
use crate::manifest::glob::Glob;
use crate::manifest::resource::Project;

/// Its patterns may decide what is content.
const IGNORE_FILE: &str = ".gitignore";

#[derive(Debug, Clone)]
pub struct WatchScope {
    root: PathBuf,
    own: OwnFiles,
    globs: Vec<Glob>,
    content: Vec<ContentRoot>,
    rule: String,
}

#[derive(Debug, Clone)]
pub struct ContentRoot {
    pub root: PathBuf,
    pub selection: Selection,
}

impl WatchScope {
    /// `root` is the project's absolute path, as events report it.
    pub fn new(project: &Project, root: &Path) -> Self {
        let globs = project.manifests.iter();
        let content = project.sites.iter().map(|site| &site.content);
        let rules: Vec<_> = content
            .clone()
            .map(|content| (&content.root, content.selection.rule()))
            .collect();
        Self {
            root: root.to_owned(),
            own: project.own_files(),
            globs: globs.filter_map(|glob| Glob::new(glob)).collect(),
            rule: format!("{} {:?} {rules:?}", root.display(), project.manifests),
            content: content
                .map(|content| ContentRoot {
                    root: join(root, &content.root),
                    selection: content.selection.clone(),
                })
                .collect(),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn content(&self) -> &[ContentRoot] {
        &self.content
    }

    /// Everything that decides which folders matter, as text for comparison.
    pub(super) fn rule(&self) -> &str {
        &self.rule
    }

    /// Whether a change at this path may affect what is desired. In doubt yes, but never for
    /// purgit's own files.
    pub fn concerns(&self, path: &Path) -> bool {
        !self.is_written(path)
            && (self.is_manifest(path) || self.content.iter().any(|root| root.concerns(path)))
    }

    /// Whether purgit writes there: state, lock, caches and status.
    pub fn is_written(&self, path: &Path) -> bool {
        let below = path.strip_prefix(&self.root);
        below.is_ok_and(|below| self.own.is_written(slashed(below).as_bytes()))
    }

    pub fn may_hold_manifests(&self, folder: &Path) -> bool {
        let Ok(below) = folder.strip_prefix(&self.root) else {
            return false;
        };
        !is_gits(below) && self.globs.iter().any(|glob| glob.may_match_below(below))
    }

    fn is_manifest(&self, path: &Path) -> bool {
        let below = path.strip_prefix(&self.root);
        below.is_ok_and(|below| self.own.is_manifest(slashed(below).as_bytes()))
            || self.may_hold_manifests(path)
    }
}

impl ContentRoot {
    pub(super) fn enters(&self, folder: &Path) -> bool {
        let below = folder.strip_prefix(&self.root);
        below.is_ok_and(|below| self.selection.enters(&bytes(below)))
    }

    /// Whether a path is the root, above it, or may be content.
    fn concerns(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.root) else {
            return self.root.starts_with(path);
        };
        let ignores = || self.selection.honours_gitignore() && below.ends_with(IGNORE_FILE);
        let below = &bytes(below);
        // What is gone may have been a file or a folder.
        let is_content = || self.selection.selects_bytes(below) || self.selection.enters(below);
        !self.selection.is_own(below) && (is_content() || ignores()) || below.is_empty()
    }
}

/// As `Path::join`, but adds no trailing `/` for an empty path.
fn join(root: &Path, relative: &Path) -> PathBuf {
    root.join(relative).components().collect()
}

/// A relative path in the form that `content` uses.
fn bytes(path: &Path) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.iter().map(std::ffi::OsStr::as_encoded_bytes).collect();
    parts.join(&b'/')
}
