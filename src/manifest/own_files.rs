//! Which files of a project are purgit's own; they are never content of a site.

use std::path::PathBuf;
use std::sync::Arc;

use super::resource::{Project, ROOT_FILE};
use crate::content::{OwnFiles, slashed};

impl Project {
    pub fn own_files(&self) -> OwnFiles {
        let globs = self.manifests.iter().map(String::as_str);
        let written = [self.state.file(), self.status.file()];
        OwnFiles::new(globs.chain([ROOT_FILE]), written.into_iter().flatten())
    }

    /// The same project, with these files as additional own files.
    #[must_use]
    pub fn without_own_files(mut self, more: &[PathBuf]) -> Self {
        let mut own = self.own_files();
        for path in more {
            own.add(path);
        }
        let own = Arc::new(own);
        for site in &mut self.sites {
            let content = &mut site.content;
            content.selection = content.selection.without(&own, &slashed(&content.root));
        }
        self
    }
}
