//! `[io]` A project where it lives: its content on disk, and manifests and content at a revision. Both
//! give the same values, so the desired entries are computed the same way.

pub mod caches;
pub mod disk;
pub mod history;
pub mod places;
pub mod sides;

use std::sync::Arc;

use thiserror::Error;

use crate::content::ContentError;
use crate::desired::SiteErrors;
use crate::git::GitError;
use history::HistoryError;

/// Why desired entries or their base cannot be determined.
#[derive(Debug, Error)]
pub enum WorkspaceError {
    #[error(transparent)]
    Content(#[from] SiteContentError),
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Files that cannot become URLs, or that share one.
    #[error(transparent)]
    Site(#[from] SiteErrors),
    /// State or status would be written outside the project.
    #[error("{0}")]
    Misplaced(String),
}

impl WorkspaceError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Content(error) => error.hint(),
            Self::History(error) => error.hint(),
            Self::Site(_) => Some(
                "rename a file, leave it out with `content.exclude`, or change `redirect` or \
                 `stripExtensions`"
                    .to_owned(),
            ),
            Self::Misplaced(_) => None,
        }
    }
}

#[derive(Debug, Error)]
#[error("site `{site}`")]
pub struct SiteContentError {
    pub site: Arc<str>,
    #[source]
    pub source: ContentProblem,
}

#[derive(Debug, Error)]
pub enum ContentProblem {
    #[error(transparent)]
    Content(#[from] ContentError),
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
    pub fn hint(&self) -> Option<String> {
        match &self.source {
            ContentProblem::Content(error) => error.hint().map(str::to_owned),
            ContentProblem::Git(error) => error.hint(),
        }
    }
}
