//! Why a comparison with history fails, and what to do about it.

use thiserror::Error;

use crate::desired::SiteErrors;
use crate::git::GitError;
use crate::manifest::ROOT_FILE;
use crate::workspace::SiteContentError;

#[derive(Debug, Error)]
pub enum HistoryError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the manifests at `{revision}` have errors; the first is: {first}")]
    Manifests { revision: String, first: String },
    /// `--since last-applied`, but no revision was ever applied.
    #[error("the state does not say which revision was applied last")]
    NeverApplied,
    #[error("there is no `{ROOT_FILE}` at `{revision}`")]
    NoProject { revision: String },
    #[error(transparent)]
    Content(#[from] SiteContentError),
    #[error("at `{revision}`")]
    Site {
        revision: String,
        #[source]
        source: SiteErrors,
    },
    /// Committed content that a sparse checkout leaves out: it was not deleted.
    #[error("site `{site}`: the sparse checkout leaves out {count} of its files, first `{path}`")]
    Sparse {
        site: String,
        count: usize,
        path: String,
    },
    #[error("site `{site}`: there is no folder `{root}` at `{revision}`")]
    NoRoot {
        site: String,
        root: String,
        revision: String,
    },
    #[error("site `{site}`: `{root}` is not in git at `{from}` nor at `{to}`")]
    NotInGit {
        site: String,
        root: String,
        from: String,
        to: String,
    },
}

impl HistoryError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.hint(),
            Self::Content(error) => error.hint(),
            Self::Manifests { .. } | Self::NoProject { .. } | Self::Site { .. } => Some(
                "name a later revision, or plan against the state, without `--since`".to_owned(),
            ),
            Self::Sparse { .. } => Some(
                "compare with a commit instead of the files on disk, as in `--to HEAD`, or run \
                 `git sparse-checkout disable`"
                    .to_owned(),
            ),
            Self::NoRoot { .. } => {
                Some("correct `content.root`, or remove the site if it is gone".to_owned())
            }
            Self::NeverApplied => Some(
                "run `purgit apply --since REV` once, or `purgit state baseline` where nothing is \
                 uncommitted"
                    .to_owned(),
            ),
            Self::NotInGit { .. } => Some(
                "a built site has no history: plan against the state, without `--since`".to_owned(),
            ),
        }
    }
}
