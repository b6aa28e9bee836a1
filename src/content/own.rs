//! purgit's own files in a project: state, status, caches and manifests. They are never content.
//!
//! Pure: it sees `/`-separated paths below the project's root, on disk or in a tree.

use std::path::Path;
use std::sync::Arc;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

use super::globs::{META, base};
use super::names::{escaped, is_within, joined};
use crate::cache::CACHE_FOLDER;

const OWN_FOLDER: &str = ".purgit";

/// Suffix of files that are being written.
pub const TEMPORARY: &str = ".purgit-tmp";

/// Suffixes of the files beside a state file.
const COMPANIONS: [&str; 2] = [".journal", ".lock"];

#[derive(Debug, Clone, Default)]
pub struct OwnFiles {
    written: Vec<String>,
    globs: Vec<String>,
    manifests: GlobSet,
}

impl OwnFiles {
    /// `globs` match manifests; `written` are paths below the project's root.
    pub fn new<'p>(
        globs: impl IntoIterator<Item = &'p str>,
        written: impl IntoIterator<Item = &'p Path>,
    ) -> Self {
        let globs: Vec<_> = globs.into_iter().map(str::to_owned).collect();
        let mut manifests = GlobSetBuilder::new();
        // An invalid glob matches nothing; it was reported where it was read.
        let built = |glob: &String| GlobBuilder::new(glob).literal_separator(true).build().ok();
        for glob in globs.iter().filter_map(built) {
            manifests.add(glob);
        }
        Self {
            written: written.into_iter().map(slashed).collect(),
            globs,
            manifests: manifests.build().unwrap_or_default(),
        }
    }

    pub fn add(&mut self, path: &Path) {
        self.written.push(slashed(path));
    }

    pub fn contains(&self, path: &[u8]) -> bool {
        is_within(path, OWN_FOLDER.as_bytes()) || self.is_record(path) || self.is_manifest(path)
    }

    pub fn is_written(&self, path: &[u8]) -> bool {
        let is_in_folder = is_within(path, OWN_FOLDER.as_bytes());
        self.is_record(path) || is_in_folder && !self.is_manifest(path)
    }

    pub fn is_manifest(&self, path: &[u8]) -> bool {
        let candidate = Candidate::from_bytes(path);
        self.manifests.is_match_candidate(&candidate) && !self.is_record(path)
    }

    /// Whether a folder could contain own files, except temporary ones, which can be anywhere.
    fn reaches(&self, folder: &[u8]) -> bool {
        let paths = self.written.iter().map(String::as_str);
        let bases = self.globs.iter().map(|glob| match glob.contains(META) {
            true => base(glob),
            false => glob,
        });
        paths
            .chain(bases)
            .chain([OWN_FOLDER])
            .any(|path| is_within(path.as_bytes(), folder) || is_within(folder, path.as_bytes()))
    }

    /// Whether this is a state, a status, a cache, or a file beside one of them.
    fn is_record(&self, path: &[u8]) -> bool {
        let is_beside = |end: &[u8]| COMPANIONS.iter().any(|known| known.as_bytes() == end);
        let belongs_to = |file: &String| {
            let end = path.strip_prefix(file.as_bytes());
            end.is_some_and(|end| end.is_empty() || is_beside(end))
        };
        path.ends_with(TEMPORARY.as_bytes())
            || is_within(path, CACHE_FOLDER.as_bytes())
            || self.written.iter().any(belongs_to)
    }
}

/// The own files, seen from a content root.
#[derive(Debug, Clone)]
pub(super) struct OwnFilesBelow {
    own: Arc<OwnFiles>,
    root: Vec<u8>,
    is_near: bool,
}

impl OwnFilesBelow {
    pub(super) fn new(own: Arc<OwnFiles>, root: &str) -> Self {
        let root = root.as_bytes().to_vec();
        Self {
            is_near: own.reaches(&root),
            own,
            root,
        }
    }

    pub(super) fn at(&self, root: &str) -> Self {
        Self::new(self.own.clone(), root)
    }

    pub(super) fn contains(&self, path: &[u8]) -> bool {
        self.is_near && self.own.contains(&joined(&self.root, path))
    }

    /// Whether a folder can contain nothing else.
    pub(super) fn contains_folder(&self, folder: &[u8]) -> bool {
        self.is_near && is_within(&joined(&self.root, folder), OWN_FOLDER.as_bytes())
    }

    /// A text for comparison: equal rules give equal results.
    pub(super) fn rule(&self) -> Option<String> {
        let Self { own, root, is_near } = self;
        is_near.then(|| format!("{:?} {:?} {}", own.written, own.globs, escaped(root)))
    }
}

pub(crate) fn slashed(path: &Path) -> String {
    let parts = path.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> OwnFiles {
        let written = ["state.json", "purgit.status.yaml"].map(Path::new);
        OwnFiles::new(["purgit.yaml", "purges/**/*.yaml"], written)
    }

    #[test]
    fn state_status_caches_and_manifests_are_own_and_nothing_beside_them() {
        let own = own();
        for path in [
            "state.json",
            "state.json.journal",
            "state.json.lock",
            ".state.json.x1.purgit-tmp",
            "purgit.status.yaml",
            "docs/.purgit.status.yaml.x1.purgit-tmp",
            ".purgit",
            ".purgit/anything",
            "purgit.yaml",
            "purges/site.yaml",
            "purges/a/b.yaml",
        ] {
            assert!(own.contains(path.as_bytes()), "{path}");
        }
        for path in [
            "state.json.bak",
            "state.jsonl",
            "docs/state.json",
            "docs/purgit.yaml",
            "purges/a.txt",
            "cache/a",
            ".purgit2/a",
            "a/.purgit/b",
        ] {
            assert!(!own.contains(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn manifests_are_read_from_the_own_folder_but_not_records_and_caches() {
        let own = OwnFiles::new(["**"], [Path::new(".purgit/state.json")]);
        for (path, manifest) in [
            (".purgit/purges/a.yaml", true),
            (".purgit/state.json", false),
            (".purgit/state.json.journal", false),
            (".purgit/cache/docs.stat", false),
            ("a.yaml", true),
        ] {
            assert_eq!(own.is_manifest(path.as_bytes()), manifest, "{path}");
            assert_eq!(own.is_written(path.as_bytes()), !manifest, "{path}");
        }
    }

    #[test]
    fn a_folder_apart_from_them_is_not_reached() {
        let own = own();
        for (folder, reaches) in [
            ("", true),
            ("purges", true),
            ("purges/a", true),
            (".purgit/site", true),
            ("public", false),
        ] {
            assert_eq!(own.reaches(folder.as_bytes()), reaches, "{folder}");
        }
    }
}
