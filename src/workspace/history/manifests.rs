//! `[io]` The manifests of a project at a revision.

use super::{History, HistoryError};
use crate::content::{Rules, Selection};
use crate::diagnostic::Diagnostic;
use crate::git::Revision;
use crate::manifest::resource::Project;
use crate::manifest::{ManifestFile, Parsed, ROOT_FILE, Reading};
use crate::yaml::MAX_FILE_BYTES;

impl History {
    /// Whether manifests in the work tree differ from the commit.
    pub(super) fn manifests_dirty(&self, project: &Project) -> Result<bool, HistoryError> {
        let globs = project.manifests.iter().map(|glob| literal_front(glob));
        let paths = globs.chain([ROOT_FILE]).map(|path| self.below(path));
        let paths: Vec<_> = paths.collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        Ok(self.repository.is_dirty(&paths)?)
    }

    /// The manifests at a revision; `None` if there were none.
    pub(super) fn manifests(&self, revision: &Revision) -> Result<Option<Parsed>, HistoryError> {
        let tree = &revision.tree;
        let root_file = self.below(ROOT_FILE);
        let bytes = self
            .repository
            .read_file(tree, &root_file, MAX_FILE_BYTES)?;
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let mut reading = Reading::default();
        reading.add(ManifestFile::new(ROOT_FILE, bytes));
        let past = reading.project();
        let own = past.own_files();
        let rules = Rules {
            include: past.manifests.clone(),
            hidden: true,
            ..Rules::default()
        };
        let Ok(selection) = Selection::compile(&rules) else {
            return Ok(Some(reading.finish()));
        };
        let files =
            self.repository
                .read_files(tree, self.tree_root(""), &selection, MAX_FILE_BYTES)?;
        for (path, bytes) in files {
            if path != ROOT_FILE && own.is_manifest(path.as_bytes()) {
                reading.add(ManifestFile::new(path, bytes));
            }
        }
        Ok(Some(reading.finish()))
    }
}

/// The folders before the first wildcard of a glob.
fn literal_front(glob: &str) -> &str {
    let end = glob.find(['*', '?', '[', '{']).unwrap_or(glob.len());
    glob[..end].rfind('/').map_or("", |slash| &glob[..slash])
}

pub(super) fn described(problem: &Diagnostic) -> String {
    match &problem.place {
        Some(place) => format!(
            "{}:{}:{}: {}",
            place.file, place.line, place.column, problem.message
        ),
        None => problem.message.clone(),
    }
}
