//! What keeps a project from purging: turns facts into findings, each with a remedy. Gathers no facts.

mod endpoint;
mod origin;
mod quota;

use std::sync::Arc;

use crate::error::chain;
use crate::manifest::Counts;
use crate::plan::count;
use crate::state::{Held, State, StateError};
use crate::status::file::StatusError;
use crate::word_enum::word_enum;
pub use endpoint::{Asked, AskedNode, AskedNodes, MAX_SKEW, endpoint};
pub use origin::{asked_path, origin};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub endpoint: Option<Arc<str>>,
    pub level: Level,
    pub message: String,
    pub remedy: Option<String>,
}

word_enum! {
    pub enum Level {
        /// As it should be.
        Ok = "ok",
        /// It works, but not as it should.
        Warning = "warning",
        /// Nothing can be purged like this.
        Failed = "failed",
    }
}

/// What is known about a git repository.
#[derive(Debug)]
pub enum Git {
    /// There is no repository.
    None,
    Shallow,
    /// The whole history is here.
    Whole,
    /// Why it cannot be read.
    Unreadable(String, Option<String>),
}

fn finding(check: &'static str, level: Level, message: impl Into<String>) -> Finding {
    Finding {
        check,
        endpoint: None,
        level,
        message: message.into(),
        remedy: None,
    }
}

impl Finding {
    fn remedy(mut self, remedy: impl Into<Option<String>>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

pub fn manifests(counts: &Counts) -> Finding {
    if counts.errors > 0 {
        let message = format!(
            "{}; the rest needs valid ones",
            count(counts.errors, "error")
        );
        return finding("manifests", Level::Failed, message)
            .remedy("`purgit validate` shows them with their places".to_owned());
    }
    let message = format!(
        "{}, {} and {} in {}",
        count(counts.endpoints, "endpoint"),
        count(counts.purges, "purge"),
        count(counts.sites, "site"),
        count(counts.files, "file")
    );
    let (level, remedy) = match counts {
        Counts { endpoints: 0, .. } => (
            Level::Failed,
            Some("declare an `Endpoint`; `purgit init` writes an example"),
        ),
        Counts {
            purges: 0,
            sites: 0,
            ..
        } => (
            Level::Warning,
            Some("declare a `Purge` or a `Site`; `purgit init` writes an example"),
        ),
        Counts { warnings: 1.., .. } => {
            (Level::Warning, Some("`purgit validate` shows the warnings"))
        }
        Counts { .. } => (Level::Ok, None),
    };
    finding("manifests", level, message).remedy(remedy.map(str::to_owned))
}

/// There is nothing to read.
pub fn no_manifests(message: String, hint: Option<String>) -> Finding {
    finding("manifests", Level::Failed, message).remedy(hint)
}

pub fn git(git: Git) -> Finding {
    match git {
        Git::None => finding("git", Level::Ok, "no repository; `--since` needs one"),
        Git::Whole => finding("git", Level::Ok, "the whole history is there"),
        Git::Shallow => finding("git", Level::Warning, "this is a shallow clone: `--since` only finds the commits in it").remedy(
            "fetch the whole history: `fetch-depth: 0` in GitHub Actions, `GIT_DEPTH: 0` in GitLab CI, else `git fetch --unshallow`".to_owned(),
        ),
        Git::Unreadable(message, hint) => finding("git", Level::Warning, message).remedy(hint),
    }
}

pub fn state(place: &str, read: Result<&State, &StateError>, warning: Option<String>) -> Finding {
    match read {
        Err(error) => finding("state", Level::Failed, chain(error)).remedy(error.hint()),
        Ok(_) if warning.is_some() => finding("state", Level::Warning, warning.unwrap_or_default()),
        Ok(state) if state.serial == 0 => finding(
            "state",
            Level::Ok,
            format!("nothing is recorded yet in {place}"),
        ),
        Ok(state) => {
            let entries = count(state.entries.len(), "entry");
            let operations = state.pending_operations.len();
            let under_way = match operations {
                0 => String::new(),
                some => format!(", {} under way", count(some, "request")),
            };
            finding(
                "state",
                Level::Ok,
                format!("{entries} recorded{under_way} in {place}"),
            )
        }
    }
}

/// The status has no valid place.
pub fn status(error: &StatusError) -> Finding {
    finding("status", Level::Failed, chain(error)).remedy(error.hint())
}

pub fn lock(held: Result<Option<Held>, StateError>) -> Finding {
    match held {
        Ok(None) => finding("lock", Level::Ok, "free"),
        Ok(Some(held)) => {
            let message = format!("lock {} is held by {}", held.epoch, held.holder);
            let remedy = format!(
                "wait until it ends; if it never does, run `purgit state unlock {}`",
                held.epoch
            );
            finding("lock", Level::Warning, message).remedy(remedy)
        }
        Err(error) => finding("lock", Level::Failed, chain(&error)).remedy(error.hint()),
    }
}
