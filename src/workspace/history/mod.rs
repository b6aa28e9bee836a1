//! `[io]` A project at a revision: manifests and content from git trees, without a checkout.

mod background;
mod compare;
mod converted;
mod counted;
mod dirty;
mod error;
mod manifests;
mod past;

use std::fmt::Display;
use std::path::Path;

use super::{ContentProblem, SiteContentError};
use crate::content::{ContentError, ContentFile, ContentId, Listing, Note, NoteReason, slashed};
use crate::desired::Contents;
use crate::git::{GitError, Repository, Revision, TreeRoot};
use crate::manifest::resource::{Project, Site};
pub use background::{Background, ManifestChange};
pub use compare::{CompareOptions, Compared};
pub use error::HistoryError;
use manifests::described;

#[derive(Debug)]
pub struct Past {
    pub revision: Revision,
    /// The manifests then; `None` if there was no project yet.
    pub project: Option<Project>,
}

impl Past {
    fn sites(&self) -> &[Site] {
        let project = self.project.as_ref();
        project.map_or(&[], |project| &project.sites)
    }

    fn site(&self, name: &str) -> Option<&Site> {
        self.sites().iter().find(|site| *site.name == *name)
    }
}

/// The repository that contains a project, and the project's path in it.
#[derive(Debug)]
pub struct History {
    repository: Repository,
    /// Path of the project's root from the top, `/`-separated; empty for the top.
    project: String,
}

impl History {
    pub fn open(root: &Path) -> Result<Self, GitError> {
        let repository = Repository::discover(root)?;
        let project = match repository.work_tree() {
            Some(_) => repository.relative(root)?,
            // In a bare repository, the project is at the top.
            None => String::new(),
        };
        Ok(Self {
            repository,
            project,
        })
    }

    pub(in crate::workspace) fn head(&self) -> Result<Revision, GitError> {
        self.repository.head()
    }

    pub fn has_work_tree(&self) -> bool {
        self.repository.work_tree().is_some()
    }

    pub fn at(&self, revision: &str) -> Result<Past, HistoryError> {
        let revision = self.repository.resolve(revision)?;
        let Some(parsed) = self.manifests(&revision)? else {
            return Ok(Past {
                project: None,
                revision,
            });
        };
        let Some(project) = parsed.project else {
            let error = parsed.problems.iter().find(|problem| problem.is_error());
            let first = error.map(described).unwrap_or_default();
            return Err(HistoryError::Manifests {
                revision: revision.name,
                first,
            });
        };
        Ok(Past {
            project: Some(project),
            revision,
        })
    }

    fn list(&self, site: &Site, at: &Past) -> Result<Listing, ContentProblem> {
        let (root, selection) = (slashed(&site.content.root), &site.content.selection);
        let (tree, root) = (&at.revision.tree, self.tree_root(&root));
        Ok(self.repository.list_tree(tree, root, selection)?)
    }

    /// The files of a site at a revision; empty if it has no content root.
    pub fn files(&self, site: &Site, at: &Past) -> Result<Vec<ContentFile>, HistoryError> {
        match self.list(site, at) {
            Ok(listing) => Ok(listing.files),
            Err(ContentProblem::Content(ContentError::RootMissing { .. })) => Ok(Vec::new()),
            Err(error) => Err(of_site(site, error)),
        }
    }

    /// The size of a file in bytes; 1 if unknown.
    pub fn size(&self, id: &ContentId) -> u64 {
        self.repository.size(id).unwrap_or(1)
    }

    /// The content of a site at the base revision. What could not be content then is left out, with
    /// notes.
    fn list_past(&self, site: &Site, past: &Past) -> Result<(Listing, Vec<String>), HistoryError> {
        let (root, selection) = (slashed(&site.content.root), &site.content.selection);
        let tree = &past.revision.tree;
        let at = |note: &dyn Display| {
            format!("site `{}` at `{}`: {note}", site.name, past.revision.name)
        };
        let root = self.tree_root(&root);
        match self.repository.list_past_tree(tree, root, selection) {
            Ok(listing) => {
                let notes = listing.notes.iter().filter(|note| was_unusable(note));
                let notes = notes.map(|note| at(&format!("{note}; it is left out")));
                let notes = notes.collect();
                Ok((listing, notes))
            }
            Err(GitError::Content(error)) if is_no_root(&error) => {
                let note = at(&format!("{error}; it counts as empty"));
                Ok((Listing::default(), vec![note]))
            }
            Err(error) => Err(of_site(site, error.into())),
        }
    }

    fn tree_root<'a>(&'a self, root: &'a str) -> TreeRoot<'a> {
        TreeRoot {
            project: &self.project,
            root,
        }
    }

    /// Refuses a sparse checkout in which files of a site are missing.
    pub fn refuse_sparse(&self, project: &Project) -> Result<(), HistoryError> {
        for site in &project.sites {
            let root = self.below(&slashed(&site.content.root));
            let mut missing = self.repository.not_checked_out(&root)?;
            missing.retain(|path| {
                let below = path.get(root.len()..).map(|path| path.trim_matches('/'));
                below.is_some_and(|path| site.content.selection.selects(path))
            });
            if let Some(path) = missing.first() {
                return Err(HistoryError::Sparse {
                    site: site.name.to_string(),
                    count: missing.len(),
                    path: path.clone(),
                });
            }
        }
        Ok(())
    }

    fn is_head(&self, past: &Past) -> Result<bool, HistoryError> {
        Ok(self.repository.head()?.commit == past.revision.commit)
    }

    /// The commit that is checked out. If its manifests are invalid, the work tree counts as dirty.
    fn at_head(&self) -> Result<Past, HistoryError> {
        match self.at("HEAD") {
            Err(HistoryError::Manifests { .. }) => Ok(Past {
                revision: self.repository.head()?,
                project: None,
            }),
            other => other,
        }
    }

    /// Turns a path of the project into one from the repository's top.
    fn below(&self, path: &str) -> String {
        joined(&self.project, path)
    }
}

fn joined(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

fn files<'c>(contents: &'c Contents, site: &Site) -> &'c [ContentFile] {
    let listing = contents.get(&site.name);
    listing.map_or(&[], |listing| &listing.files)
}

/// Whether this note would be an error in wanted content.
fn was_unusable(note: &Note) -> bool {
    match note.reason {
        NoteReason::Submodule | NoteReason::NotUtf8 => true,
        NoteReason::LinkLeavesRoot { .. }
        | NoteReason::LinkBroken { .. }
        | NoteReason::LinkLoop { .. }
        | NoteReason::Special { .. } => false,
    }
}

fn is_no_root(error: &ContentError) -> bool {
    match error {
        ContentError::RootMissing { .. }
        | ContentError::RootNotFolder { .. }
        | ContentError::RootOutside { .. }
        | ContentError::Submodules { .. } => true,
        ContentError::NotUtf8 { .. }
        | ContentError::Unreadable { .. }
        | ContentError::Busy { .. }
        | ContentError::TooManyLinked { .. } => false,
    }
}

fn of_site(site: &Site, source: ContentProblem) -> HistoryError {
    SiteContentError {
        site: site.name.clone(),
        source,
    }
    .into()
}
