//! `[io]` A project where it lives: its content on disk, and manifests and content as they were at a
//! revision. Both give the same values, so what is wanted is computed the same way from either.

pub mod caches;
pub mod disk;
pub mod history;
pub mod notebook;

use std::sync::Arc;

use thiserror::Error;

use crate::content::ContentError;
use crate::git::GitError;

/// Why the content of a site cannot be listed.
#[derive(Debug, Error)]
#[error("site `{site}`")]
pub struct SiteContentError {
    /// Name of the site.
    pub site: Arc<str>,
    /// Why not.
    #[source]
    pub source: ContentProblem,
}

/// What kept content from being listed.
#[derive(Debug, Error)]
pub enum ContentProblem {
    /// On disk, or by its rules.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// In git.
    #[error(transparent)]
    Git(GitError),
}

impl From<GitError> for ContentProblem {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Content(error) => Self::Content(error),
            error => Self::Git(error),
        }
    }
}

impl SiteContentError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.source {
            ContentProblem::Content(error) => error.hint().map(str::to_owned),
            ContentProblem::Git(error) => error.hint(),
        }
    }
}
