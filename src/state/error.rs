//! Why a state cannot be read, written or locked, and what the user can do about it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::{Held, STATE_VERSION};
use crate::git::GitError;

/// The end of a [`StateError::Corrupt`] reason: the file is a git merge that was not resolved.
pub(crate) const GIT_CONFLICT: &str = "a git conflict marker";

#[derive(Debug, Clone, Error)]
pub enum StateError {
    #[error("the state is locked{}", .0.as_ref().map(|held| format!(" by {}, lock {}", held.holder, held.epoch)).unwrap_or_default())]
    Locked(Option<Box<Held>>),
    #[error("the state at {0} was changed by someone else during this run")]
    Conflict(String),
    /// The lease was lost, or another writer holds a newer one.
    #[error("another run took over the state at {0}")]
    Fenced(String),
    /// The journal does not belong to this snapshot. Both files are left as they are.
    #[error("{journal} does not continue {place}: {reason}")]
    Journal {
        place: String,
        journal: String,
        reason: String,
    },
    /// The bytes are not a valid state. The file is left as it is.
    #[error("{place} is not a purgit state: {reason}")]
    Corrupt { place: String, reason: String },
    #[error("{place} has state version {found}, and this purgit reads up to {STATE_VERSION}")]
    TooNew { place: String, found: u64 },
    #[error("cannot {action} the state at {place}")]
    Git {
        action: &'static str,
        place: String,
        #[source]
        source: Arc<GitError>,
    },
    #[error("cannot {action} {place}")]
    Io {
        action: &'static str,
        place: String,
        #[source]
        source: Arc<io::Error>,
    },
}

impl StateError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Locked(held) => Some(match held.as_ref().and_then(|it| Some((it, it.left?))) {
                None => "wait until it ends; a killed process leaves no lock behind".to_owned(),
                Some((held, left)) => format!(
                    "wait until it ends; if it was killed, the lock ends in {}, or at once with \
                     `purgit state unlock {}`",
                    humantime::format_duration(Duration::from_secs(left.as_secs().max(1))),
                    held.epoch
                ),
            }),
            Self::Conflict(_) => Some(
                "run `purgit plan` to see where things stand; nothing was overwritten".to_owned(),
            ),
            Self::Fenced(_) => {
                Some("run `purgit plan` to see where things stand; nothing was lost".to_owned())
            }
            Self::Journal { journal, .. } => Some(format!(
                "a run that was killed left records there: put the state back that they continue, or \
                 move `{journal}` away, and what it records is forgotten"
            )),
            Self::Corrupt { place, reason } if reason.ends_with(GIT_CONFLICT) => Some(format!(
                "take either side, e.g. `git checkout --theirs -- {place}`: at worst some URLs are \
                 purged once more"
            )),
            Self::Corrupt { place, .. } if place.starts_with("refs/") => Some(
                "`git log` of the ref shows what it was before: put that back with \
                 `git update-ref`, or delete the ref to start anew; purgit leaves it as it is"
                    .to_owned(),
            ),
            Self::Corrupt { place, .. } => Some(format!(
                "restore it, e.g. `git checkout HEAD -- {place}`, or move it away to start anew; \
                 purgit leaves it as it is"
            )),
            Self::TooNew { .. } => {
                Some("use the version of purgit that wrote it, or a newer one".to_owned())
            }
            Self::Git { source, .. } if matches!(**source, GitError::NoRepository { .. }) => {
                Some("run `git init` here, or keep the state in a `file`".to_owned())
            }
            Self::Git { source, .. } => source.hint(),
            Self::Io { .. } => None,
        }
    }
}
