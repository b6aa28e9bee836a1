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

/// Why the content of a site cannot be told.
#[derive(Debug, Error)]
#[error("site `{site}`")]
pub struct SiteContentError {
    /// Name of the site.
    pub site: Arc<str>,
    /// Why not.
    #[source]
    pub source: Cause,
}

/// What kept content from being listed.
#[derive(Debug, Error)]
pub enum Cause {
    /// On disk, or by its rules.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// In git.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl SiteContentError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.source {
            Cause::Content(error) => error.hint().map(str::to_owned),
            Cause::Git(error) => error.hint(),
        }
    }
}
