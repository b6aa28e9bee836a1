//! `[io]` A project as it was at a revision: manifests and content read from git trees, nothing is
//! checked out.

mod compare;
mod converted;
mod error;
mod manifests;

use std::path::Path;

use super::{Cause, SiteContentError};
use crate::content::{ContentError, ContentFile, Listing};
use crate::desired::Contents;
use crate::git::{GitError, Repository, Revision};
use crate::manifest::resource::{Project, Site};
pub use compare::{Compared, How};
pub use error::HistoryError;
use manifests::described;

/// A project at a revision.
#[derive(Debug)]
pub struct Past {
    /// What was asked for.
    pub revision: Revision,
    /// The manifests then; `None` where there was no project yet.
    pub project: Option<Project>,
}

impl Past {
    fn sites(&self) -> &[Site] {
        let project = self.project.as_ref();
        project.map_or(&[], |project| &project.sites)
    }

    /// The site of that name then.
    fn site(&self, name: &str) -> Option<&Site> {
        self.sites().iter().find(|site| *site.name == *name)
    }
}

/// The repository around a project, with the project's place in it.
#[derive(Debug)]
pub struct History {
    repository: Repository,
    /// Path of the project's root from the top, `/`-separated; empty for the top.
    prefix: String,
}

impl History {
    /// Finds the repository.
    ///
    /// # Errors
    /// [`GitError::NoRepository`] and others.
    pub fn open(root: &Path) -> Result<Self, GitError> {
        let repository = Repository::discover(root)?;
        let prefix = match repository.work_tree() {
            Some(_) => repository.relative(root)?,
            // In a bare repository, the project is at the top.
            None => String::new(),
        };
        Ok(Self { repository, prefix })
    }

    /// Whether there is something checked out beside the history.
    pub fn has_work_tree(&self) -> bool {
        self.repository.work_tree().is_some()
    }

    /// The project as it was at a revision.
    ///
    /// # Errors
    /// An unknown revision, or manifests that were not valid.
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

    /// What was in the content root of every site.
    fn contents(&self, past: &Past) -> Result<Contents, HistoryError> {
        let sites = past.sites().iter();
        let listed = sites.map(|site| Ok((site.name.clone(), self.list(site, past)?)));
        listed.collect()
    }

    /// What was in the content root of one site.
    fn list(&self, site: &Site, past: &Past) -> Result<Listing, HistoryError> {
        let prefix = self.below(&site.content.root.to_string_lossy());
        let tree = &past.revision.tree;
        let selection = &site.content.selection;
        match self.repository.list_tree(tree, &prefix, selection) {
            Ok(listing) => Ok(listing),
            Err(GitError::Content(ContentError::RootMissing { .. })) => Ok(Listing::default()),
            Err(error) => Err(of_site(site, error)),
        }
    }

    /// Refuses a work tree in which files of a site are missing only because the checkout is sparse.
    ///
    /// # Errors
    /// [`HistoryError::Sparse`].
    pub fn refuse_sparse(&self, project: &Project) -> Result<(), HistoryError> {
        for site in &project.sites {
            let root = self.below(&site.content.root.to_string_lossy());
            let mut missing = self.repository.not_checked_out(&root)?;
            let below = |path: &str| {
                path.get(root.len()..)
                    .map(|path| path.trim_matches('/').to_owned())
            };
            missing.retain(|path| {
                below(path).is_some_and(|path| site.content.selection.selects(&path))
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

    /// Whether a base is what is checked out.
    fn is_head(&self, past: &Past) -> Result<bool, HistoryError> {
        Ok(self.repository.head()?.commit == past.revision.commit)
    }

    /// What is committed, as far as it can be read; manifests that are not valid there only make
    /// the work tree dirty.
    fn at_head(&self) -> Result<Past, HistoryError> {
        match self.at("HEAD") {
            Err(HistoryError::Manifests { .. }) => Ok(Past {
                revision: self.repository.head()?,
                project: None,
            }),
            other => other,
        }
    }

    /// A path of the project as a path from the top.
    fn below(&self, path: &str) -> String {
        match (self.prefix.as_str(), path) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}/{path}"),
        }
    }
}

/// The files of a site.
fn files<'c>(contents: &'c Contents, site: &Site) -> &'c [ContentFile] {
    let listing = contents.get(&site.name);
    listing.map_or(&[], |listing| &listing.files)
}

/// What a reader should know of a listing.
fn notes_of(site: &Site, listing: &Listing) -> impl Iterator<Item = String> {
    let notes = listing.notes.iter();
    notes.map(|note| format!("site `{}`: {note}", site.name))
}

/// An error about the content of a site.
fn of_site(site: &Site, error: GitError) -> HistoryError {
    SiteContentError {
        site: site.name.clone(),
        source: Cause::from(error),
    }
    .into()
}
